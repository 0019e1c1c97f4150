import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { ListedVersion, ObjectStore } from '../../../daemon/locations/objectStore.ts';
import { atTime, type PointInTimeOptions } from '../../../daemon/locations/pointInTime.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { AttackersHand } from '../../support/bucket/attackersHand.ts';
import { openBucketStore, type VersionedStore } from '../../support/bucket/bucketStore.ts';
import { versionIdOf } from '../../support/bucket/bucketVersion.ts';
import { MemoryBucket } from '../../support/bucket/memoryBucket.ts';
import { MemoryStore } from '../../support/memoryStore.ts';

const start = Date.UTC(2026, 0, 1);
const bytes = (words: string): Uint8Array => Buffer.from(words, 'utf8');
const at = (seconds: number): Date => new Date(start + seconds * 1000);
const isReadOnly = (error: unknown): boolean => HoldfastError.is(error, 'storeReadOnly');

/** Some that begin with others. */
const keys = ['i/a', 'i/a-b', 'i/a/b', 'i/b', 'j/a'] as const;

type Event =
  | { readonly type: 'put' | 'overwrite' | 'hide' | 'deleteVersion'; readonly key: number }
  | { readonly type: 'pass'; readonly milliseconds: number };

const events: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constantFrom('put', 'overwrite', 'hide', 'deleteVersion'),
      key: fc.nat(keys.length - 1),
    }),
    // Much happens within one second.
    fc.record({ type: fc.constant('pass' as const), milliseconds: fc.constantFrom(0, 300, 700, 1000, 4000) }),
  ),
  { maxLength: 40 },
);

/** What one key went through, oldest first. */
interface Entry {
  readonly versionId: string;
  /** `undefined`: a delete marker. */
  readonly body: string | undefined;
  /** Milliseconds since the epoch, whole seconds. */
  readonly written: number;
}

class Model {
  readonly bucket: MemoryBucket;
  readonly histories = new Map<string, Entry[]>();
  /** Ours, as a ledger would have it. */
  readonly known = new Map<string, string>();
  #puts = 0;

  constructor(pageLength: number) {
    this.bucket = new MemoryBucket({ pageLength });
  }

  apply(event: Event): void {
    if (event.type === 'pass') {
      this.bucket.pass(event.milliseconds);
      return;
    }
    const key = keys[event.key] ?? keys[0];
    const history = this.histories.get(key) ?? [];
    this.histories.set(key, history);
    const written = Math.floor(this.bucket.now / 1000) * 1000;
    if (event.type === 'deleteVersion') {
      const gone = history.splice(Math.floor(history.length / 2), 1)[0];
      if (gone !== undefined) this.bucket.deleteVersion(key, gone.versionId);
    } else if (event.type === 'hide') {
      const marker = this.bucket.putDeleteMarker(key);
      if (marker !== undefined) history.push({ versionId: versionIdOf(marker), body: undefined, written });
    } else {
      this.#puts += 1;
      const body = `${event.type} ${this.#puts}`;
      const versionId = versionIdOf(this.bucket.put(key, bytes(body)));
      history.push({ versionId, body, written });
      if (event.type === 'put') this.known.set(key, versionId);
    }
  }

  /** Straight from the rule. */
  servedAt(key: string, time: Date, { ignoresMarkers, knownVersion }: PointInTimeOptions): Entry | undefined {
    const inView = (this.histories.get(key) ?? []).filter(({ written }) => written <= time.getTime());
    if (inView.at(-1)?.body === undefined && ignoresMarkers !== true) return undefined;
    const versions = inView.filter(({ body }) => body !== undefined);
    const ties = versions.filter(({ written }) => written === versions[0]?.written);
    return ties.find(({ versionId }) => versionId === knownVersion?.(key)) ?? ties[0];
  }
}

