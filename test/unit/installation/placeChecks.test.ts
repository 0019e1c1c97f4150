import assert from 'node:assert/strict';
import { LocationStores, type LocationStoresOptions } from '../../../daemon/installation/locationStores.ts';
import { PlaceChecks } from '../../../daemon/installation/placeChecks.ts';
import { nodeFileSystem } from '../../../daemon/locations/fileAccess.ts';
import type { S3ConnectionOptions } from '../../../daemon/locations/s3/openS3.ts';
import { readClocks } from '../../../daemon/locks/localClocks.ts';
import type { S3Spec } from '../../../protocol/methods/locations.ts';
import { bucketConnection } from '../../support/bucket/bucketConnection.ts';
import { MemoryBucket } from '../../support/bucket/memoryBucket.ts';
import { CatalogFolder, someLocation } from '../../support/catalog.ts';

const spec: S3Spec = { kind: 's3', bucket: 'backups', region: 'eu-central-1', credentials: { source: 'chain' } };

describe('the checks of a place', () => {
  it('ask a bucket that fails a few times and no more, before it is a location and when it is one', async () => {
    using folder = new CatalogFolder();
    const connected: S3ConnectionOptions[] = [];
    const bucket = new MemoryBucket();
    const connectS3: LocationStoresOptions['connectS3'] = async (options) => {
      connected.push(options);
      return await Promise.resolve(bucketConnection(bucket, options));
    };
    const catalog = folder.open();
    const record = someLocation({ kind: 's3', spec: JSON.stringify(spec) });
    catalog.locations.add(record);
    using stores = new LocationStores({ catalog, fileSystem: nodeFileSystem, connectS3, clocks: readClocks, longestAbsence: () => 4 });
    const places = new PlaceChecks({
      stores,
      connectS3,
      preflight: async () => await Promise.resolve({ checks: [], canBeImmutable: true, validated: null }),
      stateDirectory: folder.path,
      fileSystem: nodeFileSystem,
      wallClock: () => new Date(),
    });
    const { signal } = new AbortController();
    await places.check({ spec, keys: undefined, storeId: undefined, isImmutable: true, signal });
    await places.checkLocation(record, signal);
    await stores.connection(record, spec);
    assert.deepEqual(
      connected.map(({ limits }) => limits?.attempts),
      [3, 3, undefined],
    );
  });
});
