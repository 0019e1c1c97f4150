import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { endOfAction } from '../../../../extension/work/endOfAction.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { DaemonEvent } from '../../../../protocol/events.ts';
import type { ActionState } from '../../../../protocol/methods/actions.ts';
import { FakeCaller } from '../fakeCaller.ts';
import { noon, otherId, someId } from '../samples.ts';

function bench(): {
  state: ActionState;
  isAway: boolean;
  readonly ended: Promise<string>;
  readonly tell: (event: DaemonEvent) => void;
  readonly seen: string[];
} {
  const events = new vscode.EventEmitter<DaemonEvent>();
  const seen: string[] = [];
  const given = {
    state: 'running' as ActionState,
    isAway: false,
    seen,
    tell: (event: DaemonEvent): void => events.fire(event),
    ended: Promise.resolve(''),
  };
  const quietly = new FakeCaller({
    'action.result': ({ actionId }) => {
      if (given.isAway) throw new HoldfastError('daemonNotRunning', 'Failed: away.');
      return {
        actionId,
        kind: 'backup',
        subject: 'home',
        state: given.state,
        startedBy: 'user',
        queuedAt: noon,
        startedAt: noon,
        finishedAt: null,
        progress: { phase: 'reading', files: 0, bytes: 0, totalFiles: null, totalBytes: null, fraction: null, rate: 0, secondsLeft: null },
        error: null,
        result: null,
      };
    },
  });
  const ended = endOfAction({ quietly, onEvent: events.event }, someId, ({ state }) => void seen.push(state)).then(({ state }) => state);
  return Object.assign(given, { ended });
}

/** What was begun in answer to an event has come to its end. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

describe('the end of an action', () => {
  it('is waited for by its events alone, and its progress is told until then', async () => {
    const given = bench();
    await settled();
    given.tell({ name: 'action.changed', subject: otherId });
    await settled();
    assert.deepEqual(given.seen, ['running'], 'what happens to another action is not looked at');
    given.tell({ name: 'action.changed', subject: someId });
    await settled();
    assert.deepEqual(given.seen, ['running', 'running']);
    given.state = 'complete';
    given.tell({ name: 'action.changed', subject: someId });
    assert.equal(await given.ended, 'complete');
  });

  it('is found where its event comes while the answer to an earlier one is under way', async () => {
    const given = bench();
    await settled();
    given.tell({ name: 'action.changed', subject: someId });
    given.state = 'complete';
    given.tell({ name: 'action.changed', subject: someId });
    assert.equal(await given.ended, 'complete');
  });

  it('is found behind a connection that was lost and is there again', async () => {
    const given = bench();
    await settled();
    given.isAway = true;
    given.tell({ name: 'action.changed', subject: someId });
    await settled();
    given.isAway = false;
    given.state = 'failed';
    given.tell({ name: 'lookAgain', subject: '' });
    assert.equal(await given.ended, 'failed');
  });
});
