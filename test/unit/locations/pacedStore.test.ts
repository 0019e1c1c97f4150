import assert from 'node:assert/strict';
import { type PaceClock, pacedStore, UploadPace } from '../../../daemon/locations/pacedStore.ts';
import { openBucketStore } from '../../support/bucket/bucketStore.ts';
import { MemoryBucket } from '../../support/bucket/memoryBucket.ts';
import { MemoryStore } from '../../support/memoryStore.ts';

class Clock implements PaceClock {
  time = 0;
  readonly slept: number[] = [];
  /** Aborts the wait of this number. */
  onSleep: (signal: AbortSignal | undefined) => void = () => undefined;

  now(): number {
    return this.time;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    this.onSleep(signal);
    signal?.throwIfAborted();
    this.slept.push(Math.round(milliseconds));
    this.time += milliseconds;
  }
}

const body = (bytes: number): Uint8Array => new Uint8Array(bytes);

describe('paced store', () => {
  it('puts objects no faster than its pace, and shares that among all who put', async () => {
    const clock = new Clock();
    const pace = new UploadPace(1000, clock);
    const stores = [new MemoryStore(), new MemoryStore()].map((store) => ({ store, paced: pacedStore(store, pace) }));
    let at = 0;
    for (const { paced } of [...stores, ...stores]) await paced.put(`a/${(at += 1)}`, body(500));
    assert.deepEqual(clock.slept, [500, 500, 500]);
    for (const { store } of stores) assert.equal(store.objects.size, 2);
  });

  it('reads, lists and deletes at once', async () => {
    const clock = new Clock();
    const paced = pacedStore(new MemoryStore(), new UploadPace(1, clock));
    await paced.put('a/1', body(100));
    assert.equal((await paced.head('a/1'))?.size, 100);
    assert.equal((await paced.get('a/1'))?.body.length, 100);
    const keys: string[] = [];
    for await (const page of paced.list('a/')) keys.push(...page.map(({ key }) => key));
    assert.deepEqual(keys, ['a/1']);
    await paced.delete('a/1', null);
    assert.equal(await paced.head('a/1'), undefined);
    assert.deepEqual(clock.slept, []);
  });

  it('has the versions of the store that it paces, and none where that has none', () => {
    const { store } = openBucketStore(new MemoryBucket());
    const pace = new UploadPace(1, new Clock());
    assert.equal(pacedStore(store, pace).versions, store.versions);
    assert.equal('versions' in pacedStore(new MemoryStore(), pace), false);
  });

  it('puts nothing where it is cancelled while it waits, and what was cancelled holds up nobody', async () => {
    const clock = new Clock();
    const store = new MemoryStore();
    const paced = pacedStore(store, new UploadPace(1000, clock));
    await paced.put('a/1', body(1000));
    const controller = new AbortController();
    clock.onSleep = (signal) => {
      if (signal !== undefined) controller.abort();
    };
    await assert.rejects(() => paced.put('a/2', body(1_000_000), { signal: controller.signal }), { code: 'cancelled' });
    assert.deepEqual([...store.objects.keys()], ['a/1']);
    await paced.put('a/3', body(1));
    assert.deepEqual(clock.slept, [1000]);
  });

  it('sweeps where its store does', async () => {
    const swept: string[] = [];
    const sweeping = Object.assign(new MemoryStore(), {
      sweepTemporaries: async (prefix: string) => {
        swept.push(prefix);
        return 3;
      },
    });
    const pace = new UploadPace(1, new Clock());
    assert.equal(await pacedStore(sweeping, pace).sweepTemporaries?.('a'), 3);
    assert.deepEqual(swept, ['a']);
    assert.equal('sweepTemporaries' in pacedStore(new MemoryStore(), pace), false);
  });
});
