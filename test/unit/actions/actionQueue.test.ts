import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'mocha';
import { type ActionHistory, ActionQueue, type ActionRequest, type WorkResult } from '../../../daemon/actions/actionQueue.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { ActionWithResult as Action } from '../../../protocol/methods/actions.ts';

class MemoryHistory implements ActionHistory {
  readonly rows = new Map<string, Action>();
  readonly #byRequest = new Map<string, string>();
  insert(action: Action, requestId: string): void {
    this.rows.set(action.actionId, action);
    this.#byRequest.set(requestId, action.actionId);
  }
  update(action: Action): void {
    this.rows.set(action.actionId, action);
  }
  findByRequestId(requestId: string): Action | undefined {
    const actionId = this.#byRequest.get(requestId);
    return actionId === undefined ? undefined : this.rows.get(actionId);
  }
}

interface Held {
  readonly request: ActionRequest;
  readonly finish: (result?: Partial<WorkResult>) => void;
  readonly fail: (error: unknown) => void;
  readonly started: () => boolean;
}

function held(lanes: readonly string[], requestId: string = randomUUID()): Held {
  const gate = Promise.withResolvers<WorkResult>();
  let hasStarted = false;
  return {
    request: {
      kind: 'backup',
      subject: 'home',
      requestId,
      lanes,
      work: ({ signal }) => {
        hasStarted = true;
        return Promise.race([
          gate.promise,
          new Promise<never>((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          }),
        ]);
      },
    },
    finish: (result = {}) => gate.resolve({ outcome: 'complete', document: { ok: true }, ...result }),
    fail: (error) => gate.reject(error),
    started: () => hasStarted,
  };
}

function queueOf(
  history: ActionHistory,
  concurrency = 4,
): { readonly queue: ActionQueue; readonly seen: Action[]; readonly failures: unknown[] } {
  const seen: Action[] = [];
  const failures: unknown[] = [];
  let now = 0;
  const queue = new ActionQueue({
    history,
    now: () => (now += 10),
    wallClock: () => new Date(1_800_000_000_000),
    concurrency,
    onChanged: (action) => seen.push(action),
    onFailed: (_action, error) => failures.push(error),
  });
  return { queue, seen, failures };
}

