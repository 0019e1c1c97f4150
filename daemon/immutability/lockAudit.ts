import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LedgerObject } from '../catalog/objectLedger.ts';
import type { LockUntil, VersionedObjects } from '../locations/objectStore.ts';
import { type LockPlan, target } from '../locks/lockPlan.ts';
import type { StoreTime } from '../locks/storeClock.ts';
import type { FindingBook } from './findingBook.ts';
import { type TamperKind, weakLockKinds } from './tamperFinding.ts';

export interface LockAuditOptions {
  readonly catalog: Catalog;
  readonly locationId: LocationId;
  readonly versions: VersionedObjects;
  readonly book: FindingBook;
  /** Store time that is fresh enough to act upon. */
  readonly now: (signal: AbortSignal) => Promise<StoreTime>;
  readonly plan: LockPlan;
  /** Of the audit, before its first look. */
  readonly began: StoreTime;
  /** Every lock is read. */
  readonly isThorough: boolean;
  /** In 0..1, 1 excluded. */
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** A row of the ledger whose version is known. */
interface Lockable extends LedgerObject {
  readonly versionId: string;
}

type Problem = { readonly kind: TamperKind; readonly detail: string };

const dayMs = 86_400_000;
/** Audits are a day apart. */
const auditInterval = dayMs;
/** Locks that each audit reads at random: where one in fifty was shortened, 99 audits of 100 meet one of them. */
const spotChecks = 256;
const mostOdd = 1000;
/** Nobody pays much for less. */
const prolongedBy = 31 * dayMs;

/**
 * Compares locks with the ledger. A listing does not show them, so each costs a call: an audit reads those that nobody has read back for as long as things are
 * protected (the monitor's own reading back counts), some at random, those of versions that look odd, and those that were found wanting before. From the first
 * one on that is, it reads all. Of keyrings it reads each lock that nobody knows.
 */
export class LockAudit {
  readonly #options: LockAuditOptions;
  readonly #dueBefore: string;
  readonly #now: string;
  readonly #share: number;
  #isThorough: boolean;
  #odd = 0;
  #read = 0;

  constructor(options: LockAuditOptions) {
    const { catalog, locationId, began, plan, isThorough } = options;
    this.#options = options;
    this.#now = began.latest.toISOString();
    this.#dueBefore = new Date(began.latest.getTime() - Math.max(0, plan.protectionPeriod - auditInterval)).toISOString();
    this.#share = spotChecks / Math.max(1, catalog.objects.lastNumber(locationId));
    this.#isThorough = isThorough;
  }

  /** Locks that were read. */
  get read(): number {
    return this.#read;
  }

  /** A lock was found wanting: what was passed by until then has to be looked at as well. */
  get isThorough(): boolean {
    return this.#isThorough;
  }

