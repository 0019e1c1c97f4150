// One measurement in a process of its own, whose memory is its alone. Told what by its arguments, it prints one line of JSON.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../daemon/catalog/catalog.ts';
import { Connection } from '../daemon/catalog/connection.ts';
import type { LocationRecord } from '../daemon/catalog/locationStore.ts';
import type { LedgerObject } from '../daemon/catalog/objectLedger.ts';
import { Table } from '../daemon/catalog/table.ts';
import { KeptObjects } from '../daemon/immutability/keptObjects.ts';
import { keepLocked } from '../daemon/immutability/lockRun.ts';
import { auditLocation } from '../daemon/immutability/tamperAudit.ts';
import { readClocks } from '../daemon/locks/localClocks.ts';
import { LockKeeper } from '../daemon/locks/lockKeeper.ts';
import { type LockPlan, lockPlan, lockTerms, target } from '../daemon/locks/lockPlan.ts';
import { StoreClock } from '../daemon/locks/storeClock.ts';
import { packKey } from '../daemon/repository/names.ts';
import type { InstallationId, PolicyId } from '../protocol/ids.ts';
import { openBucketStore, retentionOf, type VersionedStore } from '../test/support/bucket/bucketStore.ts';
import { versionIdOf } from '../test/support/bucket/bucketVersion.ts';
import { MemoryBucket } from '../test/support/bucket/memoryBucket.ts';
import { CatalogFolder, someLocation, someObject, somePoint, somePolicy } from '../test/support/catalog.ts';
import { newId } from '../test/support/ids.ts';
import { type LockFigures, type LockTask, lockTasks } from './lockTasks.ts';
import { forgetPeak, peakMemory } from './measure.ts';

const plan: LockPlan = lockPlan(lockTerms({ protectionPeriodDays: 30, longestAbsenceDays: 4 }));
const bodyLength = 1000;

/** A bucket in memory without bodies, and a ledger that knows each of its objects. One restore point reaches all of them. */
class FilledBucket implements Disposable {
  readonly bucket: MemoryBucket = new MemoryBucket({ bodies: 'drop', now: Date.now });
  readonly store: VersionedStore = openBucketStore(this.bucket, { lock: 'compliance' }).store;
  readonly location: LocationRecord;
  readonly catalog: Catalog;
  readonly installationId: InstallationId = newId();
  readonly policyId: PolicyId = newId();
  readonly #folder = new CatalogFolder();

  constructor() {
    this.catalog = this.#folder.open();
    const createdAt = new Date(this.bucket.now).toISOString();
    this.location = someLocation({ kind: 's3', lockMode: 'compliance', protectionPeriodDays: 30, createdAt });
    this.catalog.locations.add(this.location);
    this.catalog.policies.add(somePolicy(this.location.locationId, { policyId: this.policyId }));
  }

  /** Packs as a backup puts and records them, every `shortEvery`th with a lock that is short; 0: none is. */
  fill(objects: number, shortEvery: number): void {
    const { locationId, storeId } = this.location;
    const now = new Date(this.bucket.now);
    const long = target(plan, now);
    const short = new Date(long.getTime() - plan.margin - plan.buffer + plan.reserve - 3_600_000);
    const body = randomBytes(bodyLength);
    const database = new DatabaseSync(this.#folder.path);
    const connection = new Connection(database);
    const table = new Table<LedgerObject>(connection, 'objects');
    try {
      connection.transaction(() => {
        for (let number = 1; number <= objects; number += 1) {
          const until = shortEvery > 0 && number % shortEvery === 0 ? short : long;
          const objectKey = packKey(this.installationId, this.policyId, randomBytes(16));
          const version = this.bucket.put(objectKey, body, { ifNoneMatch: true, retention: retentionOf({ mode: 'compliance', until }) });
          table.insert(
            someObject(locationId, objectKey, {
              policyId: this.policyId,
              versionId: versionIdOf(version),
              size: version.size,
              retainUntil: until.toISOString(),
              lockReadAt: now.toISOString(),
              number,
            }),
          );
        }
      });
    } finally {
      connection.close();
    }
    const point = somePoint(this.policyId, 1, { storeId });
    this.catalog.restorePoints.add(point);
    const all = Array.from({ length: objects }, (_, index) => index + 1);
    this.catalog.reaches.record({ restorePointId: point.id, locationId, policyId: this.policyId }, all);
    // The bucket brings its keys into order when it is first listed: that memory is its own.
    this.bucket.listPage('');
    this.bucket.resetCalls();
  }

  async refresh(): Promise<number> {
    const { catalog, store, location } = this;
    const clock = new StoreClock({ store: store.versions, clocks: readClocks });
    const { extended } = await keepLocked({
      catalog,
      store,
      locationId: location.locationId,
      kept: new KeptObjects(catalog, location),
      keeper: new LockKeeper(store.versions, { mode: 'compliance', plan: () => plan, clock }),
      plan,
      signal: new AbortController().signal,
    });
    return extended;
  }

  /** Gives the number of findings. */
  async audit(): Promise<number> {
    const { catalog, store, location, installationId } = this;
    const now = new Date(this.bucket.now);
    const { findingsCount } = await auditLocation({
      catalog,
      location,
      installationId,
      store,
      locks: { now: async () => await Promise.resolve({ earliest: now, latest: now }), plan },
      wallClock: () => now,
      signal: new AbortController().signal,
    });
    return findingsCount;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** What is in use once what is not needed any more is gone. */
function settledMemory(): number {
  globalThis.gc?.();
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? 0) * 1024;
}

async function run({ work, objects, shortEvery }: LockTask): Promise<LockFigures> {
  using filled = new FilledBucket();
  filled.fill(objects, shortEvery);
  const before = settledMemory();
  forgetPeak(process.pid);
  const started = performance.now();
  const result = work === 'refresh' ? await filled.refresh() : await filled.audit();
  const seconds = (performance.now() - started) / 1000;
  return { seconds, result, addedBytes: Math.max(0, peakMemory(process.pid) - before), calls: filled.bucket.allCalls };
}

const task = lockTasks[Number(process.argv[2])];
if (task === undefined) throw new RangeError('there is no such measurement');
process.stdout.write(`${JSON.stringify(await run(task))}\n`);
