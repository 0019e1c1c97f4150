import assert from 'node:assert/strict';
import { pinHandlers } from '../../../daemon/server/methods/pinHandlers.ts';
import { contextOf } from '../../support/handlerContext.ts';
import { PolicyBench } from '../../support/policyBench.ts';

const keep = { latest: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

describe('restorePoint.unpin', () => {
  it('W9: asks for a step-up exactly where retention may retire the restore point from then on', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ keep });
    const { id } = await bench.point('files');
    const unpin = Object.fromEntries(pinHandlers(bench.points))['restorePoint.unpin'];
    assert.ok(unpin !== undefined);
    const isPinned = (): boolean => bench.points.resolve(id).pinned;
    const params = { restorePoint: id };

    await unpin.run(params, contextOf(false));
    bench.points.setPinned(id, true);
    await assert.rejects(unpin.run(params, contextOf(false)), { code: 'stepUpNeeded' });
    await bench.backUp('files');
    assert.deepEqual([isPinned(), bench.points.resolve(id).state], [true, 'live']);

    await unpin.run(params, contextOf(true));
    assert.equal(isPinned(), false);

    bench.points.setPinned(id, true);
    await bench.policies.edit({ policy: 'files', keep: null });
    await unpin.run(params, contextOf(false));
    assert.equal(isPinned(), false);
  });
});
