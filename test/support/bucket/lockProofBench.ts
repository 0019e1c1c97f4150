import type { Catalog } from '../../../daemon/catalog/catalog.ts';
import type { LedgerObject } from '../../../daemon/catalog/objectLedger.ts';
import { canariesPrefix } from '../../../daemon/immutability/canaries.ts';
import { type LockProof, type LockProofOptions, proveLock } from '../../../daemon/immutability/lockProof.ts';
import type { InstallationId, LocationId } from '../../../protocol/ids.ts';
import { CatalogFolder, someLocation } from '../catalog.ts';
import { newId } from '../ids.ts';
import { openBucketStore } from './bucketStore.ts';
import { MemoryBucket, type MemoryBucketOptions, type VersionEntry } from './memoryBucket.ts';

/** A bucket in memory and the catalog of an installation that stores there. */
export class LockProofBench implements Disposable {
  readonly bucket: MemoryBucket;
  readonly catalog: Catalog;
  readonly installationId: InstallationId = newId();
  readonly locationId: LocationId = newId();
  readonly #folder: CatalogFolder = new CatalogFolder();

  constructor(options: MemoryBucketOptions = {}) {
    this.bucket = new MemoryBucket(options);
    this.catalog = this.#folder.open();
    this.catalog.locations.add(someLocation({ locationId: this.locationId }));
  }

  /** What `proveLock` is given for this bucket. */
  options(changes: Partial<LockProofOptions> = {}): LockProofOptions {
    const { store, attempts } = openBucketStore(this.bucket);
    return {
      store,
      attempts,
      mode: 'compliance',
      objects: this.catalog.objects,
      installationId: this.installationId,
      locationId: this.locationId,
      now: () => new Date(this.bucket.now - this.bucket.behaviour.clockOff * 1000),
      ...changes,
    };
  }

  async prove(changes: Partial<LockProofOptions> = {}): Promise<LockProof> {
    return await proveLock(this.options(changes));
  }

  /** What the bucket holds below the place of canaries. */
  get left(): readonly VersionEntry[] {
    return [...this.bucket.entries(canariesPrefix(this.installationId))];
  }

  /** What the ledger knows of canaries. */
  get known(): readonly LedgerObject[] {
    return this.catalog.objects.list({ locationId: this.locationId, kind: 'canary' }).items;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** What an attempt came to; `undefined` where the proof did not get so far. */
export function gotOf({ attempts }: Pick<LockProof, 'attempts'>, attempt: string): string | undefined {
  return attempts.find((one) => one.attempt === attempt)?.got;
}
