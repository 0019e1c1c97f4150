import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../../daemon/catalog/catalog.ts';
import { Connection } from '../../daemon/catalog/connection.ts';
import type { LocationRecord } from '../../daemon/catalog/locationStore.ts';
import type { LedgerObject, ObjectKind } from '../../daemon/catalog/objectLedger.ts';
import { Table } from '../../daemon/catalog/table.ts';
import { auditLocation, type TamperAuditOptions, type TamperAuditResult } from '../../daemon/immutability/tamperAudit.ts';
import { lockPlan, lockTerms } from '../../daemon/locks/lockPlan.ts';
import { packKey } from '../../daemon/repository/names.ts';
import type { InstallationId, PolicyId } from '../../protocol/ids.ts';
import { openBucketStore, retentionOf, type VersionedStore } from './bucket/bucketStore.ts';
import { versionIdOf } from './bucket/bucketVersion.ts';
import { MemoryBucket, type MemoryBucketOptions } from './bucket/memoryBucket.ts';
import { CatalogFolder, someLocation, someObject, somePoint, somePolicy } from './catalog.ts';
import { newId } from './ids.ts';

const dayMs = 86_400_000;

export interface AuditedBucketOptions extends MemoryBucketOptions {
  readonly lockMode?: 'governance' | 'compliance';
  readonly protectionPeriodDays?: number;
}

/** A location of an installation in a bucket in memory, with its ledger, as an audit meets them. Both clocks are the bucket's. */
export class AuditedBucket implements Disposable {
  readonly bucket: MemoryBucket;
  readonly store: VersionedStore;
  readonly catalog: Catalog;
  readonly location: LocationRecord;
  readonly installationId: InstallationId = newId();
  readonly policyId: PolicyId = newId();
  readonly protectionPeriodDays: number;
  readonly #folder = new CatalogFolder();
  readonly #lockMode: 'governance' | 'compliance';

  constructor({ lockMode = 'compliance', protectionPeriodDays = 30, ...options }: AuditedBucketOptions = {}) {
    this.bucket = new MemoryBucket(options);
    this.store = openBucketStore(this.bucket, { lock: lockMode }).store;
    this.catalog = this.#folder.open();
    this.#lockMode = lockMode;
    this.protectionPeriodDays = protectionPeriodDays;
    this.location = someLocation({ kind: 's3', lockMode, protectionPeriodDays, createdAt: this.now.toISOString() });
    this.catalog.locations.add(this.location);
    this.catalog.policies.add(somePolicy(this.location.locationId, { policyId: this.policyId }));
    this.bucket.pass(60_000);
  }

  get now(): Date {
    return new Date(this.bucket.now);
  }

  get prefix(): string {
    return `${this.installationId}/`;
  }

  /** Past the period, so that no monitor would have to do anything for some time. */
  get until(): Date {
    return new Date(Math.floor(this.bucket.now / 1000) * 1000 + (this.protectionPeriodDays + 12) * dayMs);
  }

  newPackKey(): string {
    return packKey(this.installationId, this.policyId, randomBytes(16));
  }

  /** Puts an object as a backup does, lock read back. */
  put(changes: Partial<LedgerObject> & { readonly kind?: ObjectKind } = {}): LedgerObject {
    const objectKey = changes.objectKey ?? this.newPackKey();
    const lock = { mode: this.#lockMode, until: this.until };
    const version = this.bucket.put(objectKey, randomBytes(20), { ifNoneMatch: true, retention: retentionOf(lock) });
    return this.record(objectKey, {
      versionId: versionIdOf(version),
      size: version.size,
      retainUntil: lock.until.toISOString(),
      lockReadAt: this.now.toISOString(),
      ...changes,
    });
  }

  /** Puts a number of packs that one restore point reaches. */
  backUp(objects: number): readonly LedgerObject[] {
    const packs = Array.from({ length: objects }, () => this.put());
    const { storeId, locationId } = this.location;
    const sequence = (this.catalog.restorePoints.head(this.policyId)?.sequence ?? 0) + 1;
    const manifest = this.put({
      objectKey: `${this.prefix}policies/${this.policyId}/restore-points/${String(sequence).padStart(16, '0')}-20260101t000000z-${'a'.repeat(32)}`,
      kind: 'manifest',
    });
    const point = somePoint(this.policyId, sequence, { storeId, manifestKey: manifest.objectKey });
    this.catalog.restorePoints.add(point);
    this.catalog.reaches.record(
      { restorePointId: point.id, locationId, policyId: this.policyId },
      [...packs, manifest].map(({ number }) => number),
    );
    return [...packs, manifest];
  }

  record(objectKey: string, changes: Partial<LedgerObject>): LedgerObject {
    const { locationId } = this.location;
    this.catalog.objects.record(someObject(locationId, objectKey, { policyId: this.policyId, ...changes, objectKey }));
    return this.row(objectKey);
  }

  row(objectKey: string): LedgerObject {
    const row = this.catalog.objects.get(this.location.locationId, objectKey);
    if (row === undefined) throw new RangeError(`the ledger does not have ${objectKey}`);
    return row;
  }

  /** As the daemon would. `random` is never below the share of locks that are read at random, unless said otherwise. */
  async audit(changes: Partial<TamperAuditOptions> = {}): Promise<TamperAuditResult> {
    return await auditLocation({
      catalog: this.catalog,
      location: this.location,
      installationId: this.installationId,
      store: this.store,
      locks: {
        now: () => Promise.resolve({ earliest: this.now, latest: new Date(this.bucket.now + 1000) }),
        plan: lockPlan(lockTerms({ protectionPeriodDays: this.protectionPeriodDays, longestAbsenceDays: 0 })),
      },
      wallClock: () => this.now,
      signal: new AbortController().signal,
      ...changes,
    });
  }

  /** Fills bucket and ledger with many packs at once. */
  fill(objects: number): void {
    const database = new DatabaseSync(this.#folder.path);
    const connection = new Connection(database);
    const table = new Table<LedgerObject>(connection, 'objects');
    const lock = { mode: this.#lockMode, until: this.until };
    const facts = { policyId: this.policyId, retainUntil: lock.until.toISOString(), lockReadAt: this.now.toISOString() };
    const first = this.catalog.objects.lastNumber(this.location.locationId) + 1;
    const body = randomBytes(20);
    try {
      connection.transaction(() => {
        for (let number = first; number < first + objects; number += 1) {
          const objectKey = this.newPackKey();
          const version = this.bucket.put(objectKey, body, { retention: retentionOf(lock) });
          const { size } = version;
          table.insert(someObject(this.location.locationId, objectKey, { ...facts, versionId: versionIdOf(version), size, number }));
        }
      });
    } finally {
      connection.close();
    }
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
