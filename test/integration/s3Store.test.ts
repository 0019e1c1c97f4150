import { randomUUID } from 'node:crypto';
import { connectS3, type S3Connection } from '../../daemon/locations/s3/openS3.ts';
import { idOf, type StoreId } from '../../protocol/ids.ts';
import type { MadeBucket } from '../support/servers/s3Server.ts';
import type { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';
import { describeStore } from '../support/storeConformance.ts';

const newStoreId = (): StoreId => idOf<StoreId>(randomUUID());

async function connected(bucket: MadeBucket, prefix?: string): Promise<S3Connection> {
  const { name, endpoint, region, accessKeyId, secretAccessKey } = bucket;
  return await connectS3({
    spec: { kind: 's3', bucket: name, endpoint, region, credentials: { source: 'sealed' }, ...(prefix === undefined ? {} : { prefix }) },
    keys: () => ({ accessKeyId, secretAccessKey: Buffer.from(secretAccessKey) }),
  });
}

describe('a bucket of SeaweedFS', () => {
  let server: SeaweedServer;

  before(async function (this: Mocha.Context) {
    this.timeout(60_000);
    server = await sharedSeaweed(this);
  });

  for (const objectLock of [true, false]) {
    // One bucket and a prefix for each test: the server gives each bucket some of its few volumes.
    let bucket: Promise<MadeBucket> | undefined;
    describeStore(objectLock ? 'S3 with versions and locks' : 'S3 without versions', async () => {
      bucket ??= server.createBucket({ objectLock });
      const connection = await connected(await bucket, randomUUID());
      await connection.initialise({ storeId: newStoreId(), now: new Date() });
      return {
        store: await connection.open(),
        dispose: async () => {
          connection[Symbol.dispose]();
          await Promise.resolve();
        },
      };
    });
  }
});
