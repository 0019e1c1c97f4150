import assert from 'node:assert/strict';
import { compareTrees } from '../support/compareTrees.ts';
import { EngineBench } from '../support/engineBench.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { makeSampleTree } from '../support/sampleTree.ts';

describe('backup and restore', () => {
  it('give back what a file system can hold: names, modes, owners, times, links and holes', async () => {
    using bench = new EngineBench();
    const sample = makeSampleTree(bench.source, { seed: testSeed() });
    const result = await bench.backup();
    assert.deepEqual([result.skipped, result.warnings], [[], []]);
    assert.equal(result.statistics.files, sample.entries);
    const target = bench.target();
    const restored = await bench.restore(target);
    assert.deepEqual([restored.skipped, restored.damaged, restored.warnings], [[], [], []]);
    assert.deepEqual(compareTrees(bench.source, target).differences, []);
  });
});
