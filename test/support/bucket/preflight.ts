import { type BucketPreflightOptions, preflightBucket, type PreflightResult } from '../../../daemon/locations/preflight/bucketPreflight.ts';
import { readS3Marker } from '../../../daemon/locations/s3/s3Marker.ts';
import type { LocationCheck } from '../../../protocol/methods/locations.ts';
import { openBucketStore } from './bucketStore.ts';
import type { MemoryBucket } from './memoryBucket.ts';

/** The preflight of a bucket in memory, by a machine whose clock is right where nothing else is said. */
export async function preflightOf(bucket: MemoryBucket, options: Partial<BucketPreflightOptions> = {}): Promise<PreflightResult> {
  const prefix = options.prefix ?? '';
  const { store, facts } = openBucketStore(bucket, { prefix });
  return await preflightBucket({
    bucket: {
      facts,
      open: async (features) => openBucketStore(bucket, { prefix, asksForEncryption: features.encryption }).store,
      readMarker: async ({ signal }) => await readS3Marker(store, signal),
    },
    region: bucket.region,
    prefix,
    storeId: undefined,
    isImmutable: true,
    now: () => new Date(bucket.now - bucket.behaviour.clockOff * 1000),
    ...options,
  });
}

/** The result of each check, by its name. */
export function resultsOf(checks: readonly LocationCheck[]): Readonly<Record<string, LocationCheck['result']>> {
  return Object.fromEntries(checks.map(({ check, result }) => [check, result]));
}

/** The names of those that did not pass. */
export function troubleOf(checks: readonly LocationCheck[]): readonly string[] {
  return checks.flatMap(({ check, result }) => (result === 'pass' ? [] : [`${check}: ${result}`]));
}
