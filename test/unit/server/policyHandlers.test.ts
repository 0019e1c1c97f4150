import assert from 'node:assert/strict';
import type { HandlerContext } from '../../../daemon/server/handler.ts';
import { policyHandlers } from '../../../daemon/server/methods/policyHandlers.ts';
import { PolicyBench } from '../../support/policyBench.ts';

const none = { latest: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

function contextOf(isGranted: boolean): HandlerContext {
  return {
    signal: new AbortController().signal,
    session: { sessionId: 1, clientName: 'test', clientVersion: '1' },
    log: { trace: () => undefined, debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    secrets: { take: () => Buffer.alloc(0) },
    stepUp: { grant: () => new Date(), isGranted: () => isGranted, revoke: () => undefined },
    openStream: () => ({ streamId: 0 }),
    publish: () => undefined,
  };
}

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
