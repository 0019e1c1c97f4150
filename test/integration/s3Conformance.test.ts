import { connectS3, type S3Connection } from '../../daemon/locations/s3/openS3.ts';
import { likeSeaweed } from '../support/bucket/behaviour.ts';
import type { VersionedStore } from '../support/bucket/bucketStore.ts';
import { type BucketUnderTest, describeBucket } from '../support/bucket/conformance.ts';
import { newId } from '../support/ids.ts';
import type { MadeBucket } from '../support/servers/s3Server.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';
import { describeStore } from '../support/storeConformance.ts';

async function connect(made: MadeBucket, prefix: string): Promise<S3Connection> {
  return await connectS3({
    spec: { kind: 's3', bucket: made.name, region: made.region, endpoint: made.endpoint, prefix, credentials: { source: 'sealed' } },
    keys: () => ({ accessKeyId: made.accessKeyId, secretAccessKey: Buffer.from(made.secretAccessKey) }),
  });
}

async function openVersioned(connection: S3Connection): Promise<VersionedStore> {
  const store = await connection.unmarked({ storeId: newId(), lock: 'compliance', features: { versions: true } });
  const { versions } = store;
  if (versions === undefined) throw new Error('the store has no versions');
  return Object.assign(store, { versions });
}

/** The store's clock is the machine's: nothing tells that a second is over but asking. */
async function waitUntil(store: VersionedStore, time: Date): Promise<void> {
  while ((await store.versions.time()) <= time) await new Promise((resolve) => setTimeout(resolve, 100));
}

describe('S3 on SeaweedFS', () => {
  let endpointOf: (objectLock: boolean) => Promise<MadeBucket>;

  before(async function (this: Mocha.Context) {
    const server = await sharedSeaweed(this);
    endpointOf = (objectLock) => server.createBucket({ objectLock });
  });

  describeBucket('the S3 client on SeaweedFS', {
    pageLength: 1000,
    ...likeSeaweed,
    losesNamesThatBeginOthers: true,
    open: async (_context, { objectLock }): Promise<BucketUnderTest> => {
      const connection = await connect(await endpointOf(objectLock), 'team/a');
      const store = await openVersioned(connection);
      return {
        store,
        facts: connection.facts,
        attempts: connection.attempts,
        waitUntil: (time) => waitUntil(store, time),
        dispose: () => Promise.resolve(connection[Symbol.dispose]()),
      };
    },
  });

  for (const objectLock of [true, false]) {
    describeStore(`the S3 client on SeaweedFS, ${objectLock ? 'with' : 'without'} versions`, async () => {
      const connection = await connect(await endpointOf(objectLock), 'b');
      const store = await connection.unmarked({ storeId: newId() });
      return { store, dispose: () => Promise.resolve(connection[Symbol.dispose]()) };
    });
  }
});
