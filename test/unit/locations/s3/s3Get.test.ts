import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import type { ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../../protocol/ids.ts';
import { errorXml, type Reply, ScriptedS3, type ScriptedRequest, versionsXml } from '../../../support/scriptedS3.ts';

const storeId = idOf<StoreId>(randomUUID());
const key = 'a/packs/00/one';
const body = randomBytes(300_000);
const modified = { 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT' };

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && error.code === code;

/** What an honest store answers to a read. */
function honest({ headers: { range }, method }: ScriptedRequest): Reply {
  const headers = { ...modified, 'x-amz-version-id': 'v1' };
  if (range === undefined || method === 'HEAD') return { headers, body };
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  const from = Number(first);
  if (from >= body.length) return { status: 416, body: errorXml('InvalidRange') };
  const to = last === '' ? body.length - 1 : Math.min(Number(last), body.length - 1);
  return { status: 206, headers: { ...headers, 'content-range': `bytes ${from}-${to}/${body.length}` }, body: body.subarray(from, to + 1) };
}

describe('reads from a bucket', () => {
  let server: ScriptedS3;

  beforeEach(async () => {
    server = await ScriptedS3.start(honest);
  });
  afterEach(() => server[Symbol.asyncDispose]());

  async function opened(versions = true): Promise<ObjectStore> {
    const connection = await server.connect({ limits: { silenceTimeout: 200 } });
    return await connection.unmarked({ storeId, lock: 'compliance', features: { versions } });
  }

  it('ask for the version and the range, once, and give what they say', async () => {
    const found = await (await opened()).get(key, { versionId: 'v1', offset: 1000, length: 131_072 });
    assert.ok(found !== undefined && body.subarray(1000, 132_072).equals(found.body));
    assert.deepEqual(
      [found.offset, found.size, found.versionId, found.lock, found.lastModified.toISOString()],
      [1000, body.length, 'v1', null, '2026-01-02T03:04:05.000Z'],
    );
    assert.deepEqual(
      server.requests.map(({ method, key: asked, query, headers }) => [method, asked, query.get('versionId'), headers.range]),
      [['GET', key, 'v1', 'bytes=1000-132071']],
    );
  });

  it('R1 R2: without a version mean the oldest, whatever lies above it', async () => {
    server.script = (request) => {
      if (!request.query.has('versions'))
        return request.query.get('versionId') === 'v1' ? honest(request) : { status: 404, body: errorXml('NoSuchVersion') };
      return {
        body: versionsXml([
          { key, versionId: 'm1', isDeleteMarker: true, isLatest: true },
          { key, versionId: 'v2', size: 5 },
          { key, versionId: 'v1', size: body.length },
          { key: `${key}-longer`, versionId: 'v0', size: 1 },
        ]),
      };
    };
    const store = await opened();
    assert.ok(body.equals((await store.get(key))?.body ?? Buffer.alloc(0)));
    assert.equal((await store.head(key))?.versionId, 'v1');
  });

  it('give what lies behind the end as nothing, with the size', async () => {
    for (const store of [await opened(), await opened(false)]) {
      const found = await store.get(key, { versionId: 'v1', offset: body.length, length: 10 });
      assert.deepEqual([found?.body.length, found?.size, found?.offset], [0, body.length, body.length]);
      assert.equal((await store.get(key, { versionId: 'v1', offset: body.length - 10, length: 50 }))?.body.length, 10);
    }
  });

  it('fill the given buffer, of shared memory too', async () => {
    const into = new Uint8Array(new SharedArrayBuffer(400_000)).subarray(7);
    const found = await (await opened()).get(key, { versionId: 'v1', into });
    assert.equal(found?.body.buffer, into.buffer);
    assert.ok(body.equals(Buffer.from(into.subarray(0, body.length))));
    await assert.rejects((await opened()).get(key, { versionId: 'v1', into: new Uint8Array(10) }), withCode('badValue'));
  });

  const range = { versionId: 'v1', offset: 1000, length: 2000 };
  const right = { ...modified, 'content-range': `bytes 1000-2999/${body.length}` };
  const part = body.subarray(1000, 3000);
  for (const [title, reply] of [
    [
      'a start that does not fit its length',
      { status: 206, headers: { ...right, 'content-range': `bytes 999-2999/${body.length}` }, body: part },
    ],
    [
      'an end that does not fit its length',
      { status: 206, headers: { ...right, 'content-range': `bytes 1000-2998/${body.length}` }, body: part },
    ],
    ['another start', { status: 206, headers: { ...right, 'content-range': `bytes 0-1999/${body.length}` }, body: part }],
    [
      'a shorter part',
      { status: 206, headers: { ...right, 'content-range': `bytes 1000-1999/${body.length}` }, body: part.subarray(0, 1000) },
    ],
    [
      'a longer part',
      { status: 206, headers: { ...right, 'content-range': `bytes 1000-3999/${body.length}` }, body: body.subarray(1000, 4000) },
    ],
    ['a total that is smaller than the part', { status: 206, headers: { ...right, 'content-range': 'bytes 1000-2999/2000' }, body: part }],
    ['a total that is unknown', { status: 206, headers: { ...right, 'content-range': 'bytes 1000-2999/*' }, body: part }],
    ['a negative start', { status: 206, headers: { ...right, 'content-range': 'bytes -1-2999/3000' }, body: part }],
    ['fewer bytes than it says', { status: 206, headers: right, body: part.subarray(1) }],
    ['more bytes than it says', { status: 206, headers: right, body: body.subarray(1000, 3001) }],
    ['the whole instead of a part', { status: 200, headers: modified, body }],
    ['no range', { status: 206, headers: modified, body: part }],
    ['another version', { status: 206, headers: { ...right, 'x-amz-version-id': 'v2' }, body: part }],
    ['no date', { status: 206, headers: { 'content-range': right['content-range'] }, body: part }],
  ] as const satisfies readonly (readonly [string, Reply])[]) {
    it(`S5: take no answer with ${title}, and go on when the next is right`, async () => {
      const store = await opened();
      server.script = () => reply;
      await assert.rejects(store.get(key, range), withCode('storeFailed'));
      const made = server.requests.length;
      server.script = (request, count) => (count === made + 1 ? reply : honest(request));
      assert.ok(part.equals((await store.get(key, range))?.body ?? Buffer.alloc(0)));
    });
  }

  it('S5: refuse a length that no object has before any of it is allocated', async () => {
    server.script = () => ({ headers: { ...modified, 'content-length': '999999999999999' }, body: 'x', stallAfter: 1 });
    await assert.rejects(
      (await opened()).get(key, { versionId: 'v1' }),
      (error) => HoldfastError.is(error, 'storeFailed') && error.message.includes('larger than any object'),
    );
  });

  it('S2: begin anew where the connection is cut in the middle of the body', async () => {
    server.script = (request, count) => (count < 4 ? { ...honest(request), cutAfter: count * 70_000 } : honest(request));
    const into = new Uint8Array(body.length);
    const found = await (await opened()).get(key, { versionId: 'v1', into });
    assert.ok(body.equals(found?.body ?? Buffer.alloc(0)));
    assert.equal(server.requests.length, 4);
  });

  it('S1: cut a body that stalls, and begin anew', async () => {
    server.script = (request, count) => (count === 1 ? { ...honest(request), stallAfter: 100_000 } : honest(request));
    const cut = server.cut();
    assert.ok(body.equals((await (await opened()).get(key, { versionId: 'v1' }))?.body ?? Buffer.alloc(0)));
    await cut;
  });

  it('close their socket when they are cancelled in the middle of the body', async () => {
    const abort = new AbortController();
    server.script = (request) => {
      setImmediate(() => setImmediate(() => abort.abort()));
      return { ...honest(request), stallAfter: 100_000 };
    };
    const cut = server.cut();
    const connection = await server.connect();
    const store = await connection.unmarked({ storeId, features: { versions: true } });
    await assert.rejects(store.get(key, { versionId: 'v1', signal: abort.signal }), withCode('cancelled'));
    await cut;
  });

  it('give undefined for a version that is not there, and for one that is a delete marker', async () => {
    const store = await opened();
    for (const reply of [
      { status: 404, body: errorXml('NoSuchVersion') },
      { status: 404, body: errorXml('NoSuchKey') },
      { status: 405, headers: { 'x-amz-delete-marker': 'true' }, body: errorXml('MethodNotAllowed') },
    ]) {
      server.script = (request) => (request.query.has('versions') ? { body: versionsXml([]) } : reply);
      assert.equal(await store.get(key, { versionId: 'v1' }), undefined);
      assert.equal(await store.head(key, { versionId: 'v1' }), undefined);
    }
  });

  it('never call missing what is missing with its bucket', async () => {
    server.script = ({ method }) => (method === 'HEAD' ? { status: 404 } : { status: 404, body: errorXml('NoSuchBucket') });
    const store = await opened();
    await assert.rejects(store.head(key, { versionId: 'v1' }), withCode('storeUnreachable'));
    await assert.rejects(store.get(key, { versionId: 'v1' }), withCode('storeUnreachable'));
  });

  it('S8: tell why a HEAD was refused, which its answer does not, and go on with new credentials', async () => {
    for (const versions of [true, false]) {
      const store = await opened(versions);
      for (const [status, name, words] of [
        [400, 'ExpiredToken', /expired/],
        [403, 'SignatureDoesNotMatch', /secret key/],
        [403, 'AccessDenied', /may not do it/],
      ] as const) {
        server.script = ({ method }) => (method === 'HEAD' ? { status } : { status, body: errorXml(name) });
        await assert.rejects(
          store.head(key, { versionId: 'v1' }),
          (error) => HoldfastError.is(error, 'storeRefused') && words.test(error.message),
        );
      }
      const made = server.requests.length;
      server.script = (request, count) => {
        if (count > made + 2) return honest(request);
        return { status: 400, ...(request.method === 'HEAD' ? {} : { body: errorXml('ExpiredToken') }) };
      };
      assert.equal((await store.head(key, { versionId: 'v1' }))?.size, body.length);
    }
  });

  it('tell the lock of a version', async () => {
    const lock = { 'x-amz-object-lock-mode': 'COMPLIANCE', 'x-amz-object-lock-retain-until-date': '2027-01-02T03:04:05Z' };
    server.script = (request) => ({ ...honest(request), headers: { ...modified, ...lock } });
    const expected = { mode: 'compliance', until: new Date('2027-01-02T03:04:05.000Z') };
    const store = await opened();
    assert.deepEqual((await store.head(key, { versionId: 'v1' }))?.lock, expected);
    assert.deepEqual((await store.get(key, { versionId: 'v1' }))?.lock, expected);
  });

  it('S1: come through a store that fails three of ten requests, on every verb', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 40, maxLength: 40 }), async (luck) => {
        const faults: readonly Reply[] = [
          { status: 500, body: errorXml('InternalError') },
          { status: 503, body: errorXml('SlowDown') },
          { isLost: true },
        ];
        let index = 0;
        // At most seven in a row fail, as eight attempts come through.
        let failed = 0;
        server.script = (request) => {
          const fault = faults[luck[index++ % luck.length] ?? 9];
          if (fault !== undefined && failed < 7) {
            failed += 1;
            return fault;
          }
          failed = 0;
          return request.query.has('versions') ? { body: versionsXml([{ key, versionId: 'v1', size: body.length }]) } : honest(request);
        };
        const store = await opened();
        assert.ok(body.equals((await store.get(key))?.body ?? Buffer.alloc(0)));
        assert.equal((await store.head(key))?.size, body.length);
        for await (const page of store.list('a/')) assert.equal(page[0]?.key, key);
        await store.delete(key, 'v1');
      }),
      { numRuns: 15 },
    );
  });
});