async function listed(store: ObjectStore, prefix = ''): Promise<readonly (readonly [key: string, versionId: string | null])[]> {
  const found: (readonly [string, string | null])[] = [];
  for await (const page of store.list(prefix)) {
    assert.ok(page.length > 0);
    for (const { key, versionId } of page) found.push([key, versionId]);
  }
  return found;
}

async function listedVersions(store: ObjectStore, prefix = ''): Promise<readonly ListedVersion[]> {
  const found: ListedVersion[] = [];
  for await (const page of store.versions?.list(prefix) ?? []) found.push(...page);
  return found;
}

async function text(store: ObjectStore, key: string, versionId?: string): Promise<string | undefined> {
  const found = await store.get(key, versionId === undefined ? {} : { versionId });
  return found === undefined ? undefined : Buffer.from(found.body).toString('utf8');
}

/** The store, whose dates move when a lock is extended. */
function movingDates(store: VersionedStore, moved: ReadonlyMap<string, Date>): VersionedStore {
  const dated = <Facts extends { readonly versionId: string | null; readonly lastModified: Date }>(facts: Facts): Facts => ({
    ...facts,
    lastModified: moved.get(facts.versionId ?? '') ?? facts.lastModified,
  });
  return {
    storeId: store.storeId,
    capabilities: store.capabilities,
    put: (key, body, options) => store.put(key, body, options),
    head: async (key, options) => {
      const facts = await store.head(key, options);
      return facts === undefined ? undefined : dated(facts);
    },
    get: async (key, options) => {
      const body = await store.get(key, options);
      return body === undefined ? undefined : dated(body);
    },
    list: (prefix, options) => store.list(prefix, options),
    delete: (key, versionId, options) => store.delete(key, versionId, options),
    versions: {
      list: async function* (prefix, options) {
        for await (const page of store.versions.list(prefix, options)) yield page.map(dated);
      },
      lockOf: (key, versionId, options) => store.versions.lockOf(key, versionId, options),
      extend: (key, versionId, lock, options) => store.versions.extend(key, versionId, lock, options),
      time: (options) => store.versions.time(options),
    },
  };
}