  isDue(object: LedgerObject, isOdd: boolean): object is Lockable {
    if (!isLockable(object)) return false;
    this.#meetProlonged(object);
    const expected = this.#expected(object);
    if (isUnread(object) && expected === undefined) return true;
    if (expected === undefined || expected.until <= this.#now) return false;
    if (this.#isThorough || expected.wasFound) return true;
    if (object.lockReadAt === null || object.lockReadAt <= this.#dueBefore) return true;
    if (isOdd && this.#odd < mostOdd) {
      this.#odd += 1;
      return true;
    }
    return this.#options.random() < this.#share;
  }

  /** Whether this audit has not read it yet, once it reads all. */
  isLeft(object: LedgerObject): object is Lockable {
    return this.isDue(object, false) && (object.lockReadAt === null || object.lockReadAt < this.#options.began.earliest.toISOString());
  }

  /** `missing` where the version is not there. */
  async check(object: Lockable): Promise<'missing' | 'seen'> {
    const { catalog, locationId, book } = this.#options;
    const first = await this.#look(object);
    if (first === 'missing') return 'missing';
    if (first.problem === undefined) {
      this.#note(object, first);
      return 'seen';
    }
    // The ledger may have been ahead or behind: a lock that was extended meanwhile, an object that is on its way out.
    const fresh = catalog.objects.get(locationId, object.objectKey);
    if (fresh === undefined || !isLockable(fresh) || fresh.versionId !== object.versionId) return 'seen';
    const expected = this.#expected(fresh);
    const again = await this.#look(fresh);
    if (again === 'missing') return 'missing';
    if (again.problem === undefined) {
      this.#note(fresh, again);
      return 'seen';
    }
    const { kind, detail } = again.problem;
    const { objectKey: key, versionId } = fresh;
    if (book.known(kind, key, versionId) === undefined) this.#isThorough = true;
    book.add({ kind, key, versionId, detail, ...(expected === undefined ? {} : { expectedUntil: expected.until }) });
    // The monitor has to see what is so, and not what was: it makes good what it can.
    book.afterwards(() => {
      const row = catalog.objects.get(locationId, key);
      if (row?.retainUntil !== fresh.retainUntil || row.lockReadAt !== fresh.lockReadAt) return;
      const { held, at } = again;
      const lock = held === null ? { retainUntil: null, lockReadAt: null } : { retainUntil: held.until.toISOString(), lockReadAt: at };
      catalog.objects.change(locationId, key, lock);
    });
    return 'seen';
  }

  /** A lock that was made longer only ends by time: seeing its version is enough to meet it again. */
  #meetProlonged({ objectKey: key, versionId }: Lockable): void {
    const kind = 'prolongedLock';
    const known = this.#options.book.known(kind, key, versionId);
    if (known !== undefined) this.#options.book.add({ kind, key, versionId, detail: known.detail });
  }

  async #look(
    object: Lockable,
  ): Promise<'missing' | { readonly held: LockUntil | null; readonly at: string; readonly problem: Problem | undefined }> {
    const { versions, now, signal } = this.#options;
    const { earliest, latest } = await now(signal);
    this.#read += 1;
    let held: LockUntil | null;
    try {
      held = await versions.lockOf(object.objectKey, object.versionId, { signal });
    } catch (error) {
      if (HoldfastError.is(error, 'objectMissing')) return 'missing';
      throw error;
    }
    return { held, at: earliest.toISOString(), problem: this.#problemOf(object, held, latest) };
  }

  #problemOf(object: Lockable, held: LockUntil | null, now: Date): Problem | undefined {
    const expected = this.#expected(object);
    if (expected === undefined || expected.until <= now.toISOString()) return undefined;
    if (held === null) return { kind: 'missingLock', detail: `It has no lock. It had one until ${expected.until}.` };
    const until = held.until.toISOString();
    if (until < expected.until) return { kind: 'shortenedLock', detail: `Its lock ends ${until}. It was to end ${expected.until}.` };
    const longest = target(this.#options.plan, now).getTime() + prolongedBy;
    if (held.until.getTime() <= longest || until <= expected.until) return undefined;
    return { kind: 'prolongedLock', detail: `Its lock ends ${until}. It was to end ${expected.until}.` };
  }

  /** Until when it should be locked: by the ledger, or by what the ledger had before an audit found it shorter. */
  #expected({
    objectKey,
    versionId,
    retainUntil,
    lockReadAt,
  }: LedgerObject): { readonly until: string; readonly wasFound: boolean } | undefined {
    const found = weakLockKinds.flatMap((kind) => this.#options.book.known(kind, objectKey, versionId)?.expectedUntil ?? []);
    const dates = lockReadAt === null || retainUntil === null ? found : [...found, retainUntil];
    const [until] = dates.toSorted().toReversed();
    return until === undefined ? undefined : { until, wasFound: found.length > 0 };
  }

  #note(object: Lockable, { held, at }: { readonly held: LockUntil | null; readonly at: string }): void {
    // A keyring of the time before its location had locks holds nobody up from now on.
    const retainUntil = held?.until.toISOString() ?? (isUnread(object) ? at : undefined);
    if (retainUntil === undefined) return;
    const { catalog, locationId, book } = this.#options;
    book.afterwards(() => {
      const row = catalog.objects.get(locationId, object.objectKey);
      // The monitor may have made it longer since.
      if (row === undefined || row.versionId !== object.versionId || (row.retainUntil ?? '') > retainUntil) return;
      if ((row.lockReadAt ?? '') <= at) catalog.objects.change(locationId, object.objectKey, { retainUntil, lockReadAt: at });
    });
  }
}

/** Nobody extends older keyrings, so nobody else reads their locks; the retirement gate waits for each. */
function isUnread({ kind, lockReadAt }: LedgerObject): boolean {
  return kind === 'keyring' && lockReadAt === null;
}

function isLockable(object: LedgerObject): object is Lockable {
  return object.versionId !== null && object.kind !== 'canary' && (object.state === 'present' || object.state === 'condemned');
}
