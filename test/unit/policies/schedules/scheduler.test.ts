import assert from 'node:assert/strict';
import { SchedulerBench } from '../../../support/schedulerBench.ts';
import { inTimeZone } from '../../../support/timeZone.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describe('scheduler', () => {
  let zone: Disposable;
  let bench: SchedulerBench;

  beforeEach(() => {
    zone = inTimeZone('UTC');
    bench = new SchedulerBench('2026-03-02T12:00:00Z');
  });
  afterEach(() => {
    bench[Symbol.dispose]();
    zone[Symbol.dispose]();
    assert.deepEqual(bench.failures, []);
  });

  it('runs a policy when it is due, and says when that is', () => {
    const work = bench.policy('work', '30 2 * * *');
    assert.equal(bench.scheduler.nextRunAt(work.policyId), '2026-03-03T02:30:00.000Z');
    bench.clock.pass(3 * day);
    assert.deepEqual(bench.timesOf('work'), ['2026-03-03T02:30', '2026-03-04T02:30', '2026-03-05T02:30']);
    assert.equal(bench.scheduler.nextRunAt(work.policyId), '2026-03-06T02:30:00.000Z');
  });

  it('runs nothing of a policy without a schedule, that is paused or deleted', () => {
    const byHand = bench.policy('by hand', null);
    const paused = bench.policy('paused', '@hourly', { paused: true });
    const deleted = bench.policy('deleted', '@hourly');
    bench.catalog.policies.delete(deleted.policyId, bench.clock.wall().toISOString());
    bench.changed();
    bench.clock.pass(3 * day);
    assert.deepEqual(bench.runs, []);
    assert.deepEqual(bench.overdue(), []);
    for (const { policyId } of [byHand, paused, deleted]) assert.equal(bench.scheduler.nextRunAt(policyId), null);
  });

  it('takes a schedule up, changes it and takes it away', () => {
    const work = bench.policy('work', null);
    bench.reschedule(work, '0 * * * *');
    bench.clock.pass(2 * hour);
    bench.reschedule(work, '30 * * * *');
    bench.clock.pass(2 * hour);
    bench.reschedule(work, null);
    bench.clock.pass(2 * hour);
    assert.deepEqual(bench.timesOf('work'), ['2026-03-02T13:00', '2026-03-02T14:00', '2026-03-02T14:30', '2026-03-02T15:30']);
    assert.deepEqual(bench.catalog.schedules.list(), []);
  });

  it('goes on with the next regular time once it is resumed, whatever was missed', () => {
    const work = bench.policy('work', '0 * * * *');
    bench.clock.pass(90 * minute);
    bench.setPaused(work, true);
    bench.clock.pass(10 * day);
    bench.setPaused(work, false);
    assert.equal(bench.scheduler.nextRunAt(work.policyId), '2026-03-12T14:00:00.000Z');
    bench.clock.pass(hour);
    assert.deepEqual(bench.timesOf('work'), ['2026-03-02T13:00', '2026-03-12T14:00']);
  });

  it('makes up once, and soon, for all that a week of sleep has missed', () => {
    bench.policy('work', '0 * * * *');
    bench.policy('home', '@daily');
    bench.clock.pass(10 * minute);
    bench.clock.sleep(7 * day);
    bench.clock.pass(3 * minute);
    assert.deepEqual(
      bench.runs.map(({ policy }) => policy).toSorted((a, b) => a.localeCompare(b)),
      ['home', 'work'],
    );
    const awakeAt = Date.parse('2026-03-09T12:10:00Z');
    for (const { wallMs } of bench.runs) assert.ok(wallMs - awakeAt >= 10_000 && wallMs - awakeAt <= 2 * minute, String(wallMs - awakeAt));
    bench.clock.passUntil('2026-03-09T13:30:00Z');
    assert.deepEqual(bench.timesOf('work').slice(1), ['2026-03-09T13:00']);
  });

  it('does the same for the time in which no daemon ran', () => {
    bench.policy('work', '0 * * * *');
    bench.clock.pass(90 * minute);
    bench.restart(5 * day);
    bench.clock.pass(5 * minute);
    assert.deepEqual(bench.timesOf('work'), ['2026-03-02T13:00', '2026-03-07T13:30']);
    bench.clock.pass(hour);
    assert.equal(bench.timesOf('work').length, 3);
  });

  it('waits while locked, and makes up for it once after the unlocking', () => {
    const work = bench.policy('work', '0 * * * *');
    bench.clock.pass(90 * minute);
    bench.lock();
    bench.clock.pass(5 * hour);
    assert.deepEqual(bench.timesOf('work'), ['2026-03-02T13:00']);
    bench.unlock();
    bench.clock.pass(2 * minute);
    assert.deepEqual(bench.timesOf('work'), ['2026-03-02T13:00', '2026-03-02T18:30']);
    assert.equal(bench.scheduler.nextRunAt(work.policyId), '2026-03-02T19:00:00.000Z');
  });

  it('says also while locked what is overdue', () => {
    bench.policy('work', '0 * * * *');
    bench.clock.pass(90 * minute);
    bench.lock();
    bench.restart(10 * minute);
    bench.clock.pass(hour);
    assert.deepEqual(bench.overdue(), []);
    bench.clock.pass(hour);
    assert.deepEqual(bench.overdue(), ['work']);
    bench.unlock();
    bench.clock.pass(3 * minute);
    assert.deepEqual(bench.overdue(), []);
  });

  it('never runs a policy twice at a time: all that comes during a run is one run behind it', () => {
    bench.policy('work', '0 * * * *');
    bench.runMs = 3.5 * hour;
    bench.clock.passUntil('2026-03-02T20:05:00Z');
    assert.deepEqual(bench.timesOf('work'), ['2026-03-02T13:00', '2026-03-02T16:30', '2026-03-02T20:00']);
    bench.runMs = minute;
    bench.clock.passUntil('2026-03-03T02:00:00Z');
    assert.deepEqual(bench.timesOf('work').slice(3), ['2026-03-02T23:30', '2026-03-03T00:00', '2026-03-03T01:00', '2026-03-03T02:00']);
  });

  it('counts a run by hand: what was missed before it is made up for', () => {
    const work = bench.policy('work', '0 2 * * *');
    bench.clock.pass(10 * minute);
    bench.clock.sleep(3 * day);
    bench.byHand(work);
    bench.clock.pass(12 * hour);
    assert.deepEqual(bench.timesOf('work'), ['2026-03-05T12:10']);
    bench.clock.pass(2 * hour);
    assert.deepEqual(bench.timesOf('work').slice(1), ['2026-03-06T02:00']);
  });

  it('tries a run that failed again, ever more seldom, and none sooner than five minutes later', () => {
    bench.policy('daily', '0 13 * * *');
    bench.policy('every minute', '* * * * *');
    bench.ends.set('daily', 'sourceMissing').set('every minute', 'storeUnreachable');
    bench.clock.passUntil('2026-03-03T12:55:00Z');
    assert.deepEqual(
      bench.timesOf('daily').map((time) => time.slice(8)),
      ['02T13:00', '02T13:06', '02T13:22', '02T14:23', '02T18:24', '02T22:25', '03T02:26', '03T06:27', '03T10:28'],
    );
    const { length } = bench.timesOf('every minute');
    assert.ok(length > 200 && length <= 24 * 12, String(length));
    bench.ends.clear();
    bench.clock.passUntil('2026-03-03T13:30:00Z');
    assert.deepEqual(bench.timesOf('daily').slice(-1), ['2026-03-03T13:00']);
    bench.clock.pass(day);
    assert.deepEqual(bench.timesOf('daily').slice(-1), ['2026-03-04T13:00']);
  });

  it('tries at once what waited for a location that is back', () => {
    bench.policy('work', '0 13 * * *');
    bench.ends.set('work', 'storeUnreachable');
    bench.clock.passUntil('2026-03-02T18:00:00Z');
    const before = bench.timesOf('work').length;
    assert.equal(bench.alerts.raised('locationUnreachable').length, 1);
    bench.ends.clear();
    bench.scheduler.locationIsBack(bench.locationId);
    bench.clock.pass(2 * minute);
    assert.deepEqual(bench.timesOf('work').slice(before), ['2026-03-02T18:00']);
    assert.equal(bench.alerts.raised('locationUnreachable').length, 0);
    bench.clock.pass(12 * hour);
    assert.equal(bench.timesOf('work').length, before + 1);
  });

  it('leaves a run alone that the user cancelled, and makes up for one that locking or the end of the daemon cut short', async () => {
    bench.policy('cancelled', '0 13 * * *');
    const cut = bench.policy('cut', '0 14 * * *');
    bench.ends.set('cancelled', 'cancelled');
    bench.runMs = 30 * minute;
    bench.clock.passUntil('2026-03-02T14:10:00Z');
    assert.deepEqual(bench.timesOf('cancelled'), ['2026-03-02T13:00']);
    await bench.cancelAll();
    bench.lock();
    bench.clock.pass(20 * minute);
    bench.unlock();
    bench.clock.pass(2 * minute);
    assert.deepEqual(bench.timesOf('cut'), ['2026-03-02T14:00', '2026-03-02T14:30']);
    bench.restart(minute);
    bench.clock.pass(10 * minute);
    assert.equal(bench.timesOf('cut').length, 3, 'a daemon that died is a failed run');
    bench.clock.pass(12 * hour);
    assert.equal(bench.timesOf('cut').length, 3);
    assert.equal(bench.timesOf('cancelled').length, 1);
    assert.equal(bench.scheduler.nextRunAt(cut.policyId), '2026-03-03T14:00:00.000Z');
  });

  it('starts nothing until the last of several interruptions is over: locking and the end of the daemon come together', async () => {
    bench.policy('work', '0 13 * * *');
    await bench.scheduler.interrupt(async () => {
      await bench.scheduler.interrupt(() => Promise.resolve());
      bench.clock.passUntil('2026-03-02T13:10:00Z');
      assert.deepEqual(bench.timesOf('work'), []);
    });
    bench.clock.pass(2 * minute);
    assert.equal(bench.timesOf('work').length, 1);
  });

  it('does not start a run for ever that ends the daemon each time', () => {
    bench.policy('work', '0 13 * * *');
    bench.runMs = hour;
    bench.clock.passUntil('2026-03-02T13:01:00Z');
    for (let round = 0; round < 60; round += 1) {
      bench.restart(0);
      bench.clock.pass(5 * minute);
    }
    assert.ok(bench.timesOf('work').length <= 5, bench.timesOf('work').join(' '));
  });

  it('F1: runs neither twice nor never where the clock is set back', () => {
    for (const [back, policy] of [
      [hour, 'one hour'],
      [10 * hour, 'ten hours'],
      [60 * day, 'sixty days'],
    ] as const) {
      const { policyId } = bench.policy(policy, '0 2 * * *');
      bench.clock.passUntil(`${new Date(bench.clock.wallMs + day).toISOString().slice(0, 10)}T02:30:00Z`);
      assert.equal(bench.timesOf(policy).length, 1);
      bench.clock.set(-back);
      const realStart = bench.clock.monoMs;
      bench.clock.pass(20 * hour);
      const again = bench.timesOf(policy).slice(1);
      assert.equal(new Set(bench.timesOf(policy)).size, bench.timesOf(policy).length, `${policy}: the same time twice`);
      // Two gaps of the schedule at most until it runs again.
      for (let hours = 0; hours < 30 && bench.timesOf(policy).length === 1; hours += 1) bench.clock.pass(hour);
      assert.equal(bench.timesOf(policy).length, 2, `${policy}: ${again.join(' ')}`);
      assert.ok(bench.clock.monoMs - realStart <= 2 * day);
      bench.catalog.policies.delete(policyId, bench.clock.wall().toISOString());
      bench.changed();
    }
  });

  it('F1: runs once where the clock is set ahead, and goes on as before once it is right again', () => {
    bench.policy('work', '0 2 * * *');
    bench.clock.pass(hour);
    bench.clock.set(60 * day);
    bench.clock.pass(3 * minute);
    assert.deepEqual(bench.timesOf('work'), ['2026-05-01T13:01']);
    bench.clock.set(-60 * day);
    bench.clock.pass(2 * day);
    assert.deepEqual(bench.timesOf('work').slice(1), ['2026-03-03T02:00', '2026-03-04T02:00']);
  });

  it('F1: a restore point of a clock that was years ahead hides no overdue policy once the clock is right', () => {
    bench.clock.set(4 * 365 * day);
    bench.policy('work', '0 2 * * *');
    bench.clock.pass(2 * day);
    assert.equal(bench.timesOf('work').length, 2);
    bench.lock();
    bench.clock.set(-4 * 365 * day);
    bench.clock.pass(3 * day);
    assert.deepEqual(bench.overdue(), ['work']);
  });

  it('raises an alert once nothing was made for twice the period, which the next restore point resolves', () => {
    bench.policy('work', '0 * * * *');
    bench.ends.set('work', 'sourceMissing');
    bench.clock.pass(119 * minute);
    assert.deepEqual(bench.overdue(), []);
    bench.clock.pass(3 * minute);
    assert.deepEqual(bench.overdue(), ['work']);
    const [alert] = bench.alerts.raised('policyOverdue');
    assert.equal(alert?.message, 'The policy work was to run since 2026-03-02 12:00 UTC and has made no restore point.');
    bench.ends.clear();
    bench.clock.pass(hour);
    assert.deepEqual(bench.overdue(), []);
    assert.deepEqual(bench.alerts.list({ all: false }).items, []);
    bench.ends.set('work', 'sourceMissing');
    bench.clock.pass(4 * hour);
    assert.match(bench.alerts.raised('policyOverdue')[0]?.message ?? '', /has made no restore point since 2026-03-02 15:01 UTC\.$/);
  });

  it('resolves what is overdue of a policy that is paused, deleted or runs by hand from now on', () => {
    const policies = ['a', 'b', 'c'].map((name) => bench.policy(name, '0 * * * *'));
    for (const { name } of policies) bench.ends.set(name, 'sourceMissing');
    bench.clock.pass(5 * hour);
    assert.deepEqual(bench.overdue(), ['a', 'b', 'c']);
    const [a, b, c] = policies;
    if (a === undefined || b === undefined || c === undefined) assert.fail();
    bench.setPaused(a, true);
    assert.deepEqual(bench.overdue(), ['b', 'c']);
    bench.reschedule(b, null);
    assert.deepEqual(bench.overdue(), ['c']);
    bench.catalog.policies.delete(c.policyId, bench.clock.wall().toISOString());
    bench.changed();
    assert.deepEqual(bench.overdue(), []);
  });

  it('allows the weekend to a policy of working days', () => {
    bench.policy('work', '0 9 * * 1-5');
    bench.clock.passUntil('2026-03-06T12:00:00Z');
    bench.ends.set('work', 'sourceMissing');
    bench.clock.passUntil('2026-03-12T09:00:00Z');
    assert.deepEqual(bench.overdue(), []);
    bench.clock.passUntil('2026-03-12T09:02:00Z');
    assert.deepEqual(bench.overdue(), ['work']);
  });

  it('tells nothing to be overdue that a machine which has just woken is about to make', () => {
    bench.policy('work', '0 * * * *');
    bench.clock.pass(2.5 * hour);
    const seen: (readonly string[])[] = [];
    bench.clock.sleep(7 * day);
    for (let seconds = 0; seconds < 300; seconds += 5) {
      bench.clock.pass(5000);
      seen.push(bench.overdue());
    }
    assert.deepEqual(
      seen.filter((names) => names.length > 0),
      [],
    );
  });

  it('X2: raises and resolves nothing twice over restarts, whenever the daemon dies', () => {
    bench.policy('work', '0 * * * *');
    bench.ends.set('work', 'sourceMissing');
    for (let round = 0; round < 40; round += 1) {
      bench.clock.pass(7 * minute);
      bench.restart(round * 1000);
    }
    assert.deepEqual(
      bench.alerts.list({ all: true }).items.map(({ kind, state }) => `${kind} ${state}`),
      ['policyOverdue open', 'backupFailed open'],
    );
    bench.ends.clear();
    for (let round = 0; round < 10; round += 1) {
      bench.restart(1000);
      bench.clock.pass(hour);
    }
    assert.deepEqual(
      bench.alerts.list({ all: true }).items.map(({ kind, state }) => `${kind} ${state}`),
      ['policyOverdue resolved', 'backupFailed resolved'],
    );
  });
});
