import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId, LocationId, PolicyId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LedgerObject, RecordedObject } from '../../catalog/objectLedger.ts';
import type { ListedObject, ObjectStore } from '../../locations/objectStore.ts';
import { hexOf } from '../../repository/bytes.ts';
import type { CondemnedObject, CondemnedType } from '../../repository/condemnedList.ts';
import { IdSet } from '../../repository/idSet.ts';
import { restorePointIdOf } from '../../repository/manifest.ts';
import { indexesPrefix, packKey, packsPrefix, parseObjectKey, restorePointsPrefix } from '../../repository/names.ts';
import { HeldReach } from './heldReach.ts';
import { type CondemnedBook, type CondemnedList, namedIn } from './condemnedLists.ts';
import type { ListedManifest } from './strangerManifests.ts';

/** What manifests reach, as it is read from the store. */
export interface ReachReader {
  /** Adds restore points as they are listed. Rejects with a refusal where a manifest or an index cannot be read. */
  add(manifests: readonly ListedManifest[], signal: AbortSignal): Promise<void>;
  /** What those reach that were added. */
  reached(signal: AbortSignal): Promise<ReachedObjects>;
}

export interface ReachedObjects {
  readonly has: (type: 'pack' | 'index', objectId: Uint8Array) => boolean;
  /** Whether an index names this pack. */
  readonly names: (objectId: Uint8Array) => boolean;
  /** Stored bytes that stay in packs of which only other parts are needed. */
  readonly unusedBytes: number;
}

export interface SweepOptions {
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  readonly book: CondemnedBook;
  readonly reach: ReachReader;
  readonly installationId: InstallationId;
  readonly locationId: LocationId;
  readonly policyId: PolicyId;
  /** Nothing runs under a deleted policy any more. */
  readonly isDeleted: boolean;
  readonly wallClock: () => Date;
  /** At a location with locks: a time that the store has passed for sure. */
  readonly storeTime?: (signal: AbortSignal) => Promise<Date>;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: SweepProgress) => void;
}

export interface SweepProgress {
  readonly phase: 'reading' | 'condemning' | 'deleting';
  /** Objects deleted so far, and their bytes. */
  readonly objects: number;
  readonly bytes: number;
}

/** Bytes of condemned objects that go by a collection at this time or later. */
export interface WaitingGarbage {
  readonly until: Date;
  readonly bytes: number;
}

export interface SweepResult {
  readonly freedBytes: number;
  readonly freedObjects: number;
  /** The soonest first. */
  readonly waiting: readonly WaitingGarbage[];
  /** See `ReachedObjects.unusedBytes`. */
  readonly unusedBytes: number;
  /** What the store said to the first delete that it refused, for another reason than a lock. */
  readonly refused: HoldfastError | null;
}

/** Where so many deletes are refused and none is taken, the rest would be too. */
const mostRefused = 100;
const day = 86_400_000;
/** Between condemning and deleting, by store time: economy, and time for a restore of a restore point that was just retired to come to its end. */
export const condemnedFor: number = day;
/** An object that the ledger does not know may be what another installation is putting right now. */
const unknownFor = 7 * day;
/** A list that is so much newer than now was put by a clock that was wrong. */
const futureFor = 3_600_000;

/** Manifests go before what they reach: whoever reads the store meanwhile finds no restore point whose data is gone. */
const deletingOrder: readonly CondemnedType[] = ['manifest', 'index', 'pack'];

/**
 * Collects the garbage of one policy at one location: docs/format.md, Garbage collection. It ends at any point without harm, and the next one goes on.
 * Rejects with a refusal where a manifest or an index cannot be read; nothing is condemned or deleted from then on.
 */
export function sweep(options: SweepOptions): Promise<SweepResult> {
  return new Sweep(options).run();
}

/** What `sweep` would do now; changes nothing. The wall clock stands for the store's. */
export function previewSweep(options: SweepOptions): Promise<SweepResult> {
  return new Sweep(options).preview();
}

