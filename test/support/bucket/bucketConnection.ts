import { initialiseS3Marker, readS3Marker } from '../../../daemon/locations/s3/s3Marker.ts';
import type { OpenOptions, S3Connection, S3ConnectionOptions } from '../../../daemon/locations/s3/openS3.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../protocol/ids.ts';
import { openBucketStore, type VersionedStore } from './bucketStore.ts';
import type { MemoryBucket } from './memoryBucket.ts';

const unknownStore: StoreId = idOf<StoreId>('00000000-0000-0000-0000-000000000000');

/** A bucket in memory as the daemon reaches one over the wire. `wrap` puts faults around each store that is opened. */
export function bucketConnection(
  bucket: MemoryBucket,
  { spec, keys }: Pick<S3ConnectionOptions, 'spec' | 'keys'>,
  wrap: (store: VersionedStore) => VersionedStore = (store) => store,
): S3Connection {
  const place = { prefix: spec.prefix ?? '' };
  const { facts, attempts } = openBucketStore(bucket, place);
  const store = ({ lock = 'soft' }: OpenOptions, storeId: StoreId): VersionedStore =>
    openBucketStore(bucket, { ...place, lock, storeId }).store;
  return {
    place: `s3://${spec.bucket}/${place.prefix}`,
    facts,
    attempts,
    readMarker: async ({ signal } = {}) => {
      await keys?.();
      return await readS3Marker(store({}, unknownStore), signal);
    },
    initialise: async ({ storeId, now, signal }) => {
      await keys?.();
      return await initialiseS3Marker(store({}, storeId), { storeId, now }, signal);
    },
    open: async (options = {}) => {
      await keys?.();
      const marker = await readS3Marker(store({}, unknownStore), options.signal);
      if (marker === undefined || (options.storeId ?? marker.storeId) !== marker.storeId) {
        throw new HoldfastError('storeUnreachable', 'Failed to open the bucket of the test: its marker is not there, or another one.');
      }
      return wrap(store(options, marker.storeId));
    },
    unmarked: async ({ storeId, ...options }) => {
      await keys?.();
      return store(options, storeId);
    },
    [Symbol.dispose]: () => undefined,
  };
}
