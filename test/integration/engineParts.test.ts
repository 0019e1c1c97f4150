import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DealtParts } from '../../daemon/locations/objectParts.ts';
import type { GetPartsOptions } from '../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { EngineBench, temporaryNames } from '../support/engineBench.ts';
import { MemoryStore } from '../support/memoryStore.ts';

/** Gives parts of objects as they follow one another, in small pieces, up to a point that a test sets. */
class DealingStore extends MemoryStore {
  /** Of each request for parts, how many there were. */
  readonly asked: number[] = [];
  /** What happens once so many bytes of a request have come. */
  breakOff: { readonly after: number; readonly how: () => 'there' | undefined } | undefined;

  async getParts(key: string, { size, parts, sink, versionId, signal }: GetPartsOptions): Promise<'there' | undefined> {
    this.asked.push(parts.length);
    const found = await this.get(key, versionId === undefined ? {} : { versionId });
    assert.equal(found?.size, size);
    const [first, last] = [parts[0], parts.at(-1)];
    if (found === undefined || first === undefined || last === undefined) return undefined;
    const dealt = new DealtParts(parts, 0, sink);
    const end = last.offset + last.length;
    for (let at = first.offset; at < end; at += 100_000) {
      if (this.breakOff !== undefined && at - first.offset >= this.breakOff.after) return this.breakOff.how();
      dealt.write(found.body.subarray(at, Math.min(end, at + 100_000)));
      await dealt.wait;
      signal?.throwIfAborted();
    }
    return 'there';
  }
}

/** Some files of many chunks and many of one, over several packs. */
function fill(folder: string): void {
  for (let number = 0; number < 4; number += 1) writeFileSync(join(folder, `large-${number}`), randomBytes(30_000_000));
  mkdirSync(join(folder, 'small'));
  for (let number = 0; number < 400; number += 1) writeFileSync(join(folder, 'small', `file-${number}`), randomBytes(1 + number * 40));
}

const refusal = (code: 'storeFailed' | 'damaged' | 'storeUnreachable') => (): never => {
  throw HoldfastError.failedTo(code, 'read an object', 'the test says so');
};

describe('a restore from a store that gives several ranges by one request', function () {
  this.timeout(60_000);
  let bench: EngineBench;
  let store: DealingStore;
  before(async () => {
    store = new DealingStore();
    bench = new EngineBench(store);
    fill(bench.source);
    await bench.backup();
  });
  after(() => bench[Symbol.dispose]());
  beforeEach(() => {
    store.asked.length = 0;
    store.breakOff = undefined;
  });

  async function restored(): Promise<void> {
    const target = bench.target();
    const { damaged, skipped } = await bench.restore(target);
    assert.deepEqual([damaged, skipped, compareTrees(bench.source, target).differences, temporaryNames(target)], [[], [], [], []]);
  }

  it('brings everything back by few requests, which wait for memory', async () => {
    await restored();
    assert.ok(store.asked.length > 0);
    assert.ok(
      store.asked.some((parts) => parts > 2),
      String(store.asked),
    );
  });

  for (const [title, how] of [
    ['S2: are cut off', refusal('storeFailed')],
    ['C5: are refused for the size of the object', refusal('damaged')],
    ['S6: find that the version is gone', (): undefined => undefined],
  ] as const) {
    it(`${title}: what has not come by them is read range by range`, async () => {
      for (const after of [0, 9_000_000]) {
        store.breakOff = { after, how };
        await restored();
      }
    });
  }

  it('S11: ends with what the store says where it is out of reach, and leaves nothing half-done', async () => {
    store.breakOff = { after: 9_000_000, how: refusal('storeUnreachable') };
    const target = bench.target();
    await assert.rejects(bench.restore(target), (error) => HoldfastError.is(error, 'storeUnreachable'));
    assert.deepEqual(temporaryNames(target), []);
  });
});
