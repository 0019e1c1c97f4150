import { type LocationLocks, lockingStore } from '../../../daemon/locks/lockKeeper.ts';
import type { ClockReading } from '../../../daemon/locks/localClocks.ts';
import { lockPlan, lockTerms } from '../../../daemon/locks/lockPlan.ts';
import { StoreClock } from '../../../daemon/locks/storeClock.ts';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import type { ObjectStore } from '../../../daemon/locations/objectStore.ts';
import type { OwnershipState } from '../../../daemon/recovery/ownership/ownershipMemory.ts';
import { OwnershipWatch, type OwnershipLook } from '../../../daemon/recovery/ownership/ownershipWatch.ts';
import { type TakenOwnership, type TakeRequest, takeOwnership } from '../../../daemon/recovery/ownership/takeOwnership.ts';
import { termCodec, termKeysOf } from '../../../daemon/recovery/ownership/termCodec.ts';
import type { TermPlace } from '../../../daemon/recovery/ownership/termReader.ts';
import type { TermKeys } from '../../../daemon/repository/term.ts';
import type { InstallationId } from '../../../protocol/ids.ts';
import { openBucketStore, type VersionedStore } from '../bucket/bucketStore.ts';
import { MemoryBucket, type MemoryBucketOptions } from '../bucket/memoryBucket.ts';
import { newId } from '../ids.ts';
import { MemoryInMemory } from './machine.ts';

export function someTermKeys(): TermKeys {
  using masterKey = MasterKey.generate(newId<InstallationId>());
  return termKeysOf(masterKey);
}

const signal = new AbortController().signal;

/** A daemon of an installation at one location. Several may work at the same one. */
export class Daemon {
  readonly memories: MemoryInMemory = new MemoryInMemory();
  readonly machineId: string = newId();
  readonly place: TermPlace;
  /** Milliseconds. */
  readonly slept: number[] = [];
  readonly #watch: OwnershipWatch;

  constructor(keys: TermKeys, store: ObjectStore, clocks?: () => ClockReading) {
    this.#watch = new OwnershipWatch(this.memories, clocks);
    this.place = { store, codec: termCodec(keys, store.storeId), signal };
  }

  /** The key of a term, below the prefix of the location. */
  keyOf(n: number): string {
    return this.place.codec.keyOf(n);
  }

  async take(changes: Partial<TakeRequest> = {}): Promise<TakenOwnership> {
    const sleep = (milliseconds: number): Promise<void> => {
      this.slept.push(milliseconds);
      return Promise.resolve();
    };
    const { machineId, memories } = this;
    return await takeOwnership(this.place, { machineId, bundle: null, isConfirmed: false, memories, sleep, ...changes });
  }

  async look(isThorough = false): Promise<OwnershipLook> {
    return await this.#watch.look(this.place, { isThorough });
  }

  async state(): Promise<OwnershipState> {
    return (await this.look()).state;
  }
}

function locksOf({ versions }: VersionedStore, clocks: () => ClockReading): LocationLocks {
  const plan = lockPlan(lockTerms({ protectionPeriodDays: 7, longestAbsenceDays: 4 }));
  return { mode: 'compliance', plan: () => plan, clock: new StoreClock({ store: versions, clocks, former: null }) };
}

/** A bucket with locks, and daemons of one installation that are set to it. */
export class SharedBucket {
  readonly bucket: MemoryBucket;
  readonly keys: TermKeys;
  readonly #storeId = newId<ObjectStore['storeId']>();
  /** This machine's go with the store's. */
  readonly #clocks = (): ClockReading => ({ monotonic: this.bucket.now, wall: this.bucket.now });

  constructor(options: MemoryBucketOptions = {}, keys: TermKeys = someTermKeys()) {
    this.bucket = new MemoryBucket(options);
    this.keys = keys;
  }

  daemon(wrap: (store: ObjectStore) => ObjectStore = (store) => store): Daemon {
    const { store } = openBucketStore(this.bucket, { storeId: this.#storeId });
    return new Daemon(
      this.keys,
      wrap(this.bucket.objectLock === null ? store : lockingStore(store, locksOf(store, this.#clocks))),
      this.#clocks,
    );
  }
}
