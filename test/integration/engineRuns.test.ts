import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupStoppedError } from '../../daemon/engine/backup/stoppedError.ts';
import { packKey } from '../../daemon/repository/names.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { SourceId } from '../../protocol/ids.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { CountingStore } from '../support/countingStore.ts';
import { EngineBench } from '../support/engineBench.ts';
import { newId } from '../support/ids.ts';
import { MemoryStore } from '../support/memoryStore.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { makeSampleTree } from '../support/sampleTree.ts';

const rootOf = (bench: EngineBench, at: number): string => Buffer.from(bench.results.at(at)?.roots[0]?.root ?? []).toString('hex');

const refuse = async (): Promise<never> => {
  throw new Error('a dry run has no business here');
};
const sizeOf = (store: MemoryStore, key: string): number => store.objects.get(key)?.at(-1)?.body?.length ?? 0;

describe('runs after runs', () => {
  it('give the same trees for the same files, with the cache, without it and when all is read again', async () => {
    using bench = new EngineBench();
    makeSampleTree(bench.source, { seed: testSeed(), bigBytes: 300_000 });
    const first = await bench.backup();
    // Files that were changed a moment ago are read again once more: file systems stamp times coarsely.
    const second = await bench.backup();
    assert.equal(second.statistics.newFiles + second.statistics.changedFiles + second.statistics.unchangedFiles > 0, true);
    rmSync(join(bench.root, 'cache'), { recursive: true });
    const third = await bench.backup();
    assert.equal(third.statistics.unchangedFiles, 0);
    const fourth = await bench.backup({ readAllAgain: true });
    assert.deepEqual([fourth.statistics.unchangedFiles, fourth.statistics.readBytes], [0, first.statistics.readBytes]);
    for (const at of [1, 2, 3]) assert.equal(rootOf(bench, at), rootOf(bench, 0));
    assert.equal(fourth.statistics.storedBytes, 0, 'everything was stored already');
    for (const result of bench.results) {
      const target = bench.target();
      await bench.restore(target, {}, result);
      assert.deepEqual(compareTrees(bench.source, target).differences, []);
    }
  });

  it('store a copy of a file, a moved file and an appended one without storing what is known', async () => {
    using bench = new EngineBench();
    const random = new SeededRandom(testSeed());
    const big = random.bytes(6 * 2 ** 20);
    writeFileSync(join(bench.source, 'big'), big);
    const first = await bench.backup();
    assert.equal(first.statistics.storedBytes > big.length, true);
    writeFileSync(join(bench.source, 'copy'), big);
    rmSync(join(bench.source, 'big'));
    writeFileSync(join(bench.source, 'moved'), Buffer.concat([big, random.bytes(1000)]));
    writeFileSync(join(bench.source, 'prepended'), Buffer.concat([random.bytes(1000), big]));
    const { statistics } = await bench.backup();
    assert.equal(statistics.dedupBytes > 2.2 * big.length, true, `${statistics.dedupBytes}`);
    assert.equal(statistics.storedBytes < big.length, true, 'the first and the last chunk of a file change');
  });

  it('of a policy of several sources keep each by itself, and go on where one is not there', async () => {
    using bench = new EngineBench();
    writeFileSync(join(bench.source, 'in the folder'), 'a');
    writeFileSync(join(bench.root, 'single file'), 'b');
    const single = { ...bench.sourceOf(), id: newId<SourceId>(), path: join(bench.root, 'single file') };
    const gone = { ...bench.sourceOf(), id: newId<SourceId>(), path: join(bench.root, 'nowhere') };
    const result = await bench.backup({ sources: [bench.sourceOf(), single, gone] });
    assert.equal(result.hasWarnings, true);
    assert.deepEqual(
      result.skipped.map(({ path, special }) => [path, special]),
      [[gone.path, false]],
    );
    const targets = [bench.target(), bench.target()];
    const restored = await bench.restore('', {
      targets: result.roots.map(({ sourceId }, index) => ({ sourceId, folder: targets[index] ?? '' })),
    });
    assert.equal(restored.files, 2);
    assert.deepEqual(
      targets.map((target) => readdirSync(target)),
      [['in the folder'], ['single file']],
    );
  });

  it('without any source that is there end with an error and no restore point', async () => {
    const store = new MemoryStore();
    using bench = new EngineBench(store);
    const error = await bench.failingBackup({}, { path: join(bench.root, 'nowhere') });
    assert.equal(error.code, 'sourceMissing');
    assert.deepEqual(store.keys(), []);
  });
});

