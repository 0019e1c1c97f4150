import type {
  ListedObject,
  LockUntil,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutResult,
  StoreCapabilities,
  VersionedObjects,
} from '../../daemon/locations/objectStore.ts';
import { LockKeeper, lockingStore, type LocationLocks } from '../../daemon/locks/lockKeeper.ts';
import { lockPlan, lockTerms, target } from '../../daemon/locks/lockPlan.ts';
import type { StoreTime } from '../../daemon/locks/storeClock.ts';
import type { ReachReader } from '../../daemon/policies/garbage/sweep.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { StoreId } from '../../protocol/ids.ts';
import type { MemoryStore } from './memoryStore.ts';

/** New locks last for three days: longer than anybody in the model is away. */
const plan = lockPlan(lockTerms({ protectionPeriodDays: 1, longestAbsenceDays: 0 }));

/** The store of the garbage model with locks that it enforces. Its objects have one version each, since nobody in the model puts over another. */
export class LockedModelStore implements ObjectStore {
  readonly capabilities: StoreCapabilities = { lock: 'compliance', versions: true, conditionalPut: true };
  readonly versions: VersionedObjects;
  readonly #inner: MemoryStore;
  readonly #now: () => number;
  /** Milliseconds since the epoch, by key. */
  readonly #until: Map<string, number> = new Map();
  /** The latest that it ever was: a store's clock that goes back ends no lock sooner. */
  #latest = 0;

  constructor(inner: MemoryStore, now: () => number) {
    this.#inner = inner;
    this.#now = now;
    this.versions = {
      async *list() {
        await Promise.resolve();
        yield [];
      },
      lockOf: async (key) => await Promise.resolve(this.#lockOf(this.#there(key))),
      extend: async (key, _versionId, { until }) => {
        this.#until.set(this.#there(key), Math.max(until.getTime(), this.#until.get(key) ?? 0));
        await Promise.resolve();
      },
      time: async () => await Promise.resolve(new Date(this.#now())),
    };
  }

  get storeId(): StoreId {
    return this.#inner.storeId;
  }

  /** As the daemon has them: the keeper of a gate and the store of a run, on the same or on another way to this store. */
  locks(): LocationLocks {
    const time = async (): Promise<StoreTime> => await Promise.resolve(this.#time());
    return { mode: 'compliance', plan: () => plan, clock: { now: time, refresh: time, skew: null } };
  }

  keeper(way: ObjectStore): LockKeeper {
    return new LockKeeper(way.versions ?? this.versions, this.locks());
  }

  locking(way: ObjectStore): ObjectStore {
    return lockingStore(way, this.locks());
  }

  /** What the monitor does: of these, whatever is there. */
  keep(keys: Iterable<string>): void {
    const until = target(plan, this.#time().latest).getTime();
    for (const key of keys) if (this.#inner.objects.has(key)) this.#until.set(key, Math.max(until, this.#until.get(key) ?? 0));
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    const { versionId } = await this.#inner.put(key, body, options);
    if (options.lock !== undefined) this.#until.set(key, options.lock.until.getTime());
    return { versionId: versionId ?? key, lock: options.lock ?? null };
  }

  async head(...args: Parameters<ObjectStore['head']>): Promise<ObjectFacts | undefined> {
    return this.#with(await this.#inner.head(args[0]));
  }

  async get(key: string, options: Parameters<ObjectStore['get']>[1] = {}): Promise<ObjectBody | undefined> {
    const { versionId: _versionId, ...others } = options;
    return this.#with(await this.#inner.get(key, others));
  }

  async *list(...args: Parameters<ObjectStore['list']>): AsyncIterable<readonly ListedObject[]> {
    for await (const page of this.#inner.list(...args)) yield page.map((object) => ({ ...object, versionId: object.key }));
  }

  async delete(...[key, , options]: Parameters<ObjectStore['delete']>): Promise<void> {
    if ((this.#until.get(key) ?? 0) > this.#now()) throw new HoldfastError('lockRefused', `Failed to delete object ${key}: it is locked.`);
    await this.#inner.delete(key, null, options);
    this.#until.delete(key);
  }

  #with<Facts extends ObjectFacts>(facts: Facts | undefined): Facts | undefined {
    return facts === undefined ? undefined : { ...facts, versionId: facts.key, lock: this.#lockOf(facts.key) };
  }

  #there(key: string): string {
    if (!this.#inner.objects.has(key)) throw new HoldfastError('objectMissing', `Failed to look for ${key}: it is not there.`);
    return key;
  }

  #lockOf(key: string): LockUntil | null {
    const until = this.#until.get(key);
    return until === undefined ? null : { mode: 'compliance', until: new Date(until) };
  }

  #time(): StoreTime {
    this.#latest = Math.max(this.#latest, this.#now());
    return { earliest: new Date(this.#now()), latest: new Date(this.#latest) };
  }
}

/** A reader that passes these manifests by. */
export function withoutKeys(reach: ReachReader, left: ReadonlySet<string>): ReachReader {
  return {
    add: (manifests, signal) =>
      reach.add(
        manifests.filter(({ key }) => !left.has(key)),
        signal,
      ),
    reached: (signal) => reach.reached(signal),
  };
}
