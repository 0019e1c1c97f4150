import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ActionQueue } from '../../../daemon/actions/actionQueue.ts';
import type { PolicyRecord } from '../../../daemon/catalog/policyStore.ts';
import { BackupRuns, type EndedRun } from '../../../daemon/policies/backupRuns.ts';
import { someLocation, somePolicy } from '../../support/catalog.ts';

describe('runs of policies', () => {
  it('take the policy as it is when they begin, and not as it was when they were asked for', async () => {
    const queue = new ActionQueue({
      history: { insert: () => undefined, update: () => undefined, findByRequestId: () => undefined },
      now: () => 0,
      wallClock: () => new Date(0),
      concurrency: 1,
      onChanged: () => undefined,
      onFailed: () => undefined,
    });
    const asked = somePolicy(someLocation().locationId);
    let stored: PolicyRecord = asked;
    const begun: PolicyRecord[] = [];
    const ended: EndedRun[] = [];
    const gate = Promise.withResolvers<void>();
    const runs = new BackupRuns({
      queue,
      newest: () => stored,
      onEnded: (run) => void ended.push(run),
      backups: {
        run: async (policy) => {
          begun.push(policy);
          await gate.promise;
          return { outcome: 'complete', document: {} };
        },
      },
    });
    const request = { dryRun: false };
    runs.start(asked, request, { requestId: randomUUID(), startedBy: 'user' });
    const waiting = runs.start(asked, request, { requestId: randomUUID(), startedBy: 'schedule' });
    const end = queue.ended(waiting.actionId);
    stored = { ...asked, name: 'changed while it waited' };
    gate.resolve();
    await end;
    assert.deepEqual(begun, [asked, stored]);
    assert.deepEqual(
      ended.map(({ policy }) => policy),
      [asked, stored],
    );
  });
});
