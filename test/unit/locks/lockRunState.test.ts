import assert from 'node:assert/strict';
import { type LockTerms, lockPlan, lockTerms } from '../../../daemon/locks/lockPlan.ts';
import {
  afterEvent,
  initialRunState,
  isResumable,
  isSettled,
  type LockRunEvent,
  type LockRunState,
  nextRun,
  overdueBy,
  promisedPlan,
  retryDelay,
  runDeadline,
} from '../../../daemon/locks/lockRunState.ts';
import { runStateOf, runStateText } from '../../../daemon/locks/storedRunState.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** A run comes by so much before its interval is over. */
const early = 2 * minute;
const origin = Date.parse('2026-03-01T00:00:00.000Z');

/** The moment so many milliseconds after the origin. */
function at(ms: number): Date {
  return new Date(origin + ms);
}

function terms(protectionPeriodDays: number, longestAbsenceDays: number = 0): LockTerms {
  return lockTerms({ protectionPeriodDays, longestAbsenceDays });
}

function after(state: LockRunState, ...events: readonly LockRunEvent[]): LockRunState {
  return events.reduce(afterEvent, state);
}

function started(ms: number): LockRunEvent {
  return { type: 'runStarted', at: at(ms) };
}

function completed(ms: number): LockRunEvent {
  return { type: 'runCompleted', at: at(ms) };
}

function failed(ms: number): LockRunEvent {
  return { type: 'runFailed', at: at(ms) };
}

function changed(ms: number, to: LockTerms): LockRunEvent {
  return { type: 'termsChanged', at: at(ms), terms: to };
}

/** A first run from the origin to ten minutes later is complete. */
function settled(aim: LockTerms): LockRunState {
  return after(initialRunState(aim), started(0), completed(10 * minute));
}

