import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import { CountingStore } from '../../support/countingStore.ts';
import { type Effect, FaultyStore } from '../../support/faultyStore.ts';
import { MemoryStore } from '../../support/memoryStore.ts';

const body = Buffer.alloc(1000, 7);
const isFailure = (error: unknown): boolean => HoldfastError.is(error, 'storeFailed');

describe('store with faults', () => {
  it('fails exactly the call that it was told to, before anything is done', async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner, [{ verb: 'put', atCall: 2, effect: 'fail' }]);
    await store.put('a/1', body);
    await assert.rejects(store.put('a/2', body), isFailure);
    await store.put('a/3', body);
    assert.deepEqual(inner.keys(), ['a/1', 'a/3']);
    assert.equal(store.hits, 1);
  });

  it('loses the answer of a put that was done', async () => {
    const inner = new MemoryStore();
    const store = new FaultyStore(inner, [{ verb: 'put', effect: 'lostAnswer' }]);
    await assert.rejects(store.put('a/1', body), isFailure);
    assert.deepEqual(inner.keys(), ['a/1']);
  });

  for (const effect of ['truncated', 'flipped', 'longer', 'otherBytes'] satisfies readonly Effect[]) {
    it(`answers a read with ${effect} bytes and keeps what is stored`, async () => {
      const inner = new MemoryStore();
      await inner.put('a/1', body);
      const found = await new FaultyStore(inner, [{ verb: 'get', effect }], 7).get('a/1');
      assert.notDeepEqual(Buffer.from(found?.body ?? body), body);
      assert.deepEqual(Buffer.from((await inner.get('a/1'))?.body ?? []), body);
    });
  }

  it('throws its dice alike for the same seed', async () => {
    const run = async (seed: number): Promise<string> => {
      const store = new FaultyStore(new MemoryStore(), [{ probability: 0.3, effect: 'fail' }], seed);
      const outcomes = await Promise.allSettled(Array.from({ length: 64 }, (_, index) => store.put(`a/${index}`, body)));
      return outcomes.map(({ status }) => status[0]).join('');
    };
    const first = await run(5);
    assert.equal(await run(5), first);
    assert.notEqual(await run(6), first);
  });

  it('works again once it is healed, and counts what reaches the store', async () => {
    const counting = new CountingStore(new MemoryStore());
    const store = new FaultyStore(counting, [{ effect: 'fail' }]);
    await assert.rejects(store.put('a/1', body), isFailure);
    store.heal();
    await store.put('a/1', body);
    assert.deepEqual([counting.count('put'), counting.bytesOf('put')], [1, 1000]);
  });

  it('keeps versions under delete markers and gives them by their ids', async () => {
    const store = new MemoryStore({ versions: true });
    const { versionId } = await store.put('a/1', body);
    await store.delete('a/1', null);
    assert.equal(await store.get('a/1'), undefined);
    assert.equal((await store.get('a/1', { versionId }))?.size, 1000);
  });
});
