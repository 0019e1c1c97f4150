import assert from 'node:assert/strict';
import { type Run, SchedulerBench } from '../../../support/schedulerBench.ts';
import { SeededRandom } from '../../../support/random.ts';
import { testSeed } from '../../../support/mochaHooks.ts';
import { inTimeZone } from '../../../support/timeZone.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** From one run of a policy to the next, in milliseconds. */
function gaps(runs: readonly Run[], policy: string): readonly number[] {
  const times = runs.filter((run) => run.policy === policy).map(({ wallMs }) => wallMs);
  return times.slice(1).map((time, index) => time - (times[index] ?? time));
}

describe('a simulated year of three policies', () => {
  it('F2 F1: of a server that never sleeps: every time comes once, also those of the days on which the clocks are set', () => {
    using _ = inTimeZone('Europe/Berlin');
    using bench = new SchedulerBench('2026-01-01T00:00:00Z');
    bench.policy('hourly', '@hourly');
    bench.policy('nightly', '30 2 * * *');
    bench.policy('working days', '0 9,17 * * 1-5');
    bench.clock.passUntil('2027-01-01T00:00:00Z');
    assert.deepEqual(bench.failures, []);
    assert.equal(bench.timesOf('hourly').length, 365 * 24);
    assert.ok(gaps(bench.runs, 'hourly').every((gap) => gap === hour));
    assert.equal(bench.timesOf('nightly').length, 365);
    assert.ok(gaps(bench.runs, 'nightly').every((gap) => gap >= 23 * hour && gap <= 25 * hour));
    assert.deepEqual(
      bench.timesOf('nightly').filter((time) => time.startsWith('2026-03-29') || time.startsWith('2026-10-25')),
      ['2026-03-29T01:00', '2026-10-25T00:30'],
    );
    // 261 working days from 1 January to 31 December 2026.
    assert.equal(bench.timesOf('working days').length, 2 * 261);
    assert.deepEqual(bench.alerts.list({ all: true }).items, []);
  }).timeout(60_000);

  it('F2 F1: of a laptop that sleeps every night, is locked now and then, loses its disk and has its clock set', () => {
    using _ = inTimeZone('America/New_York');
    using bench = new SchedulerBench('2026-01-01T12:00:00Z');
    const seeded = new SeededRandom(testSeed());
    const random = (): number => seeded.next();
    bench.runMs = 7 * minute;
    bench.policy('hourly', '@hourly');
    bench.policy('daily', '@daily');
    bench.policy('weekly', '0 12 * * 1');
    const wokenAt: number[] = [];
    for (let date = 0; date < 365; date += 1) {
      const dice = random();
      if (dice < 0.05) bench.lock();
      else if (!bench.isUnlocked) bench.unlock();
      if (dice > 0.9) bench.ends.set('hourly', 'storeUnreachable').set('daily', 'storeUnreachable');
      else bench.ends.clear();
      if (dice > 0.4 && dice < 0.42) bench.clock.set((random() - 0.5) * 4 * hour);
      if (dice > 0.5 && dice < 0.53) bench.restart(random() * 3 * day);
      bench.clock.pass(14 * hour + random() * hour);
      bench.clock.sleep(9 * hour + (random() > 0.97 ? 7 * day : 0));
      wokenAt.push(bench.clock.wallMs);
    }
    if (!bench.isUnlocked) bench.unlock();
    bench.ends.clear();
    bench.clock.pass(5 * hour);
    assert.deepEqual(bench.failures, []);
    // Whatever happened, in the end each has run, nothing is overdue and nothing is left to be told.
    assert.deepEqual(bench.overdue(), []);
    assert.deepEqual(
      bench.alerts.list({ all: false }).items.map(({ kind, subject }) => `${kind} ${subject}`),
      [],
    );
    for (const policy of ['hourly', 'daily', 'weekly']) assert.ok(bench.timesOf(policy).length > 40, policy);
    // One catch-up a night, and where the disk is away retries that grow apart: never one for each hour missed.
    for (const at of wokenAt.slice(0, -1)) {
      const soon = bench.runs.filter(({ policy, wallMs }) => policy === 'hourly' && wallMs >= at && wallMs < at + 50 * minute);
      assert.ok(soon.length <= 5, `${new Date(at).toISOString()}: ${soon.map((run) => run.at).join(' ')}`);
    }
    assert.ok(gaps(bench.runs, 'daily').filter((gap) => gap >= 0 && gap < 4 * minute).length === 0, 'no two runs on top of each other');
  }).timeout(60_000);
});
