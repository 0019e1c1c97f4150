import assert from 'node:assert/strict';
import { type CancelDialogs, cancelAction } from '../../../../extension/commands/cancelAction.ts';
import { Row, type Subject } from '../../../../extension/views/row.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { Action } from '../../../../protocol/methods/actions.ts';
import type { RunningAction } from '../../../../protocol/methods/session.ts';
import { FakeCaller } from '../fakeCaller.ts';
import { noon, otherId, someAction, someId, someStatus } from '../samples.ts';

const third = '0a0a0a0a-0000-4000-8000-000000000003';

interface Bench {
  readonly cancelled: string[];
  readonly told: string[];
  readonly asked: { readonly title: string; readonly lines: readonly string[] }[];
  /** What the user does when he is asked: picks the row of that number, or leaves. */
  pick: number | undefined;
  readonly run: (...args: readonly unknown[]) => Promise<void>;
}

function bench(...runningActions: readonly RunningAction[]): Bench {
  const cancelled: string[] = [];
  const told: string[] = [];
  const asked: Bench['asked'] = [];
  const daemon = new FakeCaller({
    'session.status': () => someStatus({ runningActions }),
    'action.cancel': ({ actionId }) => {
      cancelled.push(String(actionId));
      return ended(String(actionId));
    },
  });
  const dialogs: CancelDialogs = {
    tell: (sentence) => void told.push(sentence),
    choose: async (choices, title) => {
      asked.push({ title, lines: choices.map(({ label, description }) => `${label} | ${description ?? ''}`) });
      return given.pick === undefined ? undefined : choices[given.pick];
    },
  };
  const given: Bench = {
    cancelled,
    told,
    asked,
    pick: undefined,
    run: async (...args) => {
      await cancelAction({ daemon }, args, dialogs);
    },
  };
  return given;
}

function ended(actionId: string): Action {
  return {
    actionId,
    kind: 'backup',
    subject: 'home',
    state: 'cancelled',
    startedBy: 'user',
    queuedAt: noon,
    startedAt: noon,
    finishedAt: noon,
    progress: { phase: 'reading', files: 0, bytes: 0, totalFiles: null, totalBytes: null, fraction: null, rate: 0, secondsLeft: null },
    error: null,
  };
}

function rowOf(subject: Subject): Row {
  return new Row({ id: 'row', label: 'row', accessibleLabel: 'row', context: ['row'], subject });
}

const policyRow = rowOf({ kind: 'policy', id: someId, name: 'home' });

describe('Cancel Action', () => {
  it('called on the row of a policy, cancels its backup and asks nothing, whatever else runs', async () => {
    const others = [someAction({ actionId: third, subjectId: third }), someAction({ actionId: third, kind: 'verify' })];
    const given = bench(...others, someAction());
    await given.run(policyRow);
    assert.deepEqual([given.cancelled, given.told, given.asked], [[otherId], [], []]);
  });

  it('called on the row of a policy whose backup does not run, says so and cancels nothing of another', async () => {
    const given = bench(someAction({ subjectId: third }), someAction({ kind: 'restore' }));
    await given.run(policyRow);
    assert.deepEqual([given.cancelled, given.told, given.asked], [[], ['Nothing is running.'], []]);
  });

  it('called with the id of an action, cancels that one, whatever the list of those that run says', async () => {
    for (const running of [[], [someAction({ actionId: third })]]) {
      const given = bench(...running);
      await given.run(otherId);
      assert.deepEqual([given.cancelled, given.told, given.asked], [[otherId], [], []]);
    }
  });

  it('called by itself, says so where nothing runs', async () => {
    const given = bench();
    await given.run();
    assert.deepEqual([given.cancelled, given.told, given.asked], [[], ['Nothing is running.'], []]);
  });

  it('called by itself, shows what runs and what waits, each with how far it is, and cancels what is picked', async () => {
    const given = bench(
      someAction({ actionId: third }),
      someAction({ kind: 'restore', fraction: null }),
      someAction({ actionId: someId, kind: 'verify', state: 'queued', fraction: 0 }),
    );
    given.pick = 1;
    await given.run();
    assert.deepEqual(given.asked, [
      { title: 'Cancel Action', lines: ['Backup of home | 42 %', 'Restore of home | ', 'Verification of home | waiting'] },
    ]);
    assert.deepEqual([given.cancelled, given.told], [[otherId], []]);
  });

  it('asks even where one alone runs, and cancels nothing where the user leaves', async () => {
    const given = bench(someAction());
    await given.run();
    assert.equal(given.asked.length, 1);
    assert.deepEqual([given.cancelled, given.told], [[], []]);
  });

  it('shows names as text: no icon, no control character of them', async () => {
    const given = bench(someAction({ subject: '$(trash) \u202Eevil\n' }));
    await given.run();
    const [line = ''] = given.asked[0]?.lines ?? [];
    assert.doesNotMatch(line, /\$\(trash\)|[\n\u202E]/);
    assert.match(line, /evil/);
  });

  it('V4: called by somebody else with anything at all, never cancels without asking', async () => {
    const hostile = new Proxy(
      {},
      {
        get: () => assert.fail('touched'),
        getPrototypeOf: () => assert.fail('touched'),
      },
    );
    const likeARow = { facts: { subject: { kind: 'policy', id: someId, name: 'home' } } };
    const passkeyRow = rowOf({ kind: 'passkey', id: someId, name: 'main' });
    for (const arg of [
      'x'.repeat(100_000),
      otherId.toUpperCase().replace('A', 'g'),
      5,
      null,
      {},
      [otherId],
      likeARow,
      passkeyRow,
      hostile,
    ]) {
      const given = bench(someAction());
      await given.run(arg);
      assert.deepEqual([given.cancelled, given.asked.length], [[], 1]);
    }
  });

  it('hands on what the daemon answers: nothing is called cancelled that is not', async () => {
    const away = new FakeCaller({
      'session.status': () => {
        throw new HoldfastError('daemonNotRunning', 'Failed: away.');
      },
    });
    const told: string[] = [];
    const dialogs: CancelDialogs = { tell: (sentence) => void told.push(sentence), choose: async () => undefined };
    await assert.rejects(cancelAction({ daemon: away }, [], dialogs), { code: 'daemonNotRunning' });
    assert.deepEqual(told, []);
  });
});
