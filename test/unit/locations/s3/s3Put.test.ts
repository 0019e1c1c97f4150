import assert from 'node:assert/strict';
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { S3Features } from '../../../../daemon/locations/s3/openS3.ts';
import { SlicedBody } from '../../../../daemon/locations/s3/s3Body.ts';
import type { ObjectStore, StoreCapabilities } from '../../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../../protocol/ids.ts';
import { errorXml, type Reply, ScriptedS3, type ScriptedRequest, versionsXml } from '../../../support/scriptedS3.ts';

const storeId = idOf<StoreId>(randomUUID());
const key = 'a/packs/00/one';
const until = new Date('2027-01-02T03:04:05.000Z');

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && error.code === code;

/** A bucket of one key, as far as puts need it: what was put is there, and the first put of all stays. */
class OneKey {
  readonly versions: { readonly versionId: string; readonly body: Buffer }[] = [];

  put({ headers, body }: ScriptedRequest): Reply {
    if (headers['if-none-match'] === '*' && this.versions.length > 0) return { status: 412, body: errorXml('PreconditionFailed') };
    const versionId = `v${this.versions.length + 1}`;
    this.versions.unshift({ versionId, body });
    return { headers: { 'x-amz-version-id': versionId } };
  }

  read(request: ScriptedRequest): Reply {
    if (request.query.has('versions')) {
      return {
        body: versionsXml(
          this.versions.map(({ versionId, body }) => ({ key: request.query.get('prefix') ?? '', versionId, size: body.length })),
        ),
      };
    }
    const found = this.versions.find(({ versionId }) => versionId === (request.query.get('versionId') ?? this.versions[0]?.versionId));
    if (found === undefined) return { status: 404, body: errorXml('NoSuchKey') };
    return { headers: { 'x-amz-version-id': found.versionId, 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT' }, body: found.body };
  }
}

describe('puts into a bucket', () => {
  let server: ScriptedS3;
  let bucket: OneKey;

  beforeEach(async () => {
    server = await ScriptedS3.start();
    bucket = new OneKey();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  async function opened(features: S3Features = {}, lock: StoreCapabilities['lock'] = 'compliance', prefix?: string): Promise<ObjectStore> {
    const connection = await server.connect(prefix === undefined ? {} : { prefix });
    return await connection.unmarked({ storeId, lock, features: { versions: true, ...features } });
  }

  it('carry the condition, a checksum, the lock and the hash that was handed in, and give the version', async () => {
    server.script = () => ({ headers: { 'x-amz-version-id': 'v7' } });
    const store = await opened({}, 'compliance', 'some/where');
    const body = randomBytes(1000);
    const sha256 = Buffer.from(hash('sha256', body, 'buffer'));
    const put = await store.put(key, body, { lock: { mode: 'governance', until }, sha256 });
    assert.deepEqual(put, { versionId: 'v7', lock: { mode: 'governance', until } });
    const [request] = server.requests;
    assert.ok(request !== undefined && server.requests.length === 1);
    assert.deepEqual([request.method, request.key, request.body.equals(body)], ['PUT', `some/where/${key}`, true]);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(body));
    assert.deepEqual(
      [
        'if-none-match',
        'x-amz-checksum-crc32',
        'x-amz-object-lock-mode',
        'x-amz-object-lock-retain-until-date',
        'x-amz-content-sha256',
      ].map((name) => request.headers[name]),
      ['*', checksum.toString('base64'), 'GOVERNANCE', '2027-01-02T03:04:05Z', sha256.toString('hex')],
    );
    assert.equal(request.headers['x-amz-server-side-encryption'], undefined);
    assert.match(String(request.headers['user-agent']), /holdfast\/\d/);
    assert.equal(request.headers['expect'], undefined);
  });

  it('go over what is there only where a further version is asked for, and only where the store has versions', async () => {
    server.script = (request) => (request.method === 'PUT' ? bucket.put(request) : bucket.read(request));
    const store = await opened();
    await store.put(key, Buffer.from('junk'));
    assert.equal((await store.put(key, Buffer.from('further'), { asFurtherVersion: true })).versionId, 'v2');
    await assert.rejects(store.put(key, Buffer.from('another')), withCode('objectExists'));
    const careless = await opened({ conditionalPut: false });
    assert.equal((await careless.put(key, Buffer.from('more'), { asFurtherVersion: true })).versionId, 'v3');
    const flat = await opened({ versions: false }, 'soft');
    await assert.rejects(flat.put(key, Buffer.from('flat'), { asFurtherVersion: true }), withCode('objectExists'));
    assert.equal(bucket.versions.length, 3);
  });

  it('sign the hash that was handed in, and do not compute another', async () => {
    server.script = () => ({ headers: { 'x-amz-version-id': 'v7' } });
    const sha256 = Buffer.alloc(32, 7);
    await (await opened()).put(key, Buffer.from('x'), { sha256 });
    assert.equal(server.requests[0]?.headers['x-amz-content-sha256'], sha256.toString('hex'));
  });

  it('take their bytes from shared memory', async () => {
    server.script = (request) => bucket.put(request);
    const shared = new Uint8Array(new SharedArrayBuffer(3_000_000)).subarray(1000);
    shared.set(randomBytes(2_000_000));
    await (await opened()).put(key, shared);
    assert.ok(bucket.versions[0]?.body.equals(Buffer.from(shared)));
    assert.equal(server.requests[0]?.headers.expect, undefined);
  });

  it('S2: are sent whole again, and nothing is written to the console, where the connection is cut in mid-body', async () => {
    const said: unknown[] = [];
    const { warn, error } = console;
    Object.assign(console, { warn: (text: unknown) => said.push(text), error: (text: unknown) => said.push(text) });
    try {
      server.script = (request, count) => (count < 3 ? { isLost: true } : bucket.put(request));
      const body = randomBytes(3_500_000);
      await (await opened()).put(key, body);
      assert.ok(bucket.versions[0]?.body.equals(body));
      assert.deepEqual(
        server.requests.map(({ headers }) => headers['content-length']),
        ['3500000', '3500000', '3500000'],
      );
    } finally {
      Object.assign(console, { warn, error });
    }
    assert.deepEqual(said, []);
  });

  it('go in slices that are no copies, each when the one before is taken', async () => {
    const body = randomBytes(2_500_000);
    const slices: Buffer[] = [];
    for await (const slice of new SlicedBody(body)) {
      assert.ok(slice instanceof Buffer);
      // What was not asked for yet is read later.
      if (slices.length === 0) body[2_400_000] = 0x11;
      slices.push(slice);
    }
    assert.deepEqual([slices.length, slices[0]?.buffer], [20, body.buffer]);
    assert.ok(Buffer.concat(slices).equals(body));
  });

  it('carry another checksum, or none, where the store was seen to want it so', async () => {
    server.script = () => ({ headers: { 'x-amz-version-id': 'v1' } });
    await (await opened({ checksum: 'sha256' })).put(key, Buffer.from('x'));
    await (await opened({ checksum: 'none' })).put(key, Buffer.from('x'));
    assert.equal(server.requests[0]?.headers['x-amz-checksum-sha256'], hash('sha256', 'x', 'base64'));
    const names = server.requests.map(({ headers }) => Object.keys(headers).filter((name) => name.startsWith('x-amz-checksum-')));
    assert.deepEqual(names, [['x-amz-checksum-sha256'], []]);
  });

  it('R4: ask for SSE-S3 by name where the store knows it, and refuse an answer that says something else', async () => {
    const store = await opened({ encryption: true });
    server.script = () => ({ headers: { 'x-amz-version-id': 'v1', 'x-amz-server-side-encryption': 'AES256' } });
    await store.put(key, Buffer.from('x'));
    assert.equal(server.requests[0]?.headers['x-amz-server-side-encryption'], 'AES256');
    for (const headers of [{ 'x-amz-version-id': 'v1', 'x-amz-server-side-encryption': 'aws:kms' }, { 'x-amz-version-id': 'v1' }]) {
      server.script = () => ({ headers });
      await assert.rejects(store.put(key, Buffer.from('x')), withCode('storeFailed'));
    }
  });

  it('S3: that were done and whose answer was lost are recognised by their bytes', async () => {
    server.script = (request, count) => {
      if (request.method !== 'PUT') return bucket.read(request);
      const reply = bucket.put(request);
      return count === 1 ? { isLost: true } : reply;
    };
    const body = randomBytes(5000);
    assert.equal((await (await opened()).put(key, body)).versionId, 'v1');
    assert.deepEqual(
      server.requests.map(({ method, query }) => (query.has('versions') ? 'list' : method)),
      ['PUT', 'PUT', 'list', 'HEAD', 'GET'],
    );
    assert.equal(bucket.versions.length, 1);
  });

  it('S3: of an earlier call are recognised at the first try of the next', async () => {
    const body = randomBytes(5000);
    bucket.versions.push({ versionId: 'v1', body });
    server.script = (request) => (request.method === 'PUT' ? bucket.put(request) : bucket.read(request));
    assert.equal((await (await opened()).put(key, body)).versionId, 'v1');
  });

  it('S3: are recognised on a store without versions', async () => {
    const body = randomBytes(5000);
    bucket.versions.push({ versionId: 'null', body });
    server.script = (request) => (request.method === 'PUT' ? bucket.put(request) : bucket.read(request));
    assert.deepEqual(await (await opened({ versions: false }, 'soft')).put(key, body), { versionId: null, lock: null });
  });

  for (const [title, body, other] of [
    ['of another length', Buffer.from('body'), Buffer.from('other body')],
    ['of the same length', Buffer.from('body'), Buffer.from('b0dy')],
  ] as const) {
    it(`S3: over an object ${title} say that it is there, whatever lies above it`, async () => {
      bucket.versions.push({ versionId: 'v2', body }, { versionId: 'v1', body: other });
      server.script = (request) => (request.method === 'PUT' ? bucket.put(request) : bucket.read(request));
      await assert.rejects((await opened()).put(key, body), withCode('objectExists'));
    });
  }

  it('S4: whose answer lacks the version find it by their bytes, and never guess', async () => {
    const store = await opened();
    const body = randomBytes(3000);
    bucket.versions.push({ versionId: 'v9', body: randomBytes(3000) }, { versionId: 'v8', body: randomBytes(10) });
    server.script = (request) => {
      if (request.method !== 'PUT') return bucket.read(request);
      bucket.versions.splice(1, 0, { versionId: 'v2', body: request.body });
      return {};
    };
    assert.equal((await store.put(key, body)).versionId, 'v2');
    bucket.versions.splice(1, 1);
    server.script = (request) => (request.method === 'PUT' ? {} : bucket.read(request));
    await assert.rejects(store.put(key, body), withCode('storeFailed'));
  });

  it('S4: that were answered with status 200 and an error are made again', async () => {
    server.script = (request, count) => (count === 1 ? { body: errorXml('InternalError') } : bucket.put(request));
    assert.equal((await (await opened()).put(key, Buffer.from('x'))).versionId, 'v1');
    server.script = () => ({ body: errorXml('AccessDenied') });
    await assert.rejects((await opened()).put(key, Buffer.from('x')), withCode('storeRefused'));
  });

  for (const [name, reply] of [
    ['500', { status: 500, body: errorXml('InternalError') }],
    ['503', { status: 503, body: errorXml('ServiceUnavailable') }],
    ['SlowDown', { status: 503, body: errorXml('SlowDown') }],
    ['a proxy that says 502', { status: 502, body: '<html>Bad gateway</html>' }],
    ['429', { status: 429, body: '' }],
    ['two puts at once', { status: 409, body: errorXml('ConditionalRequestConflict') }],
    ['a connection that is cut', { isLost: true }],
  ] as const satisfies readonly (readonly [string, Reply])[]) {
    it(`S1: go on after ${name}`, async () => {
      server.script = (request, count) => (count < 4 ? reply : bucket.put(request));
      assert.equal((await (await opened()).put(key, Buffer.from('x'))).versionId, 'v1');
      assert.equal(server.requests.length, 4);
    });
  }

  it('S1: end with one sentence where the store stays busy', async () => {
    server.script = () => ({ status: 503, body: errorXml('SlowDown') });
    await assert.rejects((await opened()).put(key, Buffer.from('x')), withCode('storeUnreachable'));
    assert.equal(server.requests.length, 8);
  });

  for (const [name, status, code, lock] of [
    ['AccessDenied', 403, 'storeRefused', true],
    ['InvalidRequest', 400, 'lockRefused', true],
    ['InvalidArgument', 400, 'lockRefused', true],
    ['InvalidRequest', 400, 'storeFailed', false],
    ['EntityTooLarge', 400, 'storeFailed', false],
    ['XMinioStorageFull', 507, 'storeFull', false],
    ['NoSuchBucket', 404, 'storeUnreachable', false],
    ['NotImplemented', 501, 'notInThisVersion', false],
  ] as const) {
    it(`are made once, and are ${code}, where the store says ${name}${lock ? ' to one with a lock' : ''}`, async () => {
      server.script = () => ({ status, body: errorXml(name) });
      const options = lock ? { lock: { mode: 'compliance', until } as const } : {};
      await assert.rejects((await opened()).put(key, Buffer.from('x'), options), withCode(code));
      assert.equal(server.requests.length, 1);
    });
  }

  it('S7: look first where the store knows no condition', async () => {
    const store = await opened({ versions: false, conditionalPut: false }, 'soft');
    assert.equal(store.capabilities.conditionalPut, false);
    server.script = (request) => (request.method === 'PUT' ? bucket.put(request) : bucket.read(request));
    bucket.versions.push({ versionId: 'null', body: Buffer.from('first') });
    await assert.rejects(store.put(key, Buffer.from('second')), withCode('objectExists'));
    assert.ok(server.requests.every(({ method }) => method !== 'PUT'));
  });

  it('S8: ask for new credentials when theirs expire in mid-run, and say so where they get none', async () => {
    let asked = 0;
    const connection = await server.connect({
      keys: () => {
        asked += 1;
        return { accessKeyId: `AKIA${asked}`, secretAccessKey: Buffer.from('x') };
      },
    });
    const store = await connection.unmarked({ storeId, features: { versions: true } });
    server.script = (request, count) => (count === 1 ? { status: 400, body: errorXml('ExpiredToken') } : bucket.put(request));
    assert.equal((await store.put(key, Buffer.from('x'))).versionId, 'v1');
    const [first, second] = server.requests.map(({ headers }) => /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1]);
    assert.ok(first !== undefined && second !== undefined && first !== second);
    server.script = () => ({ status: 400, body: errorXml('ExpiredToken') });
    await assert.rejects(
      store.put(key, Buffer.from('x')),
      (error) => HoldfastError.is(error, 'storeRefused') && /expired/.test(error.message),
    );
  });

  it('close their socket when they are cancelled, and are cancelled between attempts', async () => {
    const store = await opened();
    const abort = new AbortController();
    const cut = server.cut();
    server.script = () => {
      setImmediate(() => abort.abort());
      return { body: 'x'.repeat(100), stallAfter: 10 };
    };
    await assert.rejects(store.put(key, Buffer.from('x'), { signal: abort.signal }), withCode('cancelled'));
    await cut;
    const between = new AbortController();
    const connection = await server.connect({
      sleep: async () => {
        between.abort();
        await Promise.reject(new Error('aborted'));
      },
    });
    server.script = () => ({ status: 503, body: errorXml('SlowDown') });
    const other = await connection.unmarked({ storeId, features: { versions: true } });
    await assert.rejects(other.put(key, Buffer.from('x'), { signal: between.signal }), withCode('cancelled'));
  });
});
