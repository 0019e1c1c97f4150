import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connectS3, type S3Connection } from '../../daemon/locations/s3/openS3.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { newId } from '../support/ids.ts';
import { FaultProxy } from '../support/servers/faultProxy.ts';
import { S3AttackersHand } from '../support/servers/s3AttackersHand.ts';
import type { MadeBucket, S3Identity } from '../support/servers/s3Server.ts';
import { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { serverProgramsFor } from '../support/servers/serverPrograms.ts';
import { sharedMoto, sharedSeaweed } from '../support/servers/sharedServers.ts';

const day = 86_400_000;
const isRefused = (error: unknown): boolean => HoldfastError.is(error, 'storeRefused');

async function connect(
  made: MadeBucket,
  keys: Pick<S3Identity, 'accessKeyId' | 'secretAccessKey'> = made,
  attempts?: number,
): Promise<S3Connection> {
  return await connectS3({
    ...(attempts === undefined ? {} : { limits: { attempts } }),
    spec: { kind: 's3', bucket: made.name, region: made.region, endpoint: made.endpoint, credentials: { source: 'sealed' } },
    keys: () => ({ accessKeyId: keys.accessKeyId, secretAccessKey: Buffer.from(keys.secretAccessKey) }),
  });
}

describe('real S3 servers', () => {
  describe('SeaweedFS', () => {
    let server: SeaweedServer;

    before(async function (this: Mocha.Context) {
      server = await sharedSeaweed(this);
    });

    it('R1 R2 R3 R5: an attacker with all rights hides and covers what is locked, and takes none of it away', async () => {
      const made = await server.createBucket();
      using connection = await connect(made);
      const store = await connection.unmarked({ storeId: newId(), lock: 'compliance', features: { versions: true } });
      const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + day);
      const ids = new Map<string, string | null>();
      for (const key of ['a/one', 'a/two', 'b/three']) {
        const { versionId } = await store.put(key, Buffer.from(`good ${key}`), { lock: { mode: 'compliance', until } });
        ids.set(key, versionId);
      }
      using hand = new S3AttackersHand(made);
      assert.deepEqual(await hand.encryptAllInPlace(), { done: 3, refused: 0 });
      assert.deepEqual(await hand.overwriteAll(), { done: 3, refused: 0 });
      assert.deepEqual(await hand.hideAll(), { done: 3, refused: 0 });
      // The garbage has no lock, so that one can be set; the good versions keep theirs, which this server gives to copies too.
      assert.deepEqual(await hand.shortenAll(), { done: 3, refused: 6 });
      assert.deepEqual(await hand.downgradeAll(), { done: 0, refused: 9 });
      // Markers go; garbage was locked for a minute just now.
      assert.deepEqual(await hand.deleteAllVersions(), { done: 3, refused: 9 });
      assert.deepEqual(await hand.suspendVersioning(), { done: 0, refused: 1 });
      await hand.hideAll();
      for (const [key, versionId] of ids) {
        assert.equal(Buffer.from((await store.get(key))?.body ?? []).toString(), `good ${key}`);
        assert.deepEqual((await store.head(key, { versionId }))?.lock, { mode: 'compliance', until });
      }
    });

    it('S8: keys that are taken away, and rights that are, are refused from then on', async () => {
      const made = await server.createBucket();
      const worker: S3Identity = {
        name: 'worker',
        accessKeyId: 'WORKER1',
        secretAccessKey: 'secret-1',
        actions: ['Read', 'Write', 'List'],
      };
      await server.setIdentities([worker]);
      using connection = await connect(made, worker);
      const store = await connection.unmarked({ storeId: newId(), features: { versions: true } });
      await store.put('a/one', Buffer.from('x'));
      await server.setIdentities([{ ...worker, actions: ['Read', 'List'] }]);
      await assert.rejects(store.put('a/two', Buffer.from('x')), isRefused);
      assert.equal((await store.head('a/one'))?.size, 1);
      await server.setIdentities([{ ...worker, accessKeyId: 'WORKER2' }]);
      await assert.rejects(store.get('a/one'), isRefused);
    });

    it('S11: goes through a wire that is late and cut into pieces, and is the same store after an outage', async () => {
      await using proxy = await FaultProxy.start(server.address, { up: { latency: 5, slice: 1500 }, down: { latency: 5, slice: 900 } });
      const made = await server.createBucket();
      using connection = await connect({ ...made, endpoint: proxy.endpoint }, made, 2);
      const store = await connection.unmarked({ storeId: newId(), features: { versions: true } });
      const bodies = Array.from({ length: 6 }, () => randomBytes(60_000));
      await Promise.all(bodies.map((body, index) => store.put(`a/${index}`, body)));
      proxy.goDown();
      await assert.rejects(store.put('a/lost', randomBytes(10)), (error) => HoldfastError.is(error, 'storeUnreachable'));
      await assert.rejects(store.get('a/0'), (error) => HoldfastError.is(error, 'storeUnreachable'));
      proxy.comeUp();
      const found = await Promise.all(bodies.map((_, index) => store.get(`a/${index}`)));
      assert.deepEqual(
        found.map((one) => Buffer.from(one?.body ?? [])),
        bodies,
      );
      assert.equal(await store.head('a/lost'), undefined);
    });

    it('makes no bucket by a put', async () => {
      const made = await server.createBucket();
      using connection = await connect({ ...made, name: 'never-made' });
      const store = await connection.unmarked({ storeId: newId(), features: { versions: true } });
      await assert.rejects(store.put('a/one', Buffer.from('x')), (error) => HoldfastError.is(error, 'storeUnreachable'));
    });
  });

  describe('SeaweedFS with a key', () => {
    it('encrypts what asks for it by name, and says so', async function (this: Mocha.Context) {
      await using server = await SeaweedServer.start(serverProgramsFor(this), { encrypts: true });
      using connection = await connect(await server.createBucket());
      const store = await connection.unmarked({ storeId: newId(), features: { versions: true, encryption: true } });
      const { versionId } = await store.put('a/one', Buffer.from('good'));
      assert.equal(Buffer.from((await store.get('a/one', { versionId }))?.body ?? []).toString(), 'good');
    });
  });

  describe('moto', () => {
    it('S7: shows Object Lock and lets what is locked be shortened and versioning be suspended', async function (this: Mocha.Context) {
      const server = await sharedMoto(this);
      const made = await server.createBucket();
      using connection = await connect(made);
      assert.deepEqual(await connection.facts.objectLock(), { defaultRetention: null });
      const store = await connection.unmarked({ storeId: newId(), features: { versions: true } });
      await store.put('a/one', Buffer.from('x'), { lock: { mode: 'compliance', until: new Date(Date.now() + day) } });
      using hand = new S3AttackersHand(made);
      assert.deepEqual(await hand.shortenAll(), { done: 1, refused: 0 });
      assert.deepEqual(await hand.suspendVersioning(), { done: 1, refused: 0 });
      assert.equal(await connection.facts.versioning(), 'suspended');
    });
  });
});
