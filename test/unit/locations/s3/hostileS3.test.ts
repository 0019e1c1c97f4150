import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../../protocol/ids.ts';
import {
  accessKeyId,
  canarySecret,
  canaryToken,
  errorXml,
  objectsXml,
  type Reply,
  ScriptedS3,
  versionsXml,
} from '../../../support/scriptedS3.ts';

const storeId = idOf<StoreId>(randomUUID());
const features = { versions: true };

const withCode =
  (...codes: readonly string[]) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && codes.includes(error.code);

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}

const named = (found: readonly unknown[]): readonly unknown[] =>
  found.map((entry) => (typeof entry === 'object' && entry !== null && 'key' in entry ? entry.key : undefined));

describe('a hostile server in the place of a bucket', () => {
  let server: ScriptedS3;

  beforeEach(async () => {
    server = await ScriptedS3.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  async function opened(versions = true, prefix?: string): Promise<ObjectStore> {
    const connection = await server.connect(prefix === undefined ? {} : { prefix });
    return await connection.unmarked({ storeId, lock: 'compliance', features: { versions } });
  }

  const versionsOf = async (store: ObjectStore, prefix = ''): Promise<readonly unknown[]> => {
    assert.ok(store.versions !== undefined);
    return await all(store.versions.list(prefix));
  };

  for (const length of [1, 2, 3, 7]) {
    it(`S6: is left where the pages of its listings go in a circle of ${length}`, async () => {
      server.script = ({ query }) => {
        if (query.has('versions')) {
          const next = (Number(query.get('version-id-marker')?.slice(1) ?? 0) + 1) % length;
          return {
            body: versionsXml([{ key: `a/${next}`, versionId: `v${next}`, size: 1 }], { keyMarker: 'a', versionIdMarker: `p${next}` }),
          };
        }
        const next = (Number(query.get('continuation-token') ?? 0) + 1) % length;
        return { body: objectsXml([{ key: `a/${next}`, size: 1 }], String(next)) };
      };
      await assert.rejects(versionsOf(await opened()), withCode('storeFailed'));
      await assert.rejects(all((await opened(false)).list('')), withCode('storeFailed'));
      assert.ok(server.requests.length < 20 * (length + 1), String(server.requests.length));
    });
  }

  it('S6 F3: that lists more than it was asked for is heard about nothing else', async () => {
    server.script = ({ query }) =>
      query.has('versions')
        ? {
            body: versionsXml([
              { key: 'vault/a/one', versionId: 'v1', size: 1 },
              { key: 'vault/b/two', versionId: 'v1', size: 1 },
              { key: 'other/a/three', versionId: 'v1', size: 1 },
            ]),
          }
        : {
            body: objectsXml([
              { key: 'vault/a/one', size: 1 },
              { key: 'vault/b/two', size: 1 },
            ]),
          };
    assert.deepEqual(named(await versionsOf(await opened(true, 'vault'), 'a/')), ['a/one']);
    for (const hasVersions of [true, false]) assert.deepEqual(named(await all((await opened(hasVersions, 'vault')).list('a/'))), ['a/one']);
  });

  it('R2: that holds names outside the grammar below what was asked for has them told apart', async () => {
    const at = { versionId: 'v1', size: 1 };
    server.script = () => ({ body: versionsXml(['vault/a/One', 'vault/a/two', 'vault/B', 'other/a/X'].map((key) => ({ key, ...at }))) });
    const { versions } = await opened(true, 'vault');
    assert.ok(versions !== undefined);
    const others: string[] = [];
    assert.deepEqual(named(await all(versions.list('a/', { onOther: ({ key }) => void others.push(key) }))), ['a/two']);
    assert.deepEqual(others, ['a/One']);
  });

  it('K6 M8: that sends every request elsewhere is not followed, and nobody else gets a signature', async () => {
    await using elsewhere = await ScriptedS3.start(() => ({ body: versionsXml([]) }));
    for (const status of [301, 302, 303, 307, 308]) {
      for (const headers of [
        { location: elsewhere.endpoint },
        { location: `${elsewhere.endpoint}/`, 'x-amz-bucket-region': 'us-east-1' },
      ]) {
        const endpoint = elsewhere.endpoint.slice('http://'.length);
        const body = errorXml('PermanentRedirect', `<Endpoint>${endpoint}</Endpoint><Bucket>scripted</Bucket><Region>us-east-1</Region>`);
        server.script = (): Reply => ({ status, headers, body });
        const store = await opened();
        const acts: readonly (() => Promise<unknown>)[] = [
          () => versionsOf(store),
          () => store.get('a/one', { versionId: 'v1' }),
          () => store.head('a/one', { versionId: 'v1' }),
          () => store.put('a/one', Buffer.from('x')),
          () => store.delete('a/one', 'v1'),
        ];
        for (const act of acts) {
          await assert.rejects(act, (error) => {
            assert.ok(HoldfastError.is(error));
            for (const secret of [canarySecret, canaryToken])
              assert.equal(JSON.stringify([error.message, error.details]).includes(secret), false);
            return true;
          });
        }
      }
    }
    assert.deepEqual(elsewhere.requests, []);
    for (const { headers, query } of server.requests) {
      const told = JSON.stringify([headers, ...query]);
      assert.equal(told.includes(canarySecret), false, 'a secret key signs and is not sent');
      assert.ok(told.includes(accessKeyId));
    }
  });

  const bomb = `<!DOCTYPE x [<!ENTITY a "${'a'.repeat(1000)}">${Array.from({ length: 9 }, (_, at) => `<!ENTITY ${'bcdefghij'[at]} "${`&${'abcdefghi'[at]};`.repeat(10)}">`).join('')}]>`;
  const xml = versionsXml([{ key: 'a/one', versionId: 'v1', size: 1 }]);
  for (const [title, body] of [
    ['entities that grow to a gigabyte', xml.replace('?>', `?>${bomb}`).replace('a/one', '&j;')],
    ['entities in an error', `<?xml version="1.0"?>${bomb}<Error><Code>&j;</Code><Message>&j;</Message></Error>`],
    ['an entity that names a file', xml.replace('?>', '?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>').replace('a/one', '&a;')],
    ['a hundred thousand elements in each other', xml.replace('<Version>', `${'<x>'.repeat(100_000)}${'</x>'.repeat(100_000)}<Version>`)],
    ['a version in a comment', xml.replace('<Version>', '<!-- <Version> --><Version>')],
    ['a version in CDATA', xml.replace('a/one', '<![CDATA[<DeleteMarker>]]>')],
    ['a size that is none', xml.replace('<Size>1</Size>', '<Size>NaN</Size>')],
    ['a date that is none', xml.replace(/<LastModified>[^<]*</, '<LastModified>yesterday<')],
    ['a date in the year 99999', xml.replace(/<LastModified>[^<]*</, '<LastModified>+99999-01-01T00:00:00Z<')],
    ['__proto__ as a member', xml.replace('<Version>', '<__proto__><polluted>1</polluted></__proto__><Version>')],
  ] as const) {
    it(`S4 M2: answers a listing with ${title}: nothing is believed, nothing is filled, and it ends`, async () => {
      server.script = (): Reply => ({ body });
      const connection = await server.connect({ limits: { attempts: 1 } });
      const store = await connection.unmarked({ storeId, features });
      const before = process.memoryUsage().rss;
      try {
        for (const entry of await versionsOf(store)) {
          assert.ok(typeof entry === 'object' && entry !== null && 'key' in entry && 'size' in entry && 'lastModified' in entry);
          assert.equal(entry.key, 'a/one');
          assert.ok(Number.isSafeInteger(entry.size) && entry.lastModified instanceof Date && !Number.isNaN(entry.lastModified.getTime()));
        }
      } catch (error) {
        assert.ok(withCode('storeFailed', 'storeRefused')(error), String(error));
      }
      assert.ok(process.memoryUsage().rss - before < 300 << 20);
      assert.equal(Reflect.get({}, 'polluted'), undefined);
    });
  }

  for (const [title, retention] of [
    ['no mode', '<RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate>'],
    ['an unknown mode', '<Mode>compliance</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate>'],
    ['no date', '<Mode>COMPLIANCE</Mode>'],
    ['a date that is none', '<Mode>COMPLIANCE</Mode><RetainUntilDate>never</RetainUntilDate>'],
    ['a date beyond all years', '<Mode>COMPLIANCE</Mode><RetainUntilDate>+099999-01-01T00:00:00Z</RetainUntilDate>'],
    [
      'two dates',
      '<Mode>COMPLIANCE</Mode><RetainUntilDate>2099-01-01T00:00:00Z</RetainUntilDate><RetainUntilDate>2199-01-01T00:00:00Z</RetainUntilDate>',
    ],
  ] as const) {
    it(`S7: that tells a lock with ${title} has told none`, async () => {
      server.script = (): Reply => ({ body: `<?xml version="1.0"?><Retention>${retention}</Retention>` });
      const connection = await server.connect({ limits: { attempts: 1 } });
      const { versions } = await connection.unmarked({ storeId, features });
      assert.ok(versions !== undefined);
      try {
        assert.equal(await versions.lockOf('a/one', 'v1'), null);
      } catch (error) {
        assert.ok(withCode('storeFailed')(error), String(error));
      }
    });
  }

  it('R2: that has ten thousand objects beside the marker which begin as it does is opened with one page', async () => {
    const marker = JSON.stringify({ format: 'holdfast-store/1', storeId, createdAt: '2026-01-02T03:04:05.678Z' });
    const lastModified = {
      'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
      'content-range': `bytes 0-${marker.length - 1}/${marker.length}`,
    };
    server.script = ({ query, method, key }) => {
      if (method === 'GET' && key === 'holdfast-store') return { status: 206, headers: lastModified, body: marker };
      const page = Number(query.get('version-id-marker')?.slice(1) ?? 0);
      const keys = page === 0 ? ['holdfast-store', 'holdfast-store-0'] : [`holdfast-store-${page}`];
      const next = page < 20 ? { keyMarker: `holdfast-store-${page}`, versionIdMarker: `p${page + 1}` } : undefined;
      return {
        body: versionsXml(
          keys.map((name) => ({ key: name, versionId: 'v1', size: marker.length })),
          next,
        ),
      };
    };
    assert.equal((await (await server.connect()).open({ storeId, features })).storeId, storeId);
    assert.ok(server.requests.length <= 2, String(server.requests.length));
  });
});
