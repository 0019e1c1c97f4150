import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../../daemon/catalog/catalog.ts';
import { Connection } from '../../daemon/catalog/connection.ts';
import type { LocationRecord } from '../../daemon/catalog/locationStore.ts';
import type { LedgerObject } from '../../daemon/catalog/objectLedger.ts';
import { Table } from '../../daemon/catalog/table.ts';
import { KeptObjects } from '../../daemon/immutability/keptObjects.ts';
import { type EndedLockRun, LockMonitor } from '../../daemon/immutability/lockMonitor.ts';
import { keepLocked, type LockRunResult } from '../../daemon/immutability/lockRun.ts';
import type { OpenLocation } from '../../daemon/installation/locationStores.ts';
import type { LockUntil } from '../../daemon/locations/objectStore.ts';
import { LockKeeper, lockingStore } from '../../daemon/locks/lockKeeper.ts';
import { type LockPlan, lockPlan, type LockTerms, lockTerms, target } from '../../daemon/locks/lockPlan.ts';
import { StoreClock } from '../../daemon/locks/storeClock.ts';
import { packKey } from '../../daemon/repository/names.ts';
import type { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, PolicyId, RestorePointId } from '../../protocol/ids.ts';
import { openBucketStore, retentionOf, type VersionedStore } from './bucket/bucketStore.ts';
import { versionIdOf } from './bucket/bucketVersion.ts';
import { MemoryBucket, type MemoryBucketOptions } from './bucket/memoryBucket.ts';
import { WorldClock } from './bucket/worldClock.ts';
import { CatalogFolder, someLocation, someObject, somePoint, somePolicy } from './catalog.ts';
import { newId } from './ids.ts';

const dayMs = 86_400_000;

export interface LockBenchOptions {
  readonly days?: number;
  readonly mode?: LockUntil['mode'];
  /** Days. */
  readonly absence?: number;
  readonly bucket?: Omit<MemoryBucketOptions, 'now' | 'start'>;
}

/** A location with locks on a real catalog and a bucket in memory, with what keeps them, without a daemon around it. */
export class LockBench implements AsyncDisposable {
  readonly clock: WorldClock = new WorldClock();
  readonly bucket: MemoryBucket;
  readonly catalog: Catalog;
  readonly installationId: InstallationId = newId();
  readonly policyId: PolicyId = newId();
  readonly mode: LockUntil['mode'];
  readonly locationId: LocationRecord['locationId'] = newId();
  readonly ended: EndedLockRun[] = [];
  readonly failures: unknown[] = [];
  absence: number;
  isReachable = true;
  /** Put around each store that is opened from now on. */
  wrap: (store: VersionedStore) => VersionedStore = (store) => store;
  monitor: LockMonitor | undefined;
  readonly #folder = new CatalogFolder();
  #storeClock: StoreClock | undefined;

  constructor({ days = 30, mode = 'compliance', absence = 0, bucket }: LockBenchOptions = {}) {
    this.bucket = new MemoryBucket({ ...bucket, now: () => this.clock.storeMs });
    this.catalog = this.#folder.open();
    this.mode = mode;
    this.absence = absence;
    const { locationId } = this;
    this.catalog.locations.add(someLocation({ locationId, kind: 's3', lockMode: mode, protectionPeriodDays: days }));
    this.catalog.policies.add(somePolicy(locationId, { policyId: this.policyId }));
  }

  get location(): LocationRecord {
    const location = this.catalog.locations.get(this.locationId);
    if (location === undefined) throw new Error('the location was removed');
    return location;
  }

  /** Also of a location that was removed since. */
  get terms(): LockTerms {
    return lockTerms({
      protectionPeriodDays: this.catalog.locations.get(this.locationId)?.protectionPeriodDays ?? 30,
      longestAbsenceDays: this.absence,
    });
  }

  get plan(): LockPlan {
    return lockPlan(this.terms);
  }

  /** What a run that ended so failed of. */
  get errors(): readonly (HoldfastError['code'] | undefined)[] {
    return this.ended.map(({ error }) => error?.code);
  }

