import assert from 'node:assert/strict';
import { RestoreReport } from '../../../../daemon/engine/restore/restoreReport.ts';

describe('the report of a restore', () => {
  it('names the first ten thousand of each kind, and counts all', () => {
    const report = new RestoreReport();
    for (let number = 0; number < 10_005; number += 1) {
      report.skip(`skipped ${number}`, 'why', true);
      report.damage(`damaged ${number}`, 'why');
    }
    assert.equal(report.findings().hasWarnings, false);
    for (let number = 0; number < 10_005; number += 1) report.warn(`warning ${number}`);
    const found = report.findings();
    for (const list of [found.skipped, found.damaged, found.warnings]) assert.equal(list.length, 10_000);
    assert.deepEqual([found.skippedCount, found.damagedCount, found.warningsCount], [10_005, 10_005, 10_005]);
    assert.deepEqual(found.damaged.at(-1), { path: 'damaged 9999', reason: 'why' });
    assert.equal(found.hasWarnings, true);
  });

  it('knows of an entry that needs a look also behind ten thousand that need none', () => {
    const report = new RestoreReport();
    for (let number = 0; number < 10_000; number += 1) report.skip('fifo', 'it is a FIFO', true);
    report.skip('file', 'something has its name already', false);
    assert.equal(report.findings().hasWarnings, true);
  });
});
