import assert from 'node:assert/strict';
import { policyHandlers } from '../../../daemon/server/methods/policyHandlers.ts';
import { contextOf } from '../../support/handlerContext.ts';
import { PolicyBench } from '../../support/policyBench.ts';

const none = { latest: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

describe('policy.edit', () => {
  it('W9: asks for a step-up exactly where the rules would keep less than before', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ keep: { ...none, latest: 5 } });
    const edit = Object.fromEntries(policyHandlers(bench.policies, bench.retention))['policy.edit'];
    assert.ok(edit !== undefined);
    const less = { policy: 'files', keep: { ...none, latest: 1 } };
    await assert.rejects(edit.run(less, contextOf(false)), { code: 'stepUpNeeded' });
    assert.equal(bench.policies.describe(bench.policies.resolve('files')).keep?.latest, 5);
    await edit.run({ policy: 'files', gitignore: true, keep: { ...none, latest: 6 } }, contextOf(false));
    await edit.run({ policy: 'files', exclude: ['*.tmp'] }, contextOf(false));
    await edit.run(less, contextOf(true));
    assert.equal(bench.policies.describe(bench.policies.resolve('files')).keep?.latest, 1);
  });
});