  openLocation(): OpenLocation {
    const { location, mode } = this;
    const store = this.wrap(openBucketStore(this.bucket, { storeId: location.storeId, lock: mode }).store);
    // As a daemon keeps it between two openings, while what it asks may be another store by now.
    const clock = (this.#storeClock ??= new StoreClock({ store: store.versions, clocks: this.clock.read }));
    const locks = { mode, clock, plan: () => this.plan };
    return { record: location, store: lockingStore(store, locks), locks: { clock, keeper: new LockKeeper(store.versions, locks) } };
  }

  /** A monitor as a new process has it; of the one before nothing goes off any more. */
  startMonitor(): LockMonitor {
    this.clock.end();
    this.#storeClock = undefined;
    const monitor = new LockMonitor({
      catalog: this.catalog,
      clocks: this.clock.read,
      after: this.clock.after,
      open: async () => await Promise.resolve(this.openLocation()),
      isReachable: () => this.isReachable,
      termsOf: () => this.terms,
      onEnded: (ended) => void this.ended.push(ended),
      onLook: () => undefined,
      onFailed: (error) => void this.failures.push(error),
    });
    this.monitor = monitor;
    monitor.start();
    return monitor;
  }

  /** Until no run is under way. */
  async idle(): Promise<void> {
    while (this.monitor?.isRunning(this.locationId) === true) await new Promise<void>((resolve) => void setImmediate(resolve));
  }

  async pass(milliseconds: number, leap = 60_000): Promise<void> {
    for (let left = milliseconds; left > 0; left -= leap) {
      this.clock.leap(Math.min(leap, left));
      await this.idle();
    }
  }

  /** One run, without a monitor. */
  async keep(signal: AbortSignal = new AbortController().signal): Promise<LockRunResult> {
    const { store, locks } = this.openLocation();
    if (locks === undefined) throw new Error('no locks');
    const { catalog, locationId, location, plan } = this;
    return await keepLocked({ catalog, locationId, store, kept: new KeptObjects(catalog, location), keeper: locks.keeper, plan, signal });
  }

  /** An object as a backup puts it, lock read back. `until`: milliseconds since the epoch. */
  put(until: number = target(this.plan, new Date(this.clock.storeMs)).getTime(), changes: Partial<LedgerObject> = {}): LedgerObject {
    const objectKey = changes.objectKey ?? packKey(this.installationId, this.policyId, randomBytes(16));
    const lock = { mode: this.mode, until: new Date(Math.floor(until / 1000) * 1000) };
    const version = this.bucket.put(objectKey, randomBytes(20), { retention: retentionOf(lock) });
    const known = {
      versionId: versionIdOf(version),
      size: version.size,
      retainUntil: lock.until.toISOString(),
      lockReadAt: new Date(this.clock.storeMs).toISOString(),
    };
    this.catalog.objects.record(someObject(this.locationId, objectKey, { policyId: this.policyId, ...known, ...changes, objectKey }));
    return this.row(objectKey);
  }

  /** Many objects at once, all with one date. Gives the last number. */
  fill(objects: number, until: number): number {
    const database = new DatabaseSync(this.#folder.path);
    const connection = new Connection(database);
    const table = new Table<LedgerObject>(connection, 'objects');
    const lock = { mode: this.mode, until: new Date(until) };
    const facts = {
      policyId: this.policyId,
      retainUntil: lock.until.toISOString(),
      lockReadAt: new Date(this.clock.storeMs).toISOString(),
    };
    const first = this.catalog.objects.lastNumber(this.locationId) + 1;
    const body = randomBytes(20);
    try {
      connection.transaction(() => {
        for (let number = first; number < first + objects; number += 1) {
          const objectKey = packKey(this.installationId, this.policyId, randomBytes(16));
          const version = this.bucket.put(objectKey, body, { retention: retentionOf(lock) });
          table.insert(someObject(this.locationId, objectKey, { ...facts, versionId: versionIdOf(version), size: version.size, number }));
        }
      });
    } finally {
      connection.close();
    }
    return first + objects - 1;
  }

  /** A restore point that reaches these; `undefined`: nobody knows what. */
  point(numbers: Iterable<number> | undefined, changes: Parameters<typeof somePoint>[2] = {}): RestorePointId {
    const { locationId, policyId, catalog } = this;
    const sequence = (catalog.restorePoints.head(policyId)?.sequence ?? 0) + 1;
    const point = somePoint(policyId, sequence, { storeId: this.location.storeId, ...changes });
    catalog.restorePoints.add(point);
    if (numbers !== undefined) catalog.reaches.record({ restorePointId: point.id, locationId, policyId: point.policyId }, numbers);
    return point.id;
  }

  row(objectKey: string): LedgerObject {
    const row = this.catalog.objects.get(this.locationId, objectKey);
    if (row === undefined) throw new RangeError(`the ledger does not have ${objectKey}`);
    return row;
  }

  /** By the bucket itself, in milliseconds since the epoch; `undefined` where there is no lock. */
  lockedUntil(objectKey: string): number | undefined {
    const until = this.bucket.history(objectKey)[0]?.retention?.until;
    return until === undefined ? undefined : until * 1000;
  }

  /** Days from now by the store's clock. */
  in(days: number): number {
    return this.clock.storeMs + days * dayMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.monitor?.[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}
