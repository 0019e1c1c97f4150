import assert from 'node:assert/strict';
import { FollowedWork } from '../../../../extension/work/followedWork.ts';
import type { ActionWithResult } from '../../../../protocol/methods/actions.ts';
import { FakeCaller } from '../fakeCaller.ts';
import { otherId, someAlert } from '../samples.ts';

const message = 'Failed to back up work to small: there is no space left (ENOSPC).';
const failed: ActionWithResult = {
  actionId: otherId,
  kind: 'backup',
  subject: 'work',
  startedBy: 'user',
  state: 'failed',
  queuedAt: '2026-01-02T03:00:00.000Z',
  startedAt: '2026-01-02T03:00:00.000Z',
  finishedAt: '2026-01-02T03:10:00.000Z',
  progress: { phase: 'done', files: 0, bytes: 0, totalFiles: null, totalBytes: null, fraction: null, rate: 0, secondsLeft: null },
  error: { code: 'storeFull', message, fix: null, details: null },
  result: null,
};
const behind = someAlert({ detail: message, since: '2026-01-02T03:10:01.000Z' });

describe('work that a window follows', () => {
  it('tells of the alert behind it once it has ended, and of no later one with the same sentence', async () => {
    const followed = new FollowedWork(new FakeCaller({}));
    assert.equal(await followed.tells(behind), false);
    assert.equal(await followed.until(otherId, () => Promise.resolve(failed)), failed);
    assert.equal(await followed.tells(behind), true);
    assert.equal(await followed.tells({ ...behind, since: '2026-01-02T04:00:00.000Z' }), false);
    assert.equal(await followed.tells({ ...behind, since: '2026-01-02T02:59:59.000Z' }), false);
    assert.equal(await followed.tells({ ...behind, detail: 'Failed otherwise.' }), false);
    assert.equal(await followed.tells({ ...behind, detail: null }), false);
  });

  it('is looked at where the alert is heard of before its end is, and says nothing while it runs', async () => {
    let now: ActionWithResult = { ...failed, state: 'running', finishedAt: null, error: null };
    const followed = new FollowedWork(new FakeCaller({ 'action.result': () => now }));
    const { promise, resolve } = Promise.withResolvers<ActionWithResult>();
    const ended = followed.until(otherId, () => promise);
    assert.equal(await followed.tells(behind), false);
    now = failed;
    assert.equal(await followed.tells(behind), true);
    resolve(failed);
    await ended;
    assert.equal(await followed.tells(behind), true);
  });

  it('tells of what its audit finds, also where the alert is heard of before the end', async () => {
    const audit: ActionWithResult = { ...failed, kind: 'auditLocks', subject: 'vault', state: 'running', finishedAt: null, error: null };
    const found = someAlert({ kind: 'tampering', subject: 'vault', since: '2026-01-02T03:05:00.000Z' });
    const followed = new FollowedWork(new FakeCaller({ 'action.result': () => audit }));
    assert.equal(await followed.tells(found), false);
    const { promise, resolve } = Promise.withResolvers<ActionWithResult>();
    const ended = followed.until(otherId, () => promise);
    assert.equal(await followed.tells(found), true);
    assert.equal(await followed.tells({ ...found, subject: 'other' }), false);
    assert.equal(await followed.tells({ ...found, since: '2026-01-02T02:59:59.000Z' }), false);
    resolve({ ...audit, state: 'failed', finishedAt: failed.finishedAt, error: failed.error });
    await ended;
    assert.equal(await followed.tells(found), true);
    assert.equal(await followed.tells({ ...found, since: '2026-01-02T04:00:00.000Z' }), false);
  });

  it('that went well or could not be followed to its end tells of nothing', async () => {
    const followed = new FollowedWork(new FakeCaller({}));
    await followed.until(otherId, () => Promise.resolve({ ...failed, state: 'complete', error: null }));
    await assert.rejects(followed.until(otherId, () => Promise.reject(new Error('gone'))));
    assert.equal(await followed.tells(behind), false);
  });
});
