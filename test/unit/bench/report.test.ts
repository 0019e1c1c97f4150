import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { median, type Sample, sectionNames, table, withResults } from '../../../bench/report.ts';

function sample(contestant: string, firstBackup: number, storedBytes: number): Sample {
  return { contestant, data: 'random', firstBackup, unchangedBackup: 0.5, restore: 2, storedBytes, peakBytes: 1e8 };
}

describe('the report of a benchmark', () => {
  it('takes the middle value, and the mean of the two in the middle of an even number', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([7]), 7);
    assert.throws(() => median([]), RangeError);
  });

  it('shows medians, and for peers how many times ours they are', () => {
    const samples = [
      sample('holdfast', 2, 2 ** 20),
      sample('holdfast', 4, 2 ** 20),
      sample('holdfast', 3, 2 ** 20),
      sample('restic', 9, 2 ** 21),
    ];
    const contestants = ['holdfast', 'restic', 'absent'].map((name) => ({ name, mode: '', version: '' }));
    const rows = table('random', { files: 4, bytes: 1e9 }, contestants, samples).split('\n').slice(4);
    assert.deepEqual(rows, [
      '| holdfast | 3.00 | 0.50 | 2.00 | 1 | 100 |',
      '| restic | 9.00 (3.00) | 0.50 (1.00) | 2.00 (1.00) | 2 (2.00) | 100 (1.00) |',
    ]);
  });

  it('replaces what stands between the marks of the page and nothing else', () => {
    const page = 'before\n<!-- results -->\nold\n<!-- end of results -->\nafter\n';
    assert.equal(withResults(page, 'results', 'new'), 'before\n<!-- results -->\nnew\n<!-- end of results -->\nafter\n');
    assert.throws(() => withResults(page, 'other results', 'new'), /lacks its marks/);
  });

  it('has a place on the page for each of its sections', () => {
    const page = readFileSync(path.join(import.meta.dirname, '..', '..', '..', 'docs', 'benchmarks.md'), 'utf8');
    for (const section of Object.values(sectionNames)) assert.match(withResults(page, section, 'new'), /\nnew\n/, section);
  });
});
