import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import type { Retention } from '../../../../protocol/methods/policies.ts';
import { PolicyBench } from '../../../support/policyBench.ts';

const none: Retention = { latest: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

function sequences(bench: PolicyBench): readonly number[] {
  return bench.catalog.restorePoints.live(bench.policies.resolve('files').policyId).map(({ sequence }) => sequence);
}

describe('retention service', () => {
  it('follows each run and retires what the rules do not keep, and nothing where there are none', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ keep: null });
    for (let run = 0; run < 3; run += 1) await bench.backUp('files');
    assert.deepEqual(sequences(bench), [1, 2, 3]);
    await bench.policies.edit({ policy: 'files', keep: { ...none, latest: 2 } });
    assert.deepEqual(sequences(bench), [1, 2, 3], 'a changed rule waits for the next run');
    await bench.backUp('files');
    assert.deepEqual(sequences(bench), [3, 4]);
    assert.equal(bench.events.filter((event) => event.startsWith('retired ')).length, 2);
  });

  it('F2: waits while a run is without one of its sources: older restore points may be the last that have it', async () => {
    using bench = await PolicyBench.ready();
    mkdirSync(bench.base.at('drive'));
    const sources = ['drive', 'source'].map((name) => ({ kind: 'folder', path: bench.base.at(name) }) as const);
    await bench.createPolicy({ sources, keep: { ...none, latest: 1 } });
    await bench.backUp('files');
    for (let run = 0; run < 3; run += 1) {
      const { error } = await bench.backUp('files', { isWithoutFirst: true });
      assert.deepEqual(error?.details?.['missingFolders'], [bench.base.at('drive')]);
    }
    assert.deepEqual(sequences(bench), [1, 2, 3, 4]);
    await bench.backUp('files', { warnings: ['a file changed while it was read'] });
    assert.deepEqual(sequences(bench), [5]);
  });

  it('shows beforehand what it would do, changes nothing by that, and does exactly that', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ keep: null });
    for (let run = 0; run < 4; run += 1) await bench.backUp('files');
    bench.points.setPinned(bench.points.resolve('files').id, false);
    const oldest = bench.catalog.restorePoints.live(bench.policies.resolve('files').policyId)[0];
    bench.points.setPinned(oldest?.id ?? '', true);
    await bench.policies.edit({ policy: 'files', keep: { ...none, daily: 1 } });
    const shown = bench.retention.preview(bench.policies.resolve('files'));
    assert.deepEqual(
      shown.map(({ sequence, keep }) => [sequence, keep]),
      [
        [4, true],
        [3, false],
        [2, false],
        [1, true],
      ],
    );
    assert.deepEqual(sequences(bench), [1, 2, 3, 4]);
    const retired = bench.retention.apply(bench.policies.resolve('files'));
    assert.deepEqual(retired.toSorted(), shown.flatMap(({ id, keep }) => (keep ? [] : [id])).toSorted());
    assert.deepEqual(bench.retention.apply(bench.policies.resolve('files')), [], 'once is enough');
  });

  it('X2: a failure in the middle retires none, and the run that it followed is a good one', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ keep: null });
    for (let run = 0; run < 3; run += 1) await bench.backUp('files');
    await bench.policies.edit({ policy: 'files', keep: { ...none, latest: 1 } });
    const { restorePoints } = bench.catalog;
    let calls = 0;
    restorePoints.setState = () => {
      calls += 1;
      if (calls === 2) throw new Error('the disk is gone');
      Object.getPrototypeOf(restorePoints).setState.call(restorePoints, bench.points.resolve('files').id, 'retired');
    };
    assert.throws(() => bench.retention.apply(bench.policies.resolve('files')), /the disk is gone/);
    assert.equal(calls, 2);
    assert.deepEqual(sequences(bench), [1, 2, 3]);
    calls = 1;
    const { retired, error } = bench.retention.follow(bench.policies.resolve('files'));
    assert.deepEqual([retired, error?.message], [[], 'Failed to write the catalog: the disk is gone.']);
  });

  it('says of rules whether they may retire what those before them keep', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ keep: { ...none, latest: 5, daily: 5 } });
    const keepsLess = (keep: Retention | null | undefined): boolean => bench.retention.keepsLess(bench.policies.resolve('files'), keep);
    assert.equal(keepsLess({ ...none, latest: 4, daily: 5, yearly: 100 }), true);
    assert.equal(keepsLess({ ...none, latest: 5, daily: 5, yearly: 1 }), false);
    assert.equal(keepsLess(null), false);
    assert.equal(keepsLess(undefined), false);
    await bench.policies.edit({ policy: 'files', keep: null });
    assert.equal(keepsLess({ ...none, latest: 100_000 }), true, 'everything is more than any number');
  });
});
