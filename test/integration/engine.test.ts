import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineProgress } from '../../daemon/engine/jobs.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { EngineBench } from '../support/engineBench.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { makeSampleTree } from '../support/sampleTree.ts';

describe('backup and restore', () => {
  it('give back what a file system can hold: names, modes, owners, times, links and holes', async () => {
    using bench = new EngineBench();
    const sample = makeSampleTree(bench.source, { seed: testSeed() });
    const result = await bench.backup();
    const unreadable = sample.unreadable.map((name) => `${bench.source}/${name}`);
    assert.deepEqual([result.skipped.map(({ path }) => path), result.warnings], [unreadable, []]);
    assert.equal(result.statistics.files, sample.entries);
    const target = bench.target();
    const restored = await bench.restore(target);
    assert.deepEqual([restored.skipped, restored.damaged, restored.warnings], [[], [], []]);
    const leaveOut = (path: Buffer): boolean => sample.unreadable.includes(path.toString());
    assert.deepEqual(compareTrees(bench.source, target, { leaveOut }).differences, []);
  });

  it('tell how much of a restore is done: at its end all of what was planned, whatever it is made of', async () => {
    using bench = new EngineBench();
    makeSampleTree(bench.source, { seed: testSeed() });
    writeFileSync(join(bench.source, 'of many parts'), randomBytes(24 * 1024 * 1024));
    const { statistics } = await bench.backup();
    const progress: EngineProgress[] = [];
    const expected = { files: statistics.files, bytes: statistics.bytes };
    const restored = await bench.restore(bench.target(), { expected, onProgress: (now) => progress.push(now) });
    const last = progress.at(-1);
    assert.ok(last !== undefined && last.totalFiles !== undefined);
    assert.deepEqual([last.files, last.bytes], [last.totalFiles, last.totalBytes]);
    assert.equal(last.files, restored.files);
  });
});
