import { HoldfastError } from '../../protocol/errors.ts';
import type { LockUntil, ObjectStore, VersionedObjects } from '../locations/objectStore.ts';
import { isShort, type LockPlan, target } from './lockPlan.ts';
import type { StoreClock, StoreTime } from './storeClock.ts';

/** How a location locks what is put there. */
export interface LocationLocks {
  readonly mode: LockUntil['mode'];
  /** The plan that is aimed at; asked for anew each time, since a user may change it meanwhile. */
  readonly plan: () => LockPlan;
  readonly clock: Pick<StoreClock, 'now' | 'refresh' | 'skew'>;
}

/** One version as the ledger knows it. */
export interface LockedVersion {
  readonly key: string;
  readonly versionId: string;
  /** As it was read back; `null`: never. */
  readonly retainUntil: Date | null;
}

export interface HeldLock {
  readonly retainUntil: Date;
  /** Store time at which the store said so; `null` where the ledger's word was enough. */
  readonly readAt: Date | null;
}

const dayMs = 86_400_000;
/** A lock can't be taken back: where the store's clock is further ahead than this, nobody asks for one that would last for years. */
const mostAhead = 366 * dayMs;

/**
 * Until when a lock is asked for now, in both clocks' view at most the plan and a year. Rejects as the clock does, and with `storeFailed` where the store's
 * clock is further ahead of this machine's. Source: docs/format.md, Store time.
 */
async function newTarget({ clock, plan }: LocationLocks, action: string, options: { readonly signal?: AbortSignal }): Promise<Date> {
  const { latest } = await clock.now(options);
  const ahead = -(clock.skew?.milliseconds ?? 0);
  if (ahead > mostAhead) {
    throw HoldfastError.failedTo(
      'storeFailed',
      action,
      `the clock of the store is ${Math.floor(ahead / dayMs)} days ahead of this machine's, and a lock by it could not be taken back`,
      {
        fix: 'Set the clock that is wrong: that of this machine, or that of the store.',
        details: { daysAhead: Math.floor(ahead / dayMs) },
      },
    );
  }
  return target(plan(), latest);
}

/** The store, whose puts are locked: nothing gets into a location with locks without one. */
export function lockingStore(store: ObjectStore, locks: LocationLocks): ObjectStore {
  const sweep = store.sweepTemporaries?.bind(store);
  return {
    storeId: store.storeId,
    capabilities: store.capabilities,
    put: async (key, body, options = {}) => {
      const lock: LockUntil = { mode: locks.mode, until: await newTarget(locks, `put object ${key}`, options) };
      return await store.put(key, body, { ...options, lock });
    },
    head: (key, options) => store.head(key, options),
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key, versionId, options) => store.delete(key, versionId, options),
    ...(sweep === undefined ? {} : { sweepTemporaries: sweep }),
    ...(store.versions === undefined ? {} : { versions: store.versions }),
  };
}

/** Sees to it that versions are locked for as long as the plan says, by the rules of docs/format.md, Locks. */
export class LockKeeper {
  readonly #versions: VersionedObjects;
  readonly #locks: LocationLocks;

  constructor(versions: VersionedObjects, locks: LocationLocks) {
    this.#versions = versions;
    this.#locks = locks;
  }

  /** Store time that is fresh enough to act upon. */
  now(signal?: AbortSignal): Promise<StoreTime> {
    return this.#locks.clock.now(signal === undefined ? {} : { signal });
  }

  /** Store time as the store tells it now: what a commit begins with. */
  freshNow(signal: AbortSignal): Promise<StoreTime> {
    return this.#locks.clock.refresh({ signal });
  }

  /**
   * Extends where the lock is short, and reads back. `undefined` where the version is not there. Rejects with `lockRefused` where the store does not hold what
   * is asked for, and otherwise as the store does.
   *
   * @param provesExistence whether a lock of the ledger that has not ended is enough to know that the version is there: in compliance mode nobody can delete it.
   * Where the ledger may be behind the store, it is not.
   */
  async hold(
    version: LockedVersion,
    { signal, provesExistence = true }: { readonly signal?: AbortSignal; readonly provesExistence?: boolean } = {},
  ): Promise<HeldLock | undefined> {
    const { mode, plan } = this.#locks;
    const { key, versionId } = version;
    const { earliest, latest } = await this.now(signal);
    let { retainUntil } = version;
    let readAt: Date | null = null;
    const isProved = provesExistence && mode === 'compliance' && retainUntil !== null && retainUntil > latest;
    if (retainUntil === null || !isProved) {
      const found = await this.#read(key, versionId, signal);
      if (found === 'missing') return undefined;
      retainUntil = found?.until ?? null;
      readAt = earliest;
    }
    if (retainUntil !== null && !isShort(plan(), retainUntil, latest)) return { retainUntil, readAt };
    return await this.#extend({ key, versionId }, { retainUntil, readAt }, signal);
  }

  async #extend(
    { key, versionId }: Pick<LockedVersion, 'key' | 'versionId'>,
    { retainUntil: from, readAt }: { readonly retainUntil: Date | null; readonly readAt: Date | null },
    signal: AbortSignal | undefined,
    mode: LockUntil['mode'] = this.#locks.mode,
  ): Promise<HeldLock | undefined> {
    const until = await newTarget(this.#locks, `extend the lock of object ${key}`, signal === undefined ? {} : { signal });
    const { earliest } = await this.now(signal);
    // Never to an earlier date: a lock that somebody made longer stays as it is.
    if (from !== null && from >= until) return { retainUntil: from, readAt };
    let refusal: HoldfastError | undefined;
    try {
      await this.#versions.extend(key, versionId, { mode, until }, signal === undefined ? {} : { signal });
    } catch (error) {
      if (HoldfastError.is(error, 'objectMissing')) return undefined;
      if (!HoldfastError.is(error, 'lockRefused', 'storeRefused')) throw error;
      refusal = error;
    }
    const held = await this.#read(key, versionId, signal);
    if (held === 'missing') return undefined;
    if (refusal !== undefined && held?.mode === 'compliance' && mode === 'governance') {
      // Locked harder than the location asks for: it can only stay so.
      return await this.#extend({ key, versionId }, { retainUntil: held.until, readAt: earliest }, signal, 'compliance');
    }
    if (held !== null && held.until >= until && (mode === 'governance' || held.mode === 'compliance')) {
      return { retainUntil: held.until, readAt: earliest };
    }
    throw (
      refusal ??
      HoldfastError.failedTo(
        'lockRefused',
        `extend the lock of ${key}`,
        held === null ? 'the store took it and holds no lock' : `the store took it and holds a lock until ${held.until.toISOString()}`,
        { fix: 'Validate the location: "holdfast location validate NAME".', details: { objectKey: key, versionId } },
      )
    );
  }

  async #read(key: string, versionId: string, signal: AbortSignal | undefined): Promise<LockUntil | null | 'missing'> {
    try {
      return await this.#versions.lockOf(key, versionId, signal === undefined ? {} : { signal });
    } catch (error) {
      if (HoldfastError.is(error, 'objectMissing')) return 'missing';
      throw error;
    }
  }
}