describe('when the monitor runs, and what holds meanwhile', () => {
  it('promises nothing before a first run, which is due at once', () => {
    const state = initialRunState(terms(7));
    assert.equal(promisedPlan(state), null);
    assert.equal(state.completeBy, null);
    assert.deepEqual(nextRun(state, at(0)), at(0));
    assert.equal(overdueBy(state, at(day)), 0);
  });

  it('promises what is aimed at once a run is complete, and runs an interval after its start', () => {
    const state = settled(terms(7));
    assert.deepEqual(promisedPlan(state), lockPlan(terms(7)));
    assert.ok(isSettled(state));
    assert.deepEqual(nextRun(state, at(hour)), at(21 * hour - early));
    assert.equal(state.completeBy, at(42 * hour + 5.25 * hour).toISOString());
  });

  it('has no next run while one is active', () => {
    const running = after(settled(terms(7)), started(21 * hour));
    assert.equal(nextRun(running, at(22 * hour)), null);
    assert.deepEqual(after(running, { type: 'woke' }), running);
  });

  it('runs at once after a start of the daemon and after a sleep', () => {
    for (const type of ['daemonStarted', 'woke'] as const) {
      const state = after(settled(terms(7)), { type });
      assert.deepEqual(nextRun(state, at(hour)), at(hour));
      assert.deepEqual(nextRun(after(state, started(hour), completed(2 * hour)), at(2 * hour)), at(22 * hour - early));
    }
  });

  it('waits longer after each failure in a row, up to a quarter of an hour, and not at all after a success', () => {
    let state = settled(terms(7));
    const waits: number[] = [];
    for (let failure = 0; failure < 7; failure += 1) {
      state = after(state, started(day), failed(day + minute));
      waits.push(((nextRun(state, at(day + minute))?.getTime() ?? 0) - origin - day - minute) / minute);
    }
    assert.deepEqual(waits, [1, 2, 4, 8, 15, 15, 15]);
    assert.equal(retryDelay(0), 0);
    assert.equal(state.failures, 7);
    state = after(state, started(2 * day), completed(2 * day));
    assert.equal(state.failures, 0);
    assert.deepEqual(nextRun(state, at(2 * day)), at(2 * day + 21 * hour - early));
  });

  it('does not wait for what failed before the machine slept, before the daemon ended or before the period was raised', () => {
    const state = after(settled(terms(7)), started(day), failed(day));
    for (const event of [{ type: 'woke' }, { type: 'daemonStarted' }, changed(day, terms(30))] as const) {
      assert.deepEqual(nextRun(after(state, event), at(day + second)), at(day + second));
    }
  });

  it('F1: waits no longer because a clock was set back', () => {
    const state = after(settled(terms(7)), started(day), failed(day));
    assert.deepEqual(nextRun(state, at(hour)), at(hour + minute));
    assert.deepEqual(nextRun(settled(terms(7)), at(-day)), at(-day));
  });

  it('keeps the first start of a run that is resumed within its deadline', () => {
    for (const cut of ['runInterrupted', 'daemonStarted'] as const) {
      const state = after(settled(terms(7)), started(21 * hour), { type: cut });
      assert.deepEqual(nextRun(state, at(22 * hour)), at(22 * hour));
      assert.ok(isResumable(state, at(26.25 * hour)));
      const resumed = after(state, started(26 * hour), completed(26.1 * hour));
      assert.deepEqual(resumed.lastCompleted, { start: at(21 * hour).toISOString(), end: at(26.1 * hour).toISOString() });
    }
  });

  it('looks at everything anew when the deadline of the run that was cut short has passed, or its start lies in the future', () => {
    const state = after(settled(terms(7)), started(21 * hour), { type: 'runInterrupted' });
    for (const ms of [26.25 * hour + 1, 20 * hour]) {
      assert.equal(isResumable(state, at(ms)), false);
      assert.deepEqual(after(state, started(ms)).run, { firstStart: at(ms).toISOString(), isActive: true });
    }
    assert.equal(isResumable(settled(terms(7)), at(day)), false);
  });

  it('begins anew after a failure', () => {
    const state = after(settled(terms(7)), started(21 * hour), failed(22 * hour), started(23 * hour));
    assert.deepEqual(runDeadline(state), at(23 * hour + 5.25 * hour));
    assert.equal(runDeadline(settled(terms(7))), null);
  });

  it('promises the old period until a whole run by a longer one is complete, which is due at once and keeps the old deadline', () => {
    const raised = after(settled(terms(7)), changed(hour, terms(30)));
    assert.deepEqual(promisedPlan(raised), lockPlan(terms(7)));
    assert.deepEqual(nextRun(raised, at(hour)), at(hour));
    const running = after(raised, started(hour));
    assert.deepEqual(runDeadline(running), at(hour + 5.25 * hour));
    assert.equal(running.completeBy, settled(terms(7)).completeBy);
    assert.deepEqual(promisedPlan(running), lockPlan(terms(7)));
    const done = after(running, completed(2 * hour));
    assert.deepEqual(promisedPlan(done), lockPlan(terms(30)));
    assert.equal(done.completeBy, at(hour + 96 * hour + 12 * hour).toISOString());
  });

  it('counts no run that was active when the terms were changed', () => {
    const state = after(settled(terms(7)), started(21 * hour), changed(22 * hour, terms(30)), completed(23 * hour));
    assert.deepEqual(promisedPlan(state), lockPlan(terms(7)));
    assert.equal(state.lastCompleted?.start, at(0).toISOString());
    assert.deepEqual(nextRun(state, at(23 * hour)), at(23 * hour));
    assert.deepEqual(after(state, failed(23 * hour), { type: 'runInterrupted' }), state);
    const lowered = after(settled(terms(7)), started(21 * hour), changed(22 * hour, terms(1)));
    assert.deepEqual(nextRun(lowered, at(22 * hour)), at(22 * hour));
  });

  it('promises a shorter period at once, without a run', () => {
    const lowered = after(settled(terms(30)), changed(hour, terms(7)));
    assert.deepEqual(promisedPlan(lowered), lockPlan(terms(7)));
    assert.equal(lowered.isWanted, false);
    assert.deepEqual(nextRun(lowered, at(2 * hour)), at(21 * hour - early));
  });

  it('waits no longer than the new terms allow for what is put from then on', () => {
    const lowered = after(settled(terms(30, 60)), changed(hour, terms(7, 0)));
    assert.equal(lowered.completeBy, at(hour + 42 * hour + 5.25 * hour).toISOString());
    const late = after(settled(terms(30, 0)), changed(90 * hour, terms(7, 0)));
    assert.equal(late.completeBy, settled(terms(30, 0)).completeBy);
  });

  it('takes a longer absence as a longer period: the old one holds until a whole run is complete', () => {
    const state = after(settled(terms(7, 0)), changed(hour, terms(7, 20)));
    assert.deepEqual(state.promised, terms(7, 0));
    assert.deepEqual(nextRun(state, at(hour)), at(hour));
    assert.deepEqual(after(state, started(hour), completed(2 * hour)).promised, terms(7, 20));
  });

  it('promises the less of both where one thing was raised and the other lowered', () => {
    assert.deepEqual(after(settled(terms(30, 0)), changed(hour, terms(29, 60))).promised, terms(29, 0));
    assert.deepEqual(after(settled(terms(7, 60)), changed(hour, terms(8, 0))).promised, terms(7, 0));
    // What nothing falls short of holds at once: 23 days less of the period outweigh four days of absence.
    assert.deepEqual(after(settled(terms(30, 0)), changed(hour, terms(7, 4))).promised, terms(7, 4));
  });

  it('promises the least of all that was aimed at, however often it changes', () => {
    const state = after(
      settled(terms(7)),
      changed(hour, terms(90)),
      started(hour),
      changed(2 * hour, terms(2)),
      changed(3 * hour, terms(30)),
    );
    assert.deepEqual(state.promised, terms(2));
    assert.deepEqual(after(state, started(3 * hour), completed(4 * hour)).promised, terms(30));
  });

  it('raises nothing by a run that took longer than the gap to the next one, and runs again', () => {
    const state = after(settled(terms(1)), changed(hour, terms(2)), started(hour), completed(13 * hour + 1));
    assert.deepEqual(state.promised, terms(1));
    assert.deepEqual(nextRun(state, at(14 * hour)), at(14 * hour));
    assert.deepEqual(after(settled(terms(1)), changed(hour, terms(2)), started(hour), completed(13 * hour)).promised, terms(2));
  });

  it('says how far a run is overdue: above an interval the extender stood still', () => {
    const state = settled(terms(7));
    assert.equal(overdueBy(state, at(20 * hour)), 0);
    assert.equal(overdueBy(state, at(43 * hour)), 22 * hour);
  });

  it('keeps a state as text, and refuses what it did not write', () => {
    const states = [
      initialRunState(terms(7)),
      after(settled(terms(7)), changed(hour, terms(30)), started(hour)),
      after(settled(terms(1)), started(day), failed(day)),
    ];
    for (const state of states) assert.deepEqual(runStateOf(runStateText(state)), state);
    const good = runStateText(settled(terms(7)));
    for (const bad of [
      '',
      '{}',
      good.replace('604800000', '0'),
      good.replace('"failures":0', '"failures":-1'),
      good.replace('.000Z', 'Z'),
    ]) {
      assert.throws(
        () => runStateOf(bad),
        (error) => HoldfastError.is(error, 'catalogDamaged'),
        bad,
      );
    }
  });
});