describe('a location as it was at a time', () => {
  it('X8 R1 R2: shows of any history what a model says, whatever the length of pages', async () => {
    const moment = fc.oneof(
      fc.integer({ min: -500, max: 40_000 }),
      fc.integer({ min: 0, max: 20 }).map((seconds) => seconds * 1000),
    );
    const options = fc.record({ ignoresMarkers: fc.boolean(), knows: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        events,
        moment,
        options,
        fc.integer({ min: 1, max: 6 }),
        async (history, offset, { ignoresMarkers, knows }, page) => {
          const model = new Model(page);
          for (const event of history) model.apply(event);
          const time = new Date(start + offset);
          const view = { ignoresMarkers, ...(knows ? { knownVersion: (key: string): string | undefined => model.known.get(key) } : {}) };
          const past = atTime(openBucketStore(model.bucket).store, time, view);
          const served = keys.map((key) => [key, model.servedAt(key, time, view)] as const);
          const there = served.flatMap(([key, entry]) => (entry === undefined ? [] : [[key, entry.versionId] as const]));
          assert.deepEqual(await listed(past), there);
          assert.deepEqual(
            await listed(past, 'i/a'),
            there.filter(([key]) => key.startsWith('i/a')),
          );
          for (const [key, entry] of served) {
            assert.equal(await text(past, key), entry?.body, key);
            const facts = await past.head(key);
            assert.deepEqual([facts?.versionId, facts?.size], [entry?.versionId, entry?.body?.length]);
          }
          for (const [key, entries] of model.histories) {
            for (const { versionId, body, written } of entries) {
              assert.equal(await text(past, key, versionId), written <= time.getTime() ? body : undefined);
            }
          }
        },
      ),
      { numRuns: 120 },
    );
  });

  it('lists the versions and markers of then, with what was the newest of each key', async () => {
    const bucket = new MemoryBucket({ pageLength: 2 });
    const { store } = openBucketStore(bucket);
    const first = versionIdOf(bucket.put('i/a', bytes('one')));
    bucket.pass(10_000);
    const marker = bucket.putDeleteMarker('i/a');
    assert.ok(marker !== undefined);
    bucket.pass(10_000);
    bucket.put('i/a', bytes('three'));
    bucket.put('i/b', bytes('four'));
    const seen = async (options?: PointInTimeOptions): Promise<readonly (readonly [string, boolean, boolean])[]> =>
      (await listedVersions(atTime(store, at(15), options))).map((entry) => [entry.versionId, entry.isDeleteMarker, entry.isLatest]);
    assert.deepEqual(await seen(), [
      [versionIdOf(marker), true, true],
      [first, false, false],
    ]);
    assert.deepEqual(await seen({ ignoresMarkers: true }), [[first, false, true]]);
  });

  it('R1 R2 R5: is what it was before an attack on everything', async () => {
    const bucket = new MemoryBucket({ pageLength: 7 });
    const { store } = openBucketStore(bucket);
    const lock = { mode: 'compliance', until: at(86_400) } as const;
    for (let number = 0; number < 20; number += 1) await store.put(`i/${number}`, bytes(`object ${number}`), { lock });
    const before = await listed(store);
    bucket.pass(60_000);
    const hand = new AttackersHand(bucket);
    hand.overwriteAll();
    hand.hideAll();
    hand.encryptAllInPlace();
    hand.deleteAllVersions();
    hand.plantStrangers(5);
    const past = atTime(store, at(30));
    assert.deepEqual(await listed(past), before);
    for (const [key] of before) assert.equal(await text(past, key), `object ${key.slice(2)}`);
  });

  it('reads of one key list that key alone', async () => {
    const bucket = new MemoryBucket({ pageLength: 3 });
    const { store } = openBucketStore(bucket);
    for (const key of keys) bucket.put(key, bytes(key));
    for (let number = 0; number < 20; number += 1) bucket.put(`i/a/${number}`, bytes('more'));
    const asked: string[] = [];
    bucket.beforeCall = (verb, key) => {
      if (verb === 'ListObjectVersions') asked.push(key);
    };
    const past = atTime(store, at(1));
    assert.equal(await text(past, 'i/a'), 'i/a');
    assert.deepEqual(asked, ['i/a']);
    asked.length = 0;
    const [, versionId] = (await listed(past, 'j/'))[0] ?? [];
    asked.length = 0;
    assert.equal(await text(past, 'j/a', versionId ?? ''), 'j/a');
    assert.deepEqual(asked, []);
  });

  it('gives parts of objects, into the buffer that it was handed', async () => {
    const bucket = new MemoryBucket();
    const { store } = openBucketStore(bucket);
    bucket.put('i/a', bytes('0123456789'));
    bucket.pass(5000);
    bucket.put('i/a', bytes('abcdefghij'));
    const into = new Uint8Array(8);
    const found = await atTime(store, at(9)).get('i/a', { offset: 3, length: 4, into });
    assert.equal(Buffer.from(found?.body ?? []).toString('utf8'), '3456');
    assert.equal(found?.body.buffer, into.buffer);
  });

  it('lists all but the marker of the location, which can be read', async () => {
    const bucket = new MemoryBucket();
    for (const key of ['holdfast-store', 'i/a']) bucket.put(key, bytes(key));
    const past = atTime(openBucketStore(bucket).store, at(1));
    assert.deepEqual(
      (await listed(past)).map(([key]) => key),
      ['i/a'],
    );
    assert.equal(await text(past, 'holdfast-store'), 'holdfast-store');
  });

  it('believes the order of the store where its clock was set back', async () => {
    const bucket = new MemoryBucket();
    const { store } = openBucketStore(bucket);
    bucket.pass(100_000);
    const ours = versionIdOf(bucket.put('i/a', bytes('ours')));
    bucket.pass(-60_000);
    bucket.put('i/a', bytes('theirs'));
    const past = atTime(store, at(50));
    assert.deepEqual(await listed(past), [['i/a', ours]]);
    assert.equal(await text(past, 'i/a'), 'ours');
    assert.equal(await text(past, 'i/a', ours), 'ours');
    assert.equal(await text(atTime(store, at(30)), 'i/a'), undefined);
  });

  it('X8: finds what was there on a store that gives a version a new date with each extension, but no restore point that is named later', async () => {
    const bucket = new MemoryBucket();
    const { store } = openBucketStore(bucket);
    const id = '0'.repeat(31);
    const point = (number: number, time: string): string =>
      `i/policies/p/restore-points/${String(number).padStart(16, '0')}-${time}-${id}1`;
    const names = ['i/policies/p/packs/00/a', point(1, '20260101t000005z'), point(2, '20260101t000055z')];
    const moved = new Map<string, Date>();
    for (const name of names) moved.set(versionIdOf(bucket.put(name, bytes(name))), at(600));
    bucket.pass(60_000);
    new AttackersHand(bucket).overwriteAll();
    const extended = movingDates(store, moved);
    const past = atTime(extended, at(20), { datesMove: true });
    assert.deepEqual(
      (await listed(past)).map(([key]) => key),
      names.slice(0, 2),
    );
    for (const [key, versionId] of await listed(past)) {
      assert.equal(await text(past, key), key);
      assert.equal(await text(past, key, versionId ?? ''), key);
    }
    assert.equal(await past.head(names[2] ?? ''), undefined);
    assert.deepEqual(
      (await listedVersions(past)).map(({ key, isLatest }) => [key, isLatest]),
      names.slice(0, 2).map((key) => [key, true]),
    );
    assert.deepEqual(await listed(atTime(extended, at(20))), []);
    // By the ledger it is known better, also what was not there.
    const knownDate = (key: string, versionId: string): Date | undefined =>
      moved.has(versionId) ? at(key === names[0] ? 5 : 25) : undefined;
    const known = atTime(extended, at(20), { knownDate });
    assert.deepEqual(
      (await listed(known)).map(([key]) => key),
      names.slice(0, 1),
    );
    for (const [key, versionId] of await listed(extended)) {
      assert.equal(await text(known, key, versionId ?? ''), key === names[0] ? key : undefined);
    }
  });

  it('cannot be written to', async () => {
    const bucket = new MemoryBucket();
    const { store } = openBucketStore(bucket);
    const versionId = versionIdOf(bucket.put('i/a', bytes('one')));
    const past = atTime(store, at(1));
    const lock = { mode: 'compliance', until: at(86_400) } as const;
    await assert.rejects(past.put('i/b', bytes('two')), isReadOnly);
    await assert.rejects(past.delete('i/a', versionId), isReadOnly);
    await assert.rejects(past.versions?.extend('i/a', versionId, lock) ?? Promise.resolve(), isReadOnly);
    assert.equal('sweepTemporaries' in past, false);
    assert.equal(bucket.versionCount, 1);
    assert.deepEqual(await past.versions?.time(), at(0));
    assert.equal(await past.versions?.lockOf('i/a', versionId), null);
  });

  it('refuses a store without versions, and what is no time', () => {
    assert.throws(
      () => atTime(new MemoryStore(), at(1)),
      (error) => HoldfastError.is(error, 'refusedByRule'),
    );
    const { store } = openBucketStore(new MemoryBucket());
    assert.throws(
      () => atTime(store, new Date(Number.NaN)),
      (error) => HoldfastError.is(error, 'badValue'),
    );
  });

  it('can be cancelled', async () => {
    const bucket = new MemoryBucket();
    bucket.put('i/a', bytes('one'));
    const past = atTime(openBucketStore(bucket).store, at(1));
    const signal = AbortSignal.abort();
    await assert.rejects(past.head('i/a', { signal }), (error) => HoldfastError.is(error, 'cancelled'));
  });
});