class Sweep {
  readonly #options: SweepOptions;
  /** Keys of manifests whose reach is known. */
  readonly #added: Set<string> = new Set();
  #reached: ReachedObjects = { has: () => true, names: () => true, unusedBytes: 0 };
  #head: string | undefined;
  #freedBytes = 0;
  #freedObjects = 0;
  #refused: HoldfastError | null = null;
  #refusals = 0;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  async run(): Promise<SweepResult> {
    const { book, signal, storeTime } = this.#options;
    this.#report('reading');
    await this.#finishDeleting();
    if (storeTime !== undefined) return await this.#runLocked(storeTime);
    const now = await book.storeTime(signal);
    await this.#readRoots();
    this.#report('condemning');
    for await (const object of this.#garbage(now)) await this.#condemn(object);
    const before = await this.#withoutFuture(await book.read(signal), now);
    const published = await book.publish(await this.#toPublish(namedIn(before)), signal);
    // From here on whoever puts a manifest finds the lists: what was put before is read now, and all others store anew what the lists name.
    await this.#readRoots();
    this.#report('deleting');
    const isDue = (list: CondemnedList): boolean => list.at.getTime() + condemnedFor <= now.getTime();
    const due = before.filter(isDue);
    for (const type of deletingOrder) await this.#deleteAll(type, due);
    for (const list of due) if (await this.#isGone(list)) await book.remove(list, signal);
    const waiting = [...before, ...published].filter((list) => !isDue(list));
    this.#forgetMissing(namedIn([...before, ...published]));
    return this.#result(waiting.map((list) => ({ until: new Date(list.at.getTime() + condemnedFor), bytes: this.#bytesOf(list) })));
  }

  /**
   * Where there are locks, they keep two owners apart: who relies on an object has extended it, and the store deletes nothing that is locked. So nothing is
   * published, and what nothing reaches goes as soon as its lock has ended, and those of the manifests that reached it.
   */
  async #runLocked(storeTime: (signal: AbortSignal) => Promise<Date>): Promise<SweepResult> {
    const { signal, catalog, locationId } = this.#options;
    const now = await storeTime(signal);
    await this.#readRoots();
    this.#report('condemning');
    const held = new HeldReach(catalog, locationId);
    const waiting: WaitingGarbage[] = [];
    for await (const object of this.#garbage(now)) {
      const until = await this.#staysUntil(object, held);
      if (until > now) waiting.push({ until, bytes: object.size });
      else await this.#condemn(object);
    }
    await this.#readRoots();
    this.#report('deleting');
    const condemned = [...this.#ledger('condemned')];
    for (const type of deletingOrder) {
      for (const { kind, objectKey, size } of condemned) {
        if (kind !== type) continue;
        const until = held.until(objectKey) > now ? held.until(objectKey) : await this.#delete(objectKey, now);
        if (until === undefined || this.#isReached(objectKey)) continue;
        held.hold(objectKey, until);
        waiting.push({ until, bytes: size });
      }
    }
    this.#forgetMissing(new IdSet());
    return this.#result(waiting);
  }

  /** By the store itself: what the ledger says of a lock is not enough to give something up. */
  async #lockedUntil(key: string, versionId: string | null): Promise<Date> {
    const { store, signal } = this.#options;
    const facts = await store.head(key, { signal, ...(versionId === null ? {} : { versionId }) });
    return facts?.lock?.until ?? new Date(0);
  }

  /** By its own lock, and by those of manifests that reached it, which come before it. */
  async #staysUntil({ key, versionId }: Pick<ListedObject, 'key' | 'versionId'>, held: HeldReach): Promise<Date> {
    const until = await this.#lockedUntil(key, versionId);
    held.hold(key, until);
    return new Date(Math.max(until.getTime(), held.until(key).getTime()));
  }

  async preview(): Promise<SweepResult> {
    const { book, signal, wallClock, catalog, locationId, storeTime } = this.#options;
    const now = wallClock();
    this.#report('reading');
    await this.#readRoots();
    if (storeTime !== undefined) return await this.#previewLocked(await storeTime(signal));
    const lists = await book.read(signal);
    const isDue = (list: CondemnedList): boolean => list.at.getTime() + condemnedFor <= now.getTime();
    for (const list of lists.filter(isDue)) this.#freedBytes += this.#bytesOf(list);
    let bytes = 0;
    for (const { size } of this.#unpublishedObjects(namedIn(lists))) bytes += size;
    for await (const { key, size } of this.#garbage(now)) {
      if (!catalog.runPins.isPinned(locationId, key)) bytes += size;
    }
    const waiting = lists
      .filter((list) => !isDue(list))
      .map((list) => ({ until: new Date(list.at.getTime() + condemnedFor), bytes: this.#bytesOf(list) }));
    return this.#result([...waiting, { until: new Date(now.getTime() + condemnedFor), bytes }]);
  }

  async #previewLocked(now: Date): Promise<SweepResult> {
    const { catalog, locationId } = this.#options;
    const held = new HeldReach(catalog, locationId);
    const waiting: WaitingGarbage[] = [];
    const count = async (object: Pick<ListedObject, 'key' | 'versionId' | 'size'>): Promise<void> => {
      const until = await this.#staysUntil(object, held);
      if (until > now) waiting.push({ until, bytes: object.size });
      else this.#freedBytes += object.size;
    };
    for await (const object of this.#garbage(now)) if (!catalog.runPins.isPinned(locationId, object.key)) await count(object);
    for (const { objectKey: key, versionId, size } of this.#ledger('condemned')) {
      if (!this.#isReached(key)) await count({ key, versionId, size });
    }
    return this.#result(waiting);
  }

  /** A delete that a crash cut short may have reached the store: the object counts as missing, and goes now. */
  async #finishDeleting(): Promise<void> {
    const { store, signal, catalog, locationId } = this.#options;
    for (const { objectKey, versionId } of this.#ledger('deleting')) {
      try {
        await store.delete(objectKey, versionId, { signal });
      } catch (error) {
        if (!HoldfastError.is(error, 'lockRefused', 'storeRefused')) throw error;
        // Somebody has locked it anew meanwhile: it waits for the end of that. One that may not be deleted at all, as under a legal hold, holds up no other.
        catalog.objects.change(locationId, objectKey, { state: 'condemned' });
        this.#noteRefusal(error);
        continue;
      }
      this.#endDelete(objectKey);
    }
  }

  /**
   * Lists all manifests, and reads those that are new and not retired here. Authentic or not, one that is nobody's stops the sweep: whoever put it, what
   * it reaches is not known.
   */
  async #readRoots(): Promise<void> {
    const { catalog, store, reach, signal, installationId, policyId } = this.#options;
    // Read before the listing: a restore point that is acknowledged after it changes the head.
    const head = this.#headNow();
    const live = new Set(
      catalog.restorePoints
        .live(policyId)
        .filter(({ storeId }) => storeId === store.storeId)
        .map(({ manifestKey }) => manifestKey),
    );
    const fresh: ListedManifest[] = [];
    for await (const page of store.list(restorePointsPrefix(installationId, policyId), { signal })) {
      for (const { key, versionId } of page) {
        live.delete(key);
        if (this.#added.has(key) || parseObjectKey(key)?.type !== 'manifest' || this.#isTombstoned(key)) continue;
        fresh.push({ key, versionId });
      }
    }
    const [missing] = live;
    if (missing !== undefined && catalog.restorePoints.live(policyId).some(({ manifestKey }) => manifestKey === missing)) {
      throw new HoldfastError('objectMissing', `Failed to collect garbage: the manifest ${nameIn(missing)} is not in the location.`, {
        fix: 'Find out who deletes from this location; retire that restore point if it can not be had back.',
        details: { objectKey: missing },
      });
    }
    await reach.add(fresh, signal);
    for (const { key } of fresh) this.#added.add(key);
    this.#reached = await reach.reached(signal);
    this.#head = head;
  }

  /**
   * Retired here, and not the newest of its policy, from which the next one goes on. One that is pinned, as an import pins what it may not give away, or
   * that a run still holds counts as any other.
   */
  #isTombstoned(key: string): boolean {
    const { catalog, locationId, isDeleted } = this.#options;
    const name = parseObjectKey(key);
    if (name?.type !== 'manifest') return false;
    const id = restorePointIdOf(name.objectId);
    const known = catalog.restorePoints.get(id);
    if (known?.state !== 'retired' || known.pinned || catalog.runPins.isPinned(locationId, key)) return false;
    return isDeleted || this.#headNow() !== id;
  }

  #headNow(): string | undefined {
    const { catalog, policyId } = this.#options;
    return catalog.restorePoints.head(policyId)?.id;
  }

  /** Asked inside the transaction: a restore point that was acknowledged since the roots were read may reach anything. */
  readonly #hasMoved = (): boolean => this.#headNow() !== this.#head;

  /** What the store has, none reaches, and is not condemned yet. */
  async *#garbage(now: Date): AsyncGenerator<ListedObject> {
    const { catalog, store, signal, installationId, policyId, locationId } = this.#options;
    for (const prefix of [
      restorePointsPrefix(installationId, policyId),
      indexesPrefix(installationId, policyId),
      packsPrefix(installationId, policyId),
    ]) {
      for await (const page of store.list(prefix, { signal })) {
        for (const object of page) {
          if (this.#isReached(object.key)) continue;
          const known = catalog.objects.get(locationId, object.key);
          if (known === undefined && object.lastModified.getTime() + unknownFor > now.getTime()) continue;
          if (known?.state !== 'condemned' && known?.state !== 'deleting') yield object;
        }
      }
    }
  }

  /** Also of what is none of the format's objects: whatever it is, it is not ours to delete. */
  #isReached(key: string): boolean {
    const name = parseObjectKey(key);
    if (name === undefined || name.type === 'keyring') return true;
    return name.type === 'manifest' ? !this.#isTombstoned(key) : this.#reached.has(name.type, name.objectId);
  }

  async #condemn(object: ListedObject): Promise<void> {
    const { catalog, locationId } = this.#options;
    const found = this.#describe(object);
    while (!this.#isReached(object.key)) {
      if (catalog.condemn(locationId, object.key, this.#hasMoved, found)) return;
      if (!this.#hasMoved()) return;
      await this.#readRoots();
    }
  }

  #describe({ key, versionId, size }: ListedObject): RecordedObject | undefined {
    const { locationId, policyId, wallClock } = this.#options;
    const name = parseObjectKey(key);
    if (name === undefined) return undefined;
    return {
      locationId,
      objectKey: key,
      policyId,
      kind: name.type,
      objectId: name.objectId,
      versionId,
      size,
      sha256: new Uint8Array(0),
      state: 'condemned',
      recordedAt: wallClock().toISOString(),
      readBackAt: null,
      retainUntil: null,
    };
  }

  *#ledger(state: LedgerObject['state']): Generator<LedgerObject> {
    const { catalog, locationId, policyId } = this.#options;
    let after: string | undefined;
    do {
      const page = catalog.objects.list({ locationId, policyId, state, ...(after === undefined ? {} : { after }) });
      yield* page.items;
      after = page.next ?? undefined;
    } while (after !== undefined);
  }

  *#unpublishedObjects(named: IdSet): Generator<LedgerObject> {
    for (const object of this.#ledger('condemned')) if (!named.has(object.objectId)) yield object;
  }

  /** What is not in the store any more, whoever took it, needs no list. */
  async #toPublish(named: IdSet): Promise<readonly CondemnedObject[]> {
    const { catalog, store, signal, locationId } = this.#options;
    const objects: CondemnedObject[] = [];
    for (const { kind, objectId, objectKey } of this.#unpublishedObjects(named)) {
      if (kind !== 'manifest' && kind !== 'index' && kind !== 'pack') continue;
      if ((await store.head(objectKey, { signal })) !== undefined) objects.push({ type: kind, objectId });
      else if (catalog.beginDelete(locationId, objectKey)) this.#endDelete(objectKey);
    }
    return objects;
  }

  #endDelete(key: string): void {
    const { catalog, locationId } = this.#options;
    const name = parseObjectKey(key);
    catalog.endDelete(locationId, key, name?.type === 'manifest' ? restorePointIdOf(name.objectId) : undefined);
  }