describe('a dry run', () => {
  it('reads and counts, and leaves store, ledger, gate and cache alone', async () => {
    const store = new CountingStore(new MemoryStore());
    using bench = new EngineBench(store);
    makeSampleTree(bench.source, { seed: testSeed(), bigBytes: 300_000 });
    const dry = await bench.backup({ dryRun: true, ledger: { uploading: refuse, uploaded: refuse, hits: refuse }, gate: refuse });
    assert.equal(store.calls.length, 0);
    assert.equal(existsSync(bench.cacheFile), false);
    assert.equal(dry.statistics.addedBytes > 300_000, true, 'it says what would be put');
    bench.results.length = 0;
    bench.parentIndexes = [];
    bench.nextIndexSequence = 1;
    const real = await bench.backup();
    assert.deepEqual({ ...dry.statistics, storedBytes: 0, addedBytes: 0 }, { ...real.statistics, storedBytes: 0, addedBytes: 0 });
    const puts = store.count('put');
    const again = await bench.backup({ dryRun: true, ledger: { uploading: refuse, uploaded: refuse, hits: refuse }, gate: refuse });
    assert.equal(store.count('put'), puts);
    assert.equal(again.statistics.storedBytes, 0, 'all of it is stored already');
  });
});

describe('packs that are gone', () => {
  it('S9: stop a run with their names, and what they held is stored again by the next, once and for all', async () => {
    const store = new MemoryStore();
    using bench = new EngineBench(store);
    const random = new SeededRandom(testSeed());
    writeFileSync(join(bench.source, 'one'), random.bytes(400_000));
    await bench.backup();
    const [lost] = store
      .keys()
      .filter((key) => key.includes('/packs/'))
      .toSorted((a, b) => sizeOf(store, b) - sizeOf(store, a));
    assert.ok(lost !== undefined);
    await store.delete(lost, null);
    writeFileSync(join(bench.source, 'two'), random.bytes(400_000));
    const error = await bench.failingBackup();
    assert.deepEqual([error.code, error.details], ['objectMissing', { packs: [lost.slice(-32)] }]);
    assert.ok(error instanceof BackupStoppedError);
    assert.equal(error.remains.indexes.length, 1, 'the pack that was put is named for the next run');
    const unusablePacks = [Buffer.from(lost.slice(-32), 'hex')];
    const next = await bench.backup({ unusablePacks });
    assert.equal(next.statistics.storedBytes < 600_000, true, 'what the stopped run put is not put again');
    const target = bench.target();
    assert.deepEqual((await bench.restore(target)).damaged, []);
    assert.deepEqual(compareTrees(bench.source, target).differences, []);
    // From now on the newer copy is relied on, with nobody naming the pack.
    const after = await bench.backup();
    assert.equal(after.statistics.storedBytes, 0);
    const last = bench.target();
    await bench.restore(last);
    assert.deepEqual(compareTrees(bench.source, last).differences, []);
  });

  it('S9: are told to the ledger before they are relied on, and a ledger that refuses stops the run before the manifest', async () => {
    const store = new MemoryStore();
    using bench = new EngineBench(store);
    writeFileSync(join(bench.source, 'one'), new SeededRandom(1).bytes(100_000));
    await bench.backup();
    const packs = store.keys().filter((key) => key.includes('/packs/'));
    const heard: string[] = [];
    const refusing = {
      uploading: async (): Promise<void> => undefined,
      uploaded: async (): Promise<void> => undefined,
      hits: async (hit: readonly Uint8Array[]): Promise<void> => {
        heard.push(...hit.map((id) => packKey(bench.keys.installationId, bench.keys.policyId, id)));
        throw new HoldfastError('objectMissing', 'Failed to rely on a pack.', { details: { packs: ['x'] } });
      },
    };
    const error = await bench.failingBackup({ ledger: refusing });
    assert.deepEqual([error.code, error.details], ['objectMissing', { packs: ['x'] }]);
    // They are told as they are found: a tick between two of them has the first refused before the second is told.
    assert.ok(heard.length > 0 && heard.every((key) => packs.includes(key)), heard.join(' '));
    assert.equal(store.keys().filter((key) => key.includes('/restore-points/')).length, 1);
  });
});

