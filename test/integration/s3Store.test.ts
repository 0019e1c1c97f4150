import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { connectS3, openS3Store, type S3Connection, type S3Keys } from '../../daemon/locations/s3/openS3.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type StoreId } from '../../protocol/ids.ts';
import { FaultProxy } from '../support/servers/faultProxy.ts';
import { type MadeBucket, owner, type S3Identity } from '../support/servers/s3Server.ts';
import type { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { sharedMoto, sharedSeaweed } from '../support/servers/sharedServers.ts';

const newStoreId = (): StoreId => idOf<StoreId>(randomUUID());

async function connected(bucket: MadeBucket, changes: Partial<MadeBucket> = {}): Promise<S3Connection> {
  const { name, endpoint, region, accessKeyId, secretAccessKey } = { ...bucket, ...changes };
  return await connectS3({
    spec: { kind: 's3', bucket: name, endpoint, region, prefix: randomUUID(), credentials: { source: 'sealed' } },
    keys: () => ({ accessKeyId, secretAccessKey: Buffer.from(secretAccessKey) }),
  });
}

const withCode =
  (code: string, words: RegExp) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && error.code === code && words.test(error.message) && error.fix !== undefined;

function ownersKeys(): S3Keys {
  return { accessKeyId: owner.accessKeyId, secretAccessKey: Buffer.from(owner.secretAccessKey) };
}

describe('a location in a bucket of SeaweedFS', () => {
  let server: SeaweedServer;
  let bucket: MadeBucket;

  before(async function (this: Mocha.Context) {
    server = await sharedSeaweed(this);
    bucket = await server.createBucket();
  });

  it('is found again by its marker, also under what an attacker puts above it', async () => {
    const spec = {
      kind: 's3',
      bucket: bucket.name,
      endpoint: bucket.endpoint,
      region: bucket.region,
      credentials: { source: 'sealed' },
    } as const;
    const options = { spec: { ...spec, prefix: randomUUID() }, keys: ownersKeys };
    const storeId = newStoreId();
    await assert.rejects(openS3Store(options), withCode('storeUnreachable', /marker/));
    using connection = await connectS3(options);
    assert.equal((await connection.initialise({ storeId, now: new Date() })).storeId, storeId);
    assert.equal((await connection.initialise({ storeId: newStoreId(), now: new Date() })).storeId, storeId);
    await connection.attempts.overwrite('holdfast-store', Buffer.from('{"format":"holdfast-store/1"}'));
    await connection.attempts.putDeleteMarker('holdfast-store');
    using store = await openS3Store({ ...options, storeId, lock: 'compliance' });
    assert.deepEqual([store.storeId, store.capabilities], [storeId, { lock: 'compliance', versions: true, conditionalPut: true }]);
    await assert.rejects(openS3Store({ ...options, storeId: newStoreId() }), withCode('storeUnreachable', /another store/));
  });

  it('S2 S3: comes through connections that are reset in the middle of what goes there and comes back', async () => {
    await using proxy = await FaultProxy.start(server.address);
    using connection = await connected(bucket, { endpoint: `http://127.0.0.1:${proxy.port}` });
    const store = await connection.unmarked({ storeId: newStoreId(), features: { versions: true } });
    const body = randomBytes(3_000_000);
    proxy.setFaults({ up: { resetAfter: 1_000_000, resets: 2 } });
    const { versionId } = await store.put('a/up', body);
    // Nothing of the answer arrives, but the put is done.
    proxy.setFaults({ down: { resetAfter: 1, resets: 1 } });
    const lost = await store.put('a/lost', body);
    proxy.setFaults({ down: { resetAfter: 1_000_000, resets: 2 } });
    assert.ok(body.equals((await store.get('a/up', { versionId }))?.body ?? Buffer.alloc(0)));
    assert.ok(body.equals((await store.get('a/lost', { versionId: lost.versionId }))?.body ?? Buffer.alloc(0)));
    assert.ok(store.versions !== undefined);
    for await (const page of store.versions.list('a/')) assert.equal(page.length, 2);
  });

  it('S8: says that credentials which were taken away in mid-run are not known any more, and goes on with new ones', async () => {
    const hired: S3Identity = {
      name: 'hired',
      accessKeyId: 'HIREDKEY',
      secretAccessKey: 'hired-secret',
      actions: ['Admin', 'Read', 'Write', 'List'],
    };
    await server.setIdentities([owner, hired]);
    let { accessKeyId, secretAccessKey } = hired;
    using connection = await connectS3({
      spec: {
        kind: 's3',
        bucket: bucket.name,
        endpoint: bucket.endpoint,
        region: bucket.region,
        prefix: randomUUID(),
        credentials: { source: 'sealed' },
      },
      keys: () => ({ accessKeyId, secretAccessKey: Buffer.from(secretAccessKey) }),
    });
    const store = await connection.unmarked({ storeId: newStoreId() });
    await store.put('a/one', Buffer.from('x'));
    await server.setIdentities([owner, { ...hired, accessKeyId: 'OTHERKEY', secretAccessKey: 'other-secret' }]);
    await assert.rejects(store.put('a/two', Buffer.from('x')), withCode('storeRefused', /access key/));
    ({ accessKeyId, secretAccessKey } = { accessKeyId: 'OTHERKEY', secretAccessKey: 'other-secret' });
    await store.put('a/two', Buffer.from('x'));
    assert.ok((await store.get('a/one')) !== undefined);
  });

  it('says in one sentence what is wrong with bucket, keys and address', async () => {
    for (const [changes, code, words] of [
      [{ secretAccessKey: 'wrong' }, 'storeRefused', /secret key is wrong/],
      [{ accessKeyId: 'NOBODY' }, 'storeRefused', /access key/],
      [{ name: 'no-such-bucket-here' }, 'storeUnreachable', /no bucket no-such-bucket-here/],
      [{ endpoint: 'http://127.0.0.1:1' }, 'storeUnreachable', /nothing answers/],
      [{ endpoint: bucket.endpoint.replace('http:', 'https:') }, 'storeUnreachable', /TLS/],
    ] as const) {
      using connection = await connected(bucket, changes);
      await assert.rejects(connection.open(), withCode(code, words), JSON.stringify(changes));
    }
  });
});

describe('a location in a bucket of moto', () => {
  it('S4 S7: gives back what was put, by versions, whatever the server leaves out', async function (this: Mocha.Context) {
    const server = await sharedMoto(this);
    using connection = await connected(await server.createBucket());
    const storeId = newStoreId();
    await connection.initialise({ storeId, now: new Date() });
    const store = await connection.open({ storeId });
    const body = randomBytes(200_000);
    const { versionId } = await store.put('a/one', body);
    assert.ok(versionId !== null);
    assert.ok(
      body.subarray(1000, 3000).equals((await store.get('a/one', { versionId, offset: 1000, length: 2000 }))?.body ?? Buffer.alloc(0)),
    );
    await connection.attempts.overwrite('a/one', Buffer.from('garbage'));
    await connection.attempts.putDeleteMarker('a/one');
    assert.equal((await store.head('a/one'))?.versionId, versionId);
    await assert.rejects(
      store.put('a/two', body).then(() => store.put('a/two', Buffer.from('other'))),
      withCode('objectExists', /there already/),
    );
  });
});