describe('action queue', () => {
  it('runs two actions of one lane one after the other, and another lane beside them', async () => {
    const { queue } = queueOf(new MemoryHistory());
    const first = held(['policy:a']);
    const second = held(['policy:a']);
    const other = held(['policy:b']);
    const firstAction = queue.submit(first.request);
    const secondAction = queue.submit(second.request);
    queue.submit(other.request);
    assert.deepEqual([first.started(), second.started(), other.started()], [true, false, true]);
    first.finish();
    assert.equal((await queue.ended(firstAction.actionId))?.state, 'complete');
    assert.equal(second.started(), true);
    second.finish();
    assert.equal((await queue.ended(secondAction.actionId))?.state, 'complete');
  });

  it('does not let later actions overtake one that waits for the same lane', async () => {
    const { queue } = queueOf(new MemoryHistory());
    const first = held(['a']);
    const waits = held(['a', 'b']);
    const late = held(['b']);
    const running = queue.submit(first.request);
    queue.submit(waits.request);
    queue.submit(late.request);
    assert.equal(late.started(), false);
    first.finish();
    await queue.ended(running.actionId);
    assert.deepEqual([waits.started(), late.started()], [true, false]);
  });

  it('starts no more than its concurrency allows', async () => {
    const { queue } = queueOf(new MemoryHistory(), 1);
    const first = held(['a']);
    const second = held(['b']);
    const action = queue.submit(first.request);
    queue.submit(second.request);
    assert.equal(second.started(), false);
    first.finish();
    await queue.ended(action.actionId);
    assert.equal(second.started(), true);
  });

  it('answers a repeated request with the first action, while it runs and after it ended', async () => {
    const { queue } = queueOf(new MemoryHistory());
    const requestId = randomUUID();
    const once = held(['a'], requestId);
    const action = queue.submit(once.request);
    const again = held(['a'], requestId);
    assert.equal(queue.submit(again.request).actionId, action.actionId);
    once.finish();
    await queue.ended(action.actionId);
    assert.equal(queue.submit(again.request).actionId, action.actionId);
    assert.equal(again.started(), false);
  });

  it('tells what runs, then what waits, by the id of what it is about', async () => {
    const { queue } = queueOf(new MemoryHistory(), 1);
    const [first, second, third] = ['a', 'b', 'c'].map((lane) => held([lane]));
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    queue.submit({ ...first.request, subjectId: 'one' });
    queue.submit({ ...second.request, subjectId: 'two' });
    queue.submit(third.request);
    const told = (): readonly unknown[] => queue.underWay.map(({ state, subjectId, action }) => [state, subjectId, action.subject]);
    const waiting = [
      ['queued', 'two', 'home'],
      ['queued', null, 'home'],
    ];
    assert.deepEqual(told(), [['running', 'one', 'home'], ...waiting]);
    await queue.cancelAll();
    assert.deepEqual(told(), []);
  });

  it('ends a cancelled run as cancelled, and one that was still waiting without ever starting it', async () => {
    const history = new MemoryHistory();
    const { queue, failures } = queueOf(history);
    const first = held(['a']);
    const waiting = held(['a']);
    const running = queue.submit(first.request);
    const queued = queue.submit(waiting.request);
    const queuedEnd = queue.ended(queued.actionId);
    const runningEnd = queue.ended(running.actionId);
    assert.equal(queue.cancel(queued.actionId), true);
    assert.equal(queue.cancel(running.actionId), true);
    assert.equal((await queuedEnd)?.state, 'cancelled');
    assert.equal((await runningEnd)?.state, 'cancelled');
    assert.equal(waiting.started(), false);
    assert.equal(queue.cancel(running.actionId), false);
    assert.equal(history.rows.get(running.actionId)?.error?.code, 'cancelled');
    assert.deepEqual(failures, [], 'nothing to log');
  });

  it('keeps code, sentence and way out of a failure, and the document of a run with warnings', async () => {
    const history = new MemoryHistory();
    const { queue } = queueOf(history);
    const failing = held(['a']);
    const warned = held(['b']);
    const failed = queue.submit(failing.request);
    const other = queue.submit(warned.request);
    const failedEnd = queue.ended(failed.actionId);
    const otherEnd = queue.ended(other.actionId);
    failing.fail(new HoldfastError('storeFull', 'Failed to back up home: the location is full.', { fix: 'Make room.' }));
    warned.finish({ outcome: 'completeWithWarnings', document: { files: 1 } });
    await failedEnd;
    await otherEnd;
    const row = history.rows.get(failed.actionId);
    assert.deepEqual([row?.state, row?.error?.code, row?.error?.fix], ['failed', 'storeFull', 'Make room.']);
    assert.deepEqual(
      [history.rows.get(other.actionId)?.state, history.rows.get(other.actionId)?.result],
      ['completeWithWarnings', { files: 1 }],
    );
  });

  it('keeps the text of an error that nobody foresaw to itself, tells it for the log, and says what the system said', async () => {
    const history = new MemoryHistory();
    const { queue, failures } = queueOf(history);
    const unforeseen = new TypeError('canary is not iterable');
    const full = Object.assign(new Error('ENOSPC: canary'), { code: 'ENOSPC', syscall: 'write' });
    const said = await Promise.all(
      [unforeseen, full].map(async (error, index) => {
        const failing = held([`lane ${index}`]);
        const { actionId } = queue.submit(failing.request);
        const end = queue.ended(actionId);
        failing.fail(error);
        await end;
        return history.rows.get(actionId)?.error;
      }),
    );
    assert.deepEqual(
      said.map((error) => error?.message),
      [
        'Failed to finish backup of home: something went wrong that was not foreseen.',
        'Failed to finish backup of home: the system says ENOSPC.',
      ],
    );
    assert.ok(said.every((error) => error?.code === 'failed' && error.fix !== null));
    assert.ok(!JSON.stringify(said).includes('canary'));
    assert.deepEqual(failures, [unforeseen, full]);
  });

  it('F3: ends an action whose end can not be written, tells how it ended, and writes it with the next one', async () => {
    let isFull = false;
    class FullHistory extends MemoryHistory {
      override update(action: Action): void {
        if (isFull) throw new HoldfastError('diskFailed', 'Failed to write the catalog: the disk is full.');
        super.update(action);
      }
    }
    const history = new FullHistory();
    const { queue, failures } = queueOf(history);
    const [first, second] = [held(['policy:a']), held(['policy:a'])];
    const { actionId } = queue.submit(first.request);
    const next = queue.submit(second.request);
    const [end, nextEnd] = [queue.ended(actionId), queue.ended(next.actionId)];
    isFull = true;
    first.finish();
    assert.equal((await end)?.state, 'complete');
    assert.equal(history.rows.get(actionId)?.state, 'running');
    assert.equal(queue.get(actionId)?.state, 'complete');
    // The one that waited could not be written as running either: it fails, and does not end the daemon.
    assert.equal((await nextEnd)?.error?.code, 'diskFailed');
    assert.ok(failures.length > 0);
    isFull = false;
    const third = held([]);
    const thirdEnd = queue.ended(queue.submit(third.request).actionId);
    third.finish();
    await thirdEnd;
    assert.equal(history.rows.get(actionId)?.state, 'complete');
    assert.equal(history.rows.get(next.actionId)?.state, 'failed');
    assert.equal(queue.get(actionId), undefined);
  });

  it('cancels what runs and refuses what comes once it is closing', async () => {
    const history = new MemoryHistory();
    const { queue } = queueOf(history);
    const running = held(['a']);
    const action = queue.submit(running.request);
    await queue.close();
    assert.equal(history.rows.get(action.actionId)?.state, 'cancelled');
    assert.throws(() => queue.submit(held(['b']).request), { code: 'failed' });
  });
});