  /** A clock that was set back would hold a list for years: it is put again, and the waiting begins anew. */
  async #withoutFuture(lists: readonly CondemnedList[], now: Date): Promise<readonly CondemnedList[]> {
    const { book, signal } = this.#options;
    const kept: CondemnedList[] = [];
    for (const list of lists) {
      if (list.at.getTime() <= now.getTime() + futureFor) kept.push(list);
      else {
        kept.push(...(await book.publish(objectsOf(list), signal)));
        await book.remove(list, signal);
      }
    }
    return kept;
  }

  async #deleteAll(type: CondemnedType, lists: readonly CondemnedList[]): Promise<void> {
    const keys = type === 'pack' || lists.length === 0 ? undefined : await this.#keysById(type);
    for (const { rows } of lists) {
      for (let row = 0; row < rows.count; row += 1) {
        if (rows.typeAt(row) !== type) continue;
        const objectId = rows.idAt(row);
        const key = keys === undefined ? this.#packKey(objectId) : keys.get(hexOf(objectId));
        if (key !== undefined) await this.#delete(key);
      }
    }
  }

  /** Gives the end of the lock that is in the way. */
  async #delete(key: string, now?: Date): Promise<Date | undefined> {
    const { catalog, store, signal, locationId } = this.#options;
    signal.throwIfAborted();
    if (this.#refusals >= mostRefused && this.#freedObjects === 0) return undefined;
    const facts = await store.head(key, { signal });
    if (facts === undefined) {
      if (catalog.beginDelete(locationId, key, this.#hasMoved)) this.#endDelete(key);
      return undefined;
    }
    if (now !== undefined && facts.lock !== null && facts.lock.until > now) return facts.lock.until;
    while (!this.#isReached(key)) {
      // Whoever condemned it: here it becomes condemned before it can be deleted, which a run that holds it refuses.
      const found = this.#describe(facts);
      const mayGo = catalog.condemn(locationId, key, this.#hasMoved, found) && catalog.beginDelete(locationId, key, this.#hasMoved);
      if (mayGo) {
        try {
          await store.delete(key, facts.versionId, { signal });
        } catch (error) {
          if (!HoldfastError.is(error, 'lockRefused', 'storeRefused')) throw error;
          // Somebody has locked it anew since it was looked at: it waits for the end of that.
          catalog.objects.change(locationId, key, { state: 'condemned' });
          if (this.#noteRefusal(error)) return undefined;
          return await this.#lockedUntil(key, facts.versionId);
        }
        this.#endDelete(key);
        this.#freedBytes += facts.size;
        this.#freedObjects += 1;
        this.#report('deleting');
        return undefined;
      }
      if (!this.#hasMoved()) return undefined;
      await this.#readRoots();
    }
    return undefined;
  }

  /** `true` where it was no lock that refused. */
  #noteRefusal(error: HoldfastError): boolean {
    if (error.code === 'lockRefused') return false;
    this.#refused ??= error;
    this.#refusals += 1;
    return true;
  }

  async #isGone({ rows }: CondemnedList): Promise<boolean> {
    const { store, signal } = this.#options;
    const indexes = await this.#keysById('index');
    const manifests = await this.#keysById('manifest');
    for (let row = 0; row < rows.count; row += 1) {
      const type = rows.typeAt(row);
      const id = rows.idAt(row);
      const key = type === 'pack' ? this.#packKey(id) : (type === 'index' ? indexes : manifests).get(hexOf(id));
      if (key !== undefined && (await store.head(key, { signal })) !== undefined) return false;
    }
    return true;
  }

  #packKey(objectId: Uint8Array): string {
    const { installationId, policyId } = this.#options;
    return packKey(installationId, policyId, objectId);
  }

  /** Their names hold more than the id. */
  async #keysById(type: 'index' | 'manifest'): Promise<ReadonlyMap<string, string>> {
    const { store, signal, installationId, policyId } = this.#options;
    const prefix = type === 'index' ? indexesPrefix(installationId, policyId) : restorePointsPrefix(installationId, policyId);
    const keys = new Map<string, string>();
    for await (const page of store.list(prefix, { signal })) {
      for (const { key } of page) {
        const name = parseObjectKey(key);
        if (name?.type === type) keys.set(hexOf(name.objectId), key);
      }
    }
    return keys;
  }

  /** Of what this installation still counts as stored. */
  #bytesOf(list: CondemnedList): number {
    const named = namedIn([list]);
    let bytes = 0;
    for (const { objectId, size, objectKey } of this.#ledger('condemned')) {
      if (named.has(objectId) && !this.#isReached(objectKey)) bytes += size;
    }
    return bytes;
  }

  /** A pack that is gone stays in the ledger while an index names it, so that no run relies on it. */
  #forgetMissing(condemned: IdSet): void {
    const { catalog, locationId } = this.#options;
    const gone: string[] = [];
    for (const { objectKey, objectId, kind } of this.#ledger('missing')) {
      const isNamed = kind === 'pack' ? this.#reached.names(objectId) : this.#isReached(objectKey);
      if (!isNamed && !condemned.has(objectId)) gone.push(objectKey);
    }
    for (const key of gone) {
      catalog.transaction(() => {
        if (catalog.objects.get(locationId, key)?.state === 'missing' && !catalog.runPins.isPinned(locationId, key)) {
          catalog.objects.forget(locationId, key);
        }
      });
    }
  }

  #result(waiting: readonly WaitingGarbage[]): SweepResult {
    const some = waiting.filter(({ bytes }) => bytes > 0).toSorted((one, other) => one.until.getTime() - other.until.getTime());
    const { unusedBytes } = this.#reached;
    return { freedBytes: this.#freedBytes, freedObjects: this.#freedObjects, waiting: some, unusedBytes, refused: this.#refused };
  }

  #report(phase: SweepProgress['phase']): void {
    this.#options.onProgress?.({ phase, objects: this.#freedObjects, bytes: this.#freedBytes });
  }
}

function objectsOf({ rows }: CondemnedList): readonly CondemnedObject[] {
  return Array.from({ length: rows.count }, (_value, row) => ({ type: rows.typeAt(row), objectId: rows.idAt(row) }));
}

function nameIn(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