describe('indexes', () => {
  it('are merged once many small ones have come together, and every restore point stays readable', async function () {
    this.timeout(60_000);
    using bench = new EngineBench();
    const random = new SeededRandom(testSeed());
    const counts: number[] = [];
    for (let run = 0; run < 36; run += 1) {
      writeFileSync(join(bench.source, `file ${run}`), random.bytes(2000));
      counts.push((await bench.backup()).indexes.length);
    }
    assert.equal(Math.max(...counts), 32);
    assert.equal(counts[32], 1, 'the 33rd run pins one merged index');
    assert.deepEqual(counts.slice(33), [2, 3, 4]);
    for (const at of [0, 31, 32, 35]) {
      const restored = await bench.restore(bench.target(), {}, bench.results[at]);
      assert.deepEqual([restored.files, restored.damaged], [at + 1, []]);
    }
    const sequences = bench.results.flatMap(({ indexes }) => indexes.map(({ key }) => key.split('/').at(-1)?.slice(0, 16)));
    assert.equal(new Set(sequences).size, new Set(bench.results.flatMap(({ indexes }) => indexes.map(({ key }) => key))).size);
  });

  it('that are damaged or missing are named, and what they named is stored again', async () => {
    const store = new MemoryStore();
    using bench = new EngineBench(store);
    const random = new SeededRandom(testSeed());
    writeFileSync(join(bench.source, 'one'), random.bytes(200_000));
    await bench.backup();
    for (const change of [
      (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, Buffer.alloc(1)]),
      (bytes: Uint8Array): Uint8Array => bytes.subarray(0, 1000),
      (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 5000 ? byte ^ 1 : byte)),
    ]) {
      const indexes = store.keys().filter((key) => key.includes('/indexes/'));
      for (const key of indexes) store.damage(key, change);
      const result = await bench.backup();
      assert.match(result.warnings.join('\n'), /index .*stored again/i);
      assert.equal(result.indexes.length, 1, 'the damaged ones are not pinned again');
      const target = bench.target();
      assert.deepEqual((await bench.restore(target)).damaged, []);
      assert.deepEqual(compareTrees(bench.source, target).differences, []);
    }
  });
});

describe('restore points above 256', () => {
  it('list the others in a chunk of their own', async () => {
    using bench = new EngineBench();
    writeFileSync(join(bench.source, 'one'), 'x');
    const live = Array.from({ length: 300 }, (_, index) => ({
      sequence: index + 1,
      objectId: Buffer.alloc(16, index & 0xff),
      versionId: null,
      sha256: Buffer.alloc(32, index & 0xff),
    }));
    const previous = Buffer.alloc(32, 1);
    await bench.backup({ live, sequence: 301, previous });
    const manifest = await bench.manifest();
    assert.ok('count' in manifest.live);
    assert.equal(manifest.live.count, 300);
    const restored = await bench.restore(bench.target());
    assert.deepEqual([restored.files, restored.damaged], [1, []]);
  });
});
