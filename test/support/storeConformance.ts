import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ListedObject, ObjectStore } from '../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../protocol/errors.ts';

/** A store for one test, and how to get rid of it. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  readonly dispose: () => Promise<void>;
}

async function listed(store: ObjectStore, prefix: string): Promise<readonly ListedObject[]> {
  const all: ListedObject[] = [];
  for await (const page of store.list(prefix)) all.push(...page);
  return all;
}

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && error.code === code;

/** What every kind of store must do: one suite, run on each of them. */
export function describeStore(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`object store: ${name}`, () => {
    let current: StoreUnderTest;
    let store: ObjectStore;

    beforeEach(async () => {
      current = await make();
      store = current.store;
    });

    afterEach(() => current.dispose());

    it('gives back the bytes that were put, whole and in parts', async () => {
      const body = randomBytes(300_001);
      await store.put('a/packs/00/one', body);
      const whole = await store.get('a/packs/00/one');
      assert.deepEqual(Buffer.from(whole?.body ?? []), body);
      assert.equal(whole?.size, body.length);
      const part = await store.get('a/packs/00/one', { offset: 131_072, length: 70_000 });
      assert.deepEqual(Buffer.from(part?.body ?? []), body.subarray(131_072, 201_072));
      assert.deepEqual([part?.offset, part?.size], [131_072, body.length]);
    });

    it('gives fewer bytes where a range reaches beyond the end', async () => {
      await store.put('a/one', randomBytes(100));
      assert.equal((await store.get('a/one', { offset: 90, length: 50 }))?.body.length, 10);
      assert.equal((await store.get('a/one', { offset: 100, length: 1 }))?.body.length, 0);
      assert.equal((await store.get('a/one', { offset: 500 }))?.body.length, 0);
    });

    it('fills a given buffer, one over shared memory too, and answers with a view of it', async () => {
      const body = randomBytes(5000);
      const shared = new Uint8Array(new SharedArrayBuffer(9000));
      shared.set(body, 4000);
      await store.put('a/one', shared.subarray(4000));
      const into = new Uint8Array(new SharedArrayBuffer(6000));
      const found = await store.get('a/one', { offset: 1000, length: 2000, into: into.subarray(500) });
      assert.equal(found?.body.buffer, into.buffer);
      assert.deepEqual(Buffer.from(into.subarray(500, 2500)), body.subarray(1000, 3000));
    });

    it('refuses a buffer that is too small instead of cutting the object', async () => {
      await store.put('a/one', randomBytes(100));
      await assert.rejects(store.get('a/one', { into: new Uint8Array(99) }), withCode('badValue'));
    });

    it('refuses a second object of the same name and keeps the first', async () => {
      await store.put('a/one', Buffer.from('first'));
      await assert.rejects(store.put('a/one', Buffer.from('second')), withCode('objectExists'));
      assert.equal(Buffer.from((await store.get('a/one'))?.body ?? []).toString(), 'first');
    });

    it('lets exactly one of several puts of one name at the same time win', async () => {
      const bodies = Array.from({ length: 8 }, (_, index) => Buffer.alloc(10_000, index + 1));
      const results = await Promise.allSettled(bodies.map((body) => store.put('a/raced', body)));
      const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
      assert.equal(winners.length, 1);
      for (const result of results) if (result.status === 'rejected') assert.ok(withCode('objectExists')(result.reason));
      assert.deepEqual(Buffer.from((await store.get('a/raced'))?.body ?? []), bodies[winners[0] ?? -1]);
    });

    it('answers undefined for what is not there, and forgets what was deleted', async () => {
      assert.equal(await store.head('a/none'), undefined);
      assert.equal(await store.get('a/none'), undefined);
      assert.equal(await store.get('a/none/deeper'), undefined);
      const put = await store.put('a/one', Buffer.from('x'));
      assert.equal((await store.head('a/one'))?.size, 1);
      await store.delete('a/one', put.versionId);
      await store.delete('a/one', put.versionId);
      await store.delete('a/never/was', put.versionId);
      assert.equal(await store.head('a/one'), undefined);
      assert.deepEqual(await listed(store, ''), []);
    });

    it('lists in the order of the keys, by prefix, with sizes', async () => {
      const keys = ['a-b/z', 'a/b-c/1', 'a/b/1', 'a/b/2', 'a/b0', 'a/c', 'a-b-c', 'b/1', '0/9'];
      await Promise.all(keys.map((key, index) => store.put(key, Buffer.alloc(index + 1, 1))));
      assert.deepEqual(
        (await listed(store, '')).map((object) => object.key),
        keys.toSorted(),
      );
      assert.deepEqual(
        (await listed(store, 'a/b')).map(({ key, size }) => [key, size]),
        [
          ['a/b-c/1', 2],
          ['a/b/1', 3],
          ['a/b/2', 4],
          ['a/b0', 5],
        ],
      );
      assert.deepEqual(
        (await listed(store, 'a/b/')).map((object) => object.key),
        ['a/b/1', 'a/b/2'],
      );
      assert.deepEqual(await listed(store, 'nothing/here'), []);
    });

    it('M6: refuses keys that could lead elsewhere', async () => {
      const bad = [
        '',
        '/',
        '/a',
        'a/',
        'a//b',
        '..',
        'a/../b',
        './a',
        'A',
        'a\\b',
        'a\0b',
        'a b',
        '.tmp-1',
        'a/.hidden',
        'ä',
        'x'.repeat(256),
        'a/'.repeat(600) + 'a',
      ];
      for (const key of bad) {
        await assert.rejects(store.put(key, Buffer.from('x')), withCode('badValue'), key);
        await assert.rejects(store.get(key), withCode('badValue'), key);
        await assert.rejects(store.head(key), withCode('badValue'), key);
        await assert.rejects(store.delete(key, null), withCode('badValue'), key);
      }
      await assert.rejects(listed(store, '../'), withCode('badValue'));
      await assert.rejects(store.put('a/empty', new Uint8Array(0)), withCode('badValue'));
    });

    it('ends at once, with nothing done, once the signal is aborted', async () => {
      const kept = await store.put('a/kept', Buffer.from('x'));
      const signal = AbortSignal.abort();
      await assert.rejects(store.put('a/one', Buffer.from('x'), { signal }), withCode('cancelled'));
      await assert.rejects(store.get('a/kept', { signal }), withCode('cancelled'));
      await assert.rejects(store.head('a/kept', { signal }), withCode('cancelled'));
      await assert.rejects(store.delete('a/kept', kept.versionId, { signal }), withCode('cancelled'));
      await assert.rejects(async () => {
        for await (const _ of store.list('', { signal })) assert.fail('a page came');
      }, withCode('cancelled'));
      assert.deepEqual(
        (await listed(store, '')).map((object) => object.key),
        ['a/kept'],
      );
    });
  });
}
