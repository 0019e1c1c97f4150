import type { InstallationId, PolicyId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import type { LedgerObject } from '../catalog/objectLedger.ts';
import { markerName } from '../locations/marker.ts';
import type { ListedVersion, ObjectFacts, ObjectStore, VersionedObjects } from '../locations/objectStore.ts';
import { throwIfAborted } from '../locations/storeErrors.ts';
import type { LockPlan } from '../locks/lockPlan.ts';
import type { StoreTime } from '../locks/storeClock.ts';
import { condemnedListId, parseObjectKey } from '../repository/names.ts';
import { FindingBook, findingOf } from './findingBook.ts';
import { KeptObjects } from './keptObjects.ts';
import { LedgerRows } from './ledgerRows.ts';
import { LockAudit } from './lockAudit.ts';
import { LookQueue } from './lookQueue.ts';
import { gravestFirst, someOf, type TamperFinding } from './tamperFinding.ts';

export interface TamperAuditOptions {
  readonly catalog: Catalog;
  readonly location: Pick<LocationRecord, 'locationId' | 'storeId' | 'createdAt'>;
  readonly installationId: InstallationId;
  /** It has versions. */
  readonly store: ObjectStore & { readonly versions: VersionedObjects };
  /** At a location with locks. */
  readonly locks?: {
    /** Store time that is fresh enough to act upon. */
    readonly now: (signal: AbortSignal) => Promise<StoreTime>;
    readonly plan: LockPlan;
  };
  readonly wallClock: () => Date;
  readonly signal: AbortSignal;
  /** Reads every lock back. */
  readonly isThorough?: boolean;
  /** Whether a list of condemned objects is one of this installation: needs keys. Where left out, its name is enough. */
  readonly isOwnList?: (key: string, versionId: string) => Promise<boolean>;
  readonly onProgress?: (progress: TamperAuditProgress) => void;
  /** In 0..1, 1 excluded. */
  readonly random?: () => number;
}

export interface TamperAuditProgress {
  /** Versions and delete markers that were listed. */
  readonly versions: number;
  /** Objects of the ledger that were compared, and how many there are about. */
  readonly objects: number;
  readonly totalObjects: number;
}

export interface TamperAuditResult {
  /** What is wrong now, at most a thousand: the gravest first, and some of each kind. */
  readonly findings: readonly TamperFinding[];
  readonly findingsCount: number;
  /** Of those, how many no audit before has met. */
  readonly newFindings: number;
  /** The earliest time of any of them, as the store or else this machine told it. */
  readonly tamperedSince: string | null;
  /** Versions and delete markers that were listed. */
  readonly versions: number;
  /** Objects of the ledger that were compared. */
  readonly objects: number;
  readonly locksRead: number;
  /** Versions below our prefix that are older than what this catalog knows of the location: nobody here can tell whose they are. */
  readonly olderThanCatalog: number;
}

/** The entries of one key, newest first, as they come. */
interface Group {
  readonly key: string;
  readonly row: LedgerObject | undefined;
  /** `named`: not in the ledger, and by its name of ours. */
  readonly owner: 'ledger' | 'named' | 'canary' | 'stranger';
  ownVersionId: string | null;
  /** The only version so far, where nobody knows yet which one is ours. */
  candidate: ListedVersion | undefined;
  own: ListedVersion | undefined;
  isOdd: boolean;
  /** A stranger that was looked at again and is still there. */
  isThere: boolean;
}

const mostTold = 1000;
const longestName = 300;
const looksAtOnce = 8;
const action = 'audit the location';

/**
 * Compares everything that a location holds below our prefix, and its marker, with the ledger; writes down what is wrong, and what is cured no more. Both are
 * read side by side in the order of the keys, so that memory stays flat; the store is asked for single objects only where something looks wrong, and for
 * locks as `LockAudit` says. Gaps and duplicates of a listing, and what is put, deleted or extended meanwhile, are no findings: whatever looks wrong is looked
 * at again, in the store and in the ledger. An object that is gone becomes `missing` in the ledger. Rejects as stores do; what was found until then is
 * written down, and nothing counts as cured.
 */
export async function auditLocation(options: TamperAuditOptions): Promise<TamperAuditResult> {
  const { catalog, location, locks, store, signal, isThorough = false, random = Math.random } = options;
  const { locationId } = location;
  const book = new FindingBook(catalog, locationId, options.wallClock());
  const began = await locks?.now(signal);
  const lockAudit =
    locks === undefined || began === undefined
      ? undefined
      : new LockAudit({ catalog, locationId, versions: store.versions, book, ...locks, began, isThorough, random, signal });
  const audit = new TamperAudit(options, book, lockAudit, began);
  await audit.run();
  const { tamperings } = catalog;
  return {
    findings: someOf(
      gravestFirst.flatMap((kind) => tamperings.ofKind(locationId, kind, mostTold).map(findingOf)),
      mostTold,
    ),
    findingsCount: tamperings.count(locationId) + book.untold,
    newFindings: book.added,
    tamperedSince: tamperings.earliest(locationId) ?? null,
    versions: audit.versions,
    objects: audit.objects,
    locksRead: lockAudit?.read ?? 0,
    olderThanCatalog: audit.olderThanCatalog,
  };
}

class TamperAudit {
  readonly #options: TamperAuditOptions;
  readonly #book: FindingBook;
  readonly #locks: LockAudit | undefined;
  readonly #began: StoreTime | undefined;
  readonly #kept: KeptObjects;
  readonly #rows: LedgerRows;
  readonly #looks = new LookQueue(looksAtOnce);
  readonly #totalObjects: number;
  #policies: ReadonlySet<string> | undefined;
  #group: Group | undefined;
  /** The last object that was passed while not all locks were read. */
  #sampledUpTo = '';
  versions = 0;
  olderThanCatalog = 0;

  constructor(options: TamperAuditOptions, book: FindingBook, locks: LockAudit | undefined, began: StoreTime | undefined) {
    const { catalog, location } = options;
    this.#options = options;
    this.#book = book;
    this.#locks = locks;
    this.#began = began;
    this.#kept = new KeptObjects(catalog, location);
    this.#rows = new LedgerRows(catalog.objects, location.locationId, this.#prefix);
    this.#totalObjects = catalog.objects.lastNumber(location.locationId);
  }

  async run(): Promise<void> {
    const { store, signal } = this.#options;
    try {
      const onOther = (entry: ListedVersion): void => this.#takeOther(entry);
      for await (const page of store.versions.list(this.#prefix, { signal, onOther })) {
        for (const entry of page) await this.#take(entry);
        this.#afterPage();
      }
      await this.#endGroup();
      for (let row = this.#rows.peek(); row !== undefined; row = this.#rows.peek()) await this.#pass(row);
      await this.#takeMarker();
      await this.#looks.drain();
      await this.#readLocksLeft();
      await this.#looks.drain();
      this.#book.complete();
    } finally {
      await this.#looks.settle();
      this.#book.flush();
    }
  }

  get objects(): number {
    return this.#rows.passed;
  }

  get #prefix(): string {
    return `${this.#options.installationId}/`;
  }

  #afterPage(): void {
    const { signal, onProgress } = this.#options;
    throwIfAborted(signal, action);
    this.#book.flush();
    onProgress?.({ versions: this.versions, objects: this.#rows.passed, totalObjects: this.#totalObjects });
  }

  /** A row that the listing has no entry for. */
  async #pass(row: LedgerObject): Promise<void> {
    throwIfAborted(this.#options.signal, action);
    this.#advance(row);
    await this.#notListed(row);
  }

  #advance({ objectKey }: LedgerObject): void {
    this.#rows.advance();
    if (this.#locks?.isThorough === false) this.#sampledUpTo = objectKey;
  }

  #again(key: string): LedgerObject | undefined {
    return this.#options.catalog.objects.get(this.#options.location.locationId, key);
  }

  // The listing.

  async #take(entry: ListedVersion): Promise<void> {
    this.versions += 1;
    if (entry.key !== this.#group?.key) {
      await this.#endGroup();
      this.#group = await this.#beginGroup(entry.key);
    }
    await this.#takeInto(this.#group, entry);
  }

  async #beginGroup(key: string): Promise<Group> {
    let row = this.#rows.peek();
    // A key that comes after a later one, or once more, finds the ledger behind it.
    while (row !== undefined && row.objectKey < key) {
      await this.#pass(row);
      row = this.#rows.peek();
    }
    if (row?.objectKey === key) this.#advance(row);
    return this.#groupOf(key, row?.objectKey === key ? row : this.#again(key));
  }

  #groupOf(key: string, row: LedgerObject | undefined): Group {
    const owner = row === undefined ? (this.#isNamed(key) ? 'named' : 'stranger') : row.kind === 'canary' ? 'canary' : 'ledger';
    const ownVersionId = row?.versionId ?? null;
    return { key, row, owner, ownVersionId, candidate: undefined, own: undefined, isOdd: false, isThere: false };
  }

  async #takeInto(group: Group, entry: ListedVersion): Promise<void> {
    if (group.owner === 'canary') return;
    if (group.owner === 'stranger') {
      await this.#takeStranger(group, entry);
      return;
    }
    if (entry.isDeleteMarker) {
      group.isOdd = true;
      const detail = 'A delete marker lies over it: who reads it without a version finds nothing.';
      this.#book.add({ kind: 'deleteMarker', key: entry.key, versionId: entry.versionId, detail, storeTime: entry.lastModified });
      return;
    }
    if (group.ownVersionId === null) {
      if (group.candidate === undefined || group.candidate.versionId === entry.versionId) {
        group.candidate = entry;
        return;
      }
      // Nobody knows which of several is ours: the oldest counts, whatever the listing may leave out.
      const { candidate } = group;
      const oldest = await this.#options.store.head(group.key, { signal: this.#options.signal });
      group.ownVersionId = oldest?.versionId ?? entry.versionId;
      group.candidate = undefined;
      this.#takeVersion(group, candidate);
    }
    this.#takeVersion(group, entry);
  }

  #takeVersion(group: Group, entry: ListedVersion): void {
    if (entry.versionId === group.ownVersionId) {
      group.own = entry;
      return;
    }
    group.isOdd = true;
    const detail = `A version of ${entry.size} bytes that this installation did not write.`;
    this.#book.add({ kind: 'foreignVersion', key: entry.key, versionId: entry.versionId, detail, storeTime: entry.lastModified });
  }

  async #takeStranger(group: Group, entry: ListedVersion): Promise<void> {
    const { location } = this.#options;
    if (entry.lastModified < new Date(location.createdAt)) {
      this.olderThanCatalog += 1;
      return;
    }
    const { key, versionId, isDeleteMarker, lastModified: storeTime, size } = entry;
    const kind = isDeleteMarker ? 'deleteMarker' : 'unknownObject';
    const detail = isDeleteMarker
      ? 'A delete marker over a key that this installation does not know.'
      : `An object of ${size} bytes that this installation does not know.`;
    const find = (): void => this.#book.add({ kind, key, versionId, detail, storeTime });
    if (group.isThere || this.#book.isFull(kind) || this.#book.known(kind, key, versionId) !== undefined) {
      find();
      return;
    }
    // What was just put, or deleted and forgotten, is known or gone by now.
    await this.#looks.add(async () => {
      if (!(await this.#isThere(entry))) return;
      if (this.#again(key) !== undefined || this.#isNamed(key)) return;
      group.isThere = true;
      find();
    });
  }

  /** Under a name that no object of ours has. */
  #takeOther({ key: name, versionId, isDeleteMarker, lastModified: storeTime, size }: ListedVersion): void {
    this.versions += 1;
    if (storeTime < new Date(this.#options.location.createdAt)) {
      this.olderThanCatalog += 1;
      return;
    }
    const kind = isDeleteMarker ? 'deleteMarker' : 'unknownObject';
    const what = isDeleteMarker ? 'A delete marker' : `An object of ${size} bytes`;
    this.#book.add({ kind, key: tameName(name), versionId, detail: `${what} under a name that nothing of Holdfast has.`, storeTime });
  }

  /** By a listing of that key, which finds also what can't be read. */
  async #isThere({ key, versionId }: ListedVersion): Promise<boolean> {
    const { store, signal } = this.#options;
    for await (const page of store.versions.list(key, { signal })) {
      for (const entry of page) {
        if (entry.key === key && entry.versionId === versionId) return true;
      }
      // Keys that only begin so come behind it.
      if (page.some((entry) => entry.key !== key)) return false;
    }
    return false;
  }

  async #endGroup(): Promise<void> {
    const group = this.#group;
    this.#group = undefined;
    if (group === undefined || group.owner === 'canary' || group.owner === 'stranger') return;
    const { key, row, isOdd } = group;
    const own = group.own ?? group.candidate;
    if (row === undefined) {
      if (own !== undefined && condemnedListId(key) !== undefined) await this.#checkList(own);
    } else if (own === undefined) {
      await this.#notListed(row, isOdd);
    } else {
      await this.#seen(row, own, isOdd);
    }
  }

  /** What this installation writes without a row of the ledger, or before there is one. */
  #isNamed(key: string): boolean {
    const { catalog } = this.#options;
    const name = parseObjectKey(key);
    if (name !== undefined) return name.type === 'keyring' && catalog.keyrings.has(name.sequence, name.objectId);
    const [, room, second = '', ...rest] = key.split('/');
    if (room !== 'policies' || rest.length !== 2 || condemnedListId(key) === undefined) return false;
    this.#policies ??= new Set(catalog.policies.list({ includeDeleted: true }).map(({ policyId }: { policyId: PolicyId }) => policyId));
    return this.#policies.has(second);
  }

  async #checkList(entry: ListedVersion): Promise<void> {
    const { isOwnList } = this.#options;
    if (isOwnList === undefined) return;
    const { key, versionId, lastModified: storeTime } = entry;
    const detail = 'A list of condemned objects that this installation did not write.';
    const find = (): void => this.#book.add({ kind: 'unknownObject', key, versionId, detail, storeTime });
    // The bytes of a version never change.
    if (this.#book.known('unknownObject', key, versionId) !== undefined) {
      find();
      return;
    }
    await this.#looks.add(async () => {
      if (!(await isOwnList(key, versionId)) && (await this.#isThere(entry))) find();
    });
  }

  // One object of the ledger.

  async #notListed(row: LedgerObject, isOdd = false): Promise<void> {
    if (this.#mayBeMissing(row)) await this.#looks.add(() => this.#lookFor(row, isOdd));
  }

  #mayBeMissing({ state, retainUntil, versionId, ...row }: LedgerObject): boolean {
    switch (state) {
      case 'present':
        return row.kind !== 'canary';
      case 'condemned':
        // Whoever may delete it: not while it is locked.
        return this.#began !== undefined && retainUntil !== null && retainUntil > this.#began.latest.toISOString();
      case 'missing':
        // Deleted by ourselves, on its way into the store, or gone although somebody relies on it.
        return (
          versionId !== null &&
          (this.#kept.has({ ...row, state }) || this.#book.known('missingVersion', row.objectKey, versionId) !== undefined)
        );
      case 'deleting':
        return false;
    }
  }

  /** A direct look at what a listing did not show. */
  async #lookFor(row: LedgerObject, isOdd: boolean): Promise<void> {
    const { catalog, location } = this.#options;
    const { objectKey: key } = row;
    const facts = await this.#head(row);
    const fresh = this.#again(key);
    if (fresh === undefined) return;
    if (facts !== undefined) {
      await this.#seen(fresh, facts, isOdd, true);
      return;
    }
    if (fresh.versionId !== row.versionId || !this.#mayBeMissing(fresh)) return;
    this.#book.add({ kind: 'missingVersion', key, versionId: fresh.versionId, detail: 'It is not in the store any more.' });
    this.#book.afterwards(() => {
      const now = this.#again(key);
      if (now?.state !== 'present' || now.versionId !== fresh.versionId) return;
      catalog.objects.change(location.locationId, key, { state: 'missing' });
    });
  }

  async #head({ objectKey, versionId }: LedgerObject): Promise<ObjectFacts | undefined> {
    return await this.#options.store.head(objectKey, { versionId, signal: this.#options.signal });
  }

  /** @param isLook whether this is a look already, which has its place in the queue. */
  async #seen(
    row: LedgerObject,
    own: { readonly versionId: string | null; readonly size: number; readonly lastModified: Date },
    isOdd: boolean,
    isLook = false,
  ): Promise<void> {
    const { catalog, location } = this.#options;
    const { objectKey: key } = row;
    const differs = own.size !== row.size && (await this.#differs(row, isLook ? own.size : undefined));
    if (differs) {
      const detail = `It has ${own.size} bytes. The ledger has ${row.size}.`;
      this.#book.add({ kind: 'differentSize', key, versionId: own.versionId, detail, storeTime: own.lastModified });
    } else if (row.state === 'missing' && this.#book.known('missingVersion', key, row.versionId) !== undefined) {
      this.#book.afterwards(() => {
        if (this.#again(key)?.state === 'missing') catalog.objects.change(location.locationId, key, { state: 'present' });
      });
    }
    if (this.#locks?.isDue(row, isOdd || differs) !== true) return;
    if (isLook) await this.#locks.check(row);
    else await this.#checkLock(row);
  }

  /** A listing may be wrong, and the ledger ahead. What is gone does not differ. */
  async #differs(row: LedgerObject, seen: number | undefined): Promise<boolean> {
    const size = seen ?? (await this.#head(row))?.size;
    const known = this.#again(row.objectKey)?.size;
    return size !== undefined && known !== undefined && size !== known;
  }

  // Locks.

  async #checkLock(row: LedgerObject & { readonly versionId: string }): Promise<void> {
    await this.#looks.add(async () => {
      if ((await this.#locks?.check(row)) === 'missing') await this.#lookFor(row, false);
    });
  }

  /** Where a lock was found wanting in the middle, what was passed by before. */
  async #readLocksLeft(): Promise<void> {
    const locks = this.#locks;
    if (locks?.isThorough !== true || this.#sampledUpTo === '') return;
    const { catalog, location } = this.#options;
    this.#book.flush();
    const rows = new LedgerRows(catalog.objects, location.locationId, this.#prefix);
    for (let row = rows.peek(); row !== undefined && row.objectKey <= this.#sampledUpTo; row = rows.peek()) {
      throwIfAborted(this.#options.signal, action);
      rows.advance();
      if (locks.isLeft(row)) await this.#checkLock(row);
    }
  }

  // The marker of the location.

  async #takeMarker(): Promise<void> {
    const { store, signal } = this.#options;
    this.#group = this.#groupOfMarker();
    let isFound = false;
    for await (const page of store.versions.list(markerName, { signal })) {
      for (const entry of page) {
        if (entry.key !== markerName) continue;
        isFound = true;
        this.versions += 1;
        await this.#takeInto(this.#group, entry);
      }
      // Keys that only begin so come behind it.
      if (isFound && page.some(({ key }) => key !== markerName)) break;
    }
    await this.#endGroup();
  }

  /** The ledger may not have it: another installation may have made it. */
  #groupOfMarker(): Group {
    return { ...this.#groupOf(markerName, this.#again(markerName)), owner: this.#again(markerName) === undefined ? 'named' : 'ledger' };
  }
}

/** Fit for the catalog and for every eye: whoever put it chose the name. */
function tameName(name: string): string {
  const written = Array.from(name.toWellFormed(), (letter) => (/^[\w./-]$/.test(letter) ? letter : encodeURIComponent(letter))).join('');
  return written.length > longestName ? `${written.slice(0, longestName)}...` : written;
}
