import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import type { ListedObject, ListedVersion, ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../../protocol/ids.ts';
import {
  bucketName,
  errorXml,
  objectsXml,
  type Reply,
  type ScriptedRequest,
  ScriptedS3,
  type ScriptedVersion,
  versionsXml,
} from '../../../support/scriptedS3.ts';

const storeId = idOf<StoreId>(randomUUID());

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && error.code === code;

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}

/** Answers with pages of the given versions, each page beginning where the one before says. */
function paged(pages: readonly (readonly ScriptedVersion[])[]): (request: ScriptedRequest) => Reply {
  return ({ query }) => {
    const index = Number(query.get('version-id-marker')?.slice(1) ?? 0);
    const next = index + 1 < pages.length ? { keyMarker: `page/${index + 1}`, versionIdMarker: `p${index + 1}` } : undefined;
    return { body: versionsXml(pages[index] ?? [], next) };
  };
}

const shown = ({ key, versionId }: ListedVersion | ListedObject): string => `${key} ${versionId ?? '-'}`;

describe('listings of a bucket', () => {
  let server: ScriptedS3;

  beforeEach(async () => {
    server = await ScriptedS3.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  async function opened(options: { readonly versions?: boolean; readonly prefix?: string } = {}): Promise<ObjectStore> {
    const { versions = true, prefix } = options;
    const connection = await server.connect(prefix === undefined ? {} : { prefix });
    return await connection.unmarked({ storeId, lock: 'compliance', features: { versions } });
  }

  const versionsOf = async (store: ObjectStore): Promise<readonly ListedVersion[]> => {
    assert.ok(store.versions !== undefined);
    return await all(store.versions.list(''));
  };

  it('give versions and delete markers in the order of the store, within the same second too', async () => {
    const at = '2026-01-02T03:04:05.000Z';
    server.script = paged([
      [
        { key: 'a/one', versionId: 'v4', size: 4, isLatest: true, at },
        { key: 'a/one', versionId: 'm3', isDeleteMarker: true, at },
        { key: 'a/one', versionId: 'v2', size: 2, at },
        { key: 'a/one', versionId: 'm1', isDeleteMarker: true, at },
        { key: 'a/two', versionId: 'm9', isDeleteMarker: true, isLatest: true, at },
      ],
    ]);
    const lastModified = new Date(at);
    assert.deepEqual(await versionsOf(await opened()), [
      { key: 'a/one', versionId: 'v4', isDeleteMarker: false, isLatest: true, size: 4, lastModified },
      { key: 'a/one', versionId: 'm3', isDeleteMarker: true, isLatest: false, size: 0, lastModified },
      { key: 'a/one', versionId: 'v2', isDeleteMarker: false, isLatest: false, size: 2, lastModified },
      { key: 'a/one', versionId: 'm1', isDeleteMarker: true, isLatest: false, size: 0, lastModified },
      { key: 'a/two', versionId: 'm9', isDeleteMarker: true, isLatest: true, size: 0, lastModified },
    ]);
  });

  it('R1 R2: show of each key its oldest version, by the order of the store and not by dates, which locks may change', async () => {
    server.script = paged([
      [
        { key: 'a/one', versionId: 'm3', isDeleteMarker: true, isLatest: true, at: '2026-01-03T00:00:00.000Z' },
        { key: 'a/one', versionId: 'v2', size: 2, at: '2026-01-02T00:00:00.000Z' },
        { key: 'a/one', versionId: 'v1', size: 1, at: '2026-01-09T00:00:00.000Z' },
        { key: 'a/two', versionId: 'm1', isDeleteMarker: true, isLatest: true },
      ],
    ]);
    assert.deepEqual((await all((await opened()).list(''))).map(shown), ['a/one v1']);
  });

  it('S6: go on over empty pages, name what comes twice once, and see a history that pages cut as one', async () => {
    const one = { key: 'a/one', versionId: 'v3', size: 3 };
    server.script = paged([
      [],
      [one],
      [one, { key: 'a/one', versionId: 'v2', size: 2 }],
      [],
      [
        { key: 'a/one', versionId: 'v1', size: 1 },
        { key: 'a/two', versionId: 'v1', size: 1 },
      ],
      [],
    ]);
    const store = await opened();
    assert.deepEqual((await versionsOf(store)).map(shown), ['a/one v3', 'a/one v2', 'a/one v1', 'a/two v1']);
    assert.deepEqual((await all(store.list(''))).map(shown), ['a/one v1', 'a/two v1']);
    assert.equal(server.requests.length, 12);
    // Names of others may hold what XML can not.
    assert.ok(server.requests.every(({ query }) => query.get('encoding-type') === 'url'));
    assert.deepEqual(
      server.requests.slice(0, 3).map(({ query }) => query.get('key-marker')),
      [null, 'page/1', 'page/2'],
    );
  });

  it('S6: end where the store gives the same page for ever', async () => {
    server.script = () => ({ body: versionsXml([], { keyMarker: 'a', versionIdMarker: 'v' }) });
    await assert.rejects(versionsOf(await opened()), withCode('storeFailed'));
    server.script = () => ({ body: objectsXml([], 'token') });
    await assert.rejects(all((await opened({ versions: false })).list('')), withCode('storeFailed'));
  });

  it('S6: are the same however a history is cut into pages', async () => {
    const history: readonly ScriptedVersion[] = ['a', 'b', 'c'].flatMap((name) =>
      [5, 4, 3, 2, 1].map((number) => ({ key: `x/${name}`, versionId: `v${number}`, size: number, isDeleteMarker: number % 3 === 0 })),
    );
    const store = await opened();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 12, maxLength: 12 }), async (lengths) => {
        const pages: (readonly ScriptedVersion[])[] = [];
        let from = 0;
        for (const length of lengths) {
          pages.push(history.slice(from, from + length));
          from += length;
        }
        pages.push(history.slice(from));
        server.script = paged(pages);
        assert.deepEqual(
          (await versionsOf(store)).map(shown),
          history.map(({ key, versionId }) => `${key} ${versionId}`),
        );
        assert.deepEqual((await all(store.list(''))).map(shown), ['x/a v1', 'x/b v1', 'x/c v1']);
      }),
      { numRuns: 10 },
    );
  });

  it('never show what is not below the prefix or outside the grammar of keys', async () => {
    const strange = ['Upper', 'a b', 'a%2Fb', 'a\u0001b', 'ü', 'a/', '../x', 'a//b', '<Version>', '.tmp-1', 'x'.repeat(300)];
    const keys = ['elsewhere/a', 'here', 'hereafter/a', ...strange.map((key) => `here/${key}`), 'here/a/good'];
    server.script = paged([keys.map((key) => ({ key, versionId: 'v1', size: 1 }))]);
    const store = await opened({ prefix: 'here' });
    assert.deepEqual((await versionsOf(store)).map(shown), ['a/good v1']);
    assert.deepEqual((await all(store.list(''))).map(shown), ['a/good v1']);
    assert.deepEqual(
      server.requests.map(({ query }) => query.get('prefix')),
      ['here/', 'here/'],
    );
    server.script = () => ({ body: objectsXml(keys.map((key) => ({ key, size: 1 }))) });
    assert.deepEqual((await all((await opened({ prefix: 'here', versions: false })).list(''))).map(shown), ['a/good -']);
  });

  it('leave out the marker of the location, which the versions show', async () => {
    server.script = paged([
      [
        { key: 'a/one', versionId: 'v1', size: 1 },
        { key: 'holdfast-store', versionId: 'v1', size: 1 },
      ],
    ]);
    const store = await opened();
    assert.deepEqual((await all(store.list(''))).map(shown), ['a/one v1']);
    assert.equal((await versionsOf(store)).length, 2);
  });

  for (const [title, spoil] of [
    ['cut off in the middle', (xml: string) => xml.slice(0, xml.indexOf('</Version>'))],
    ['cut off between two versions', (xml: string) => xml.slice(0, xml.indexOf('<Version>', xml.indexOf('<Version>') + 1))],
    ['without its end', (xml: string) => xml.slice(0, -'</ListVersionsResult>'.length)],
    ['that is empty', () => ''],
    ['that is a page of a proxy', () => '<html><body>Please log in</body></html>'],
    ['of other XML', () => '<?xml version="1.0"?><Hello/>'],
  ] as const) {
    it(`S4: take no listing ${title}, and go on when the next is whole`, async () => {
      const store = await opened();
      const xml = versionsXml([
        { key: 'a/one', versionId: 'v1', size: 1 },
        { key: 'a/two', versionId: 'v1', size: 1 },
      ]);
      server.script = () => ({ body: spoil(xml) });
      await assert.rejects(versionsOf(store), withCode('storeFailed'));
      const made = server.requests.length;
      server.script = (_, count) => ({ body: count === made + 1 ? spoil(xml) : xml });
      assert.equal((await versionsOf(store)).length, 2);
    });
  }

  it('S4: take an error with status 200 for the error it is', async () => {
    server.script = () => ({ body: errorXml('AccessDenied') });
    await assert.rejects(versionsOf(await opened()), withCode('storeRefused'));
  });

  it('S5: do not fill memory with an answer that has no end', async () => {
    server.script = () => ({ headers: { 'content-length': String(40 << 20) }, body: Buffer.alloc(17 << 20, 0x20), stallAfter: 17 << 20 });
    const connection = await server.connect({ limits: { attempts: 1 } });
    const store = await connection.unmarked({ storeId, features: { versions: true } });
    const cut = server.cut();
    await assert.rejects(versionsOf(store), withCode('storeFailed'));
    await cut;
  });

  it('say of an empty store that is a location whether its marker is there', async () => {
    const marker = Buffer.from(JSON.stringify({ format: 'holdfast-store/1', storeId, createdAt: '2026-01-02T03:04:05.678Z' }));
    let isThere = true;
    server.script = ({ query, key }) => {
      if (key === 'holdfast-store') {
        return {
          status: 206,
          headers: { 'content-range': `bytes 0-${marker.length - 1}/${marker.length}`, 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT' },
          body: marker,
        };
      }
      const isAsked = 'holdfast-store'.startsWith(query.get('prefix') ?? '');
      return { body: versionsXml(isThere && isAsked ? [{ key: 'holdfast-store', versionId: 'v1', size: marker.length }] : []) };
    };
    const store = await (await server.connect()).open({ features: { versions: true }, storeId });
    assert.equal(store.storeId, storeId);
    assert.deepEqual(await all(store.list('a/')), []);
    isThere = false;
    await assert.rejects(all(store.list('a/')), withCode('storeUnreachable'));
    await assert.rejects(store.get('a/one'), withCode('storeUnreachable'));
    await assert.rejects((await server.connect()).open({ features: { versions: true } }), withCode('storeUnreachable'));
  });

  describe("the store's time", () => {
    it('comes from the date of a listing that names the bucket', async () => {
      server.script = () => ({ headers: { date: 'Fri, 02 Jan 2026 03:04:05 GMT' }, body: objectsXml([]) });
      const { versions } = await opened();
      assert.equal((await versions?.time())?.toISOString(), '2026-01-02T03:04:05.000Z');
    });

    for (const [title, reply] of [
      ['an error', { status: 403, body: errorXml('AccessDenied') }],
      ['a page of a proxy', { body: '<html></html>' }],
      ["a proxy's error", { status: 502, body: '<html></html>' }],
      ['a listing of another bucket', { body: objectsXml([]).replace(bucketName, 'another') }],
      ['a date that is none', { headers: { date: 'yesterday' }, body: objectsXml([]) }],
    ] as const satisfies readonly (readonly [string, Reply])[]) {
      it(`F1: never comes from ${title}`, async () => {
        server.script = () => reply;
        const { versions } = await opened();
        assert.ok(versions !== undefined);
        await assert.rejects(versions.time(), (error) => HoldfastError.is(error));
      });
    }
  });
});
