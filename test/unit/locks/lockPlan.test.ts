import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  callsPerMonth,
  covers,
  defaultAbsence,
  extensionsPerMonth,
  isShort,
  type LockPlan,
  lockPlan,
  lockTerms,
  nextRunAt,
  safeUntil,
  slack,
  slackLevel,
  target,
} from '../../../daemon/locks/lockPlan.ts';
import { SeededRandom } from '../../support/random.ts';

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;
const now = new Date('2026-03-01T10:20:30.456Z');

function planOf(protectionPeriodDays: number, longestAbsenceDays: number = 0): LockPlan {
  return lockPlan(lockTerms({ protectionPeriodDays, longestAbsenceDays }));
}

function later(from: Date, ms: number): Date {
  return new Date(from.getTime() + ms);
}

/** P in days, then I, D, X, B, G in hours (X and B without their 5 s), for a service and for a desktop. */
const table: readonly (readonly [number, number, number, number, number, number, number, number])[] = [
  // P    I   D    X     B     G   X      B     (the last two with an absence of 4 days)
  [1, 3, 1, 7, 24, 24, 97, 97],
  [2, 6, 1.5, 13.5, 24, 24, 97.5, 97.5],
  [7, 21, 5.25, 47.25, 47.25, 42, 101.25, 101.25],
  [30, 48, 12, 108, 108, 180, 108, 108],
  [89, 48, 12, 108, 108, 240, 108, 108],
  [90, 48, 12, 108, 108, 240, 108, 108],
  [365, 48, 12, 108, 108, 240, 108, 108],
];

/** Runs when the plan says, late by so much, looks at one object in each, and counts the extensions a month. */
function simulatedExtensions(plan: LockPlan, runs: number, late: () => number): number {
  let until = target(plan, now);
  let extensions = 0;
  let at = now;
  for (let run = 1; run <= runs; run += 1) {
    at = later(nextRunAt(plan, at, at), late());
    if (!isShort(plan, until, at)) continue;
    until = target(plan, at);
    extensions += 1;
  }
  return (extensions * 30 * day) / (at.getTime() - now.getTime());
}

describe('the lock plan', () => {
  for (const [days, I, D, X, B, G, deskX, deskB] of table) {
    it(`is for a period of ${days} days what the format says`, () => {
      const plus = (hours: number): number => hours * hour + (hours > 24 || hours % 24 !== 0 ? 5 * second : 0);
      const service = planOf(days, 0);
      assert.deepEqual(
        [service.interval, service.deadline, service.reserve, service.buffer, service.margin],
        [I * hour, D * hour, X * hour + 5 * second, plus(B), G * hour],
      );
      const desktop = planOf(days, 4);
      assert.deepEqual([desktop.reserve, desktop.buffer], [deskX * hour + 5 * second, plus(deskB)]);
      assert.deepEqual([desktop.interval, desktop.deadline, desktop.margin], [I * hour, D * hour, G * hour]);
    });
  }

  it('has an interval of never less than an hour and never more than two days, whatever the period', () => {
    assert.equal(lockPlan({ protectionPeriod: 1, longestAbsence: 0 }).interval, hour);
    assert.equal(planOf(3660).interval, 48 * hour);
  });

  it('takes an absence longer than two intervals into the gap and the reserve', () => {
    const plan = planOf(30, 20);
    assert.equal(plan.longestGap, 20 * day);
    assert.equal(plan.reserve, 20 * day + 12 * hour + 5 * second);
    assert.equal(plan.buffer, plan.reserve);
    assert.equal(plan.slackOnTime, plan.reserve - plan.interval - plan.deadline);
  });

  it('expects no absence of a service and four days of a desktop', () => {
    assert.deepEqual(defaultAbsence, { service: 0, desktop: 4 * day });
  });

  it('refuses terms outside their bounds', () => {
    for (const protectionPeriod of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 3661 * day]) {
      assert.throws(() => lockPlan({ protectionPeriod, longestAbsence: 0 }), RangeError);
    }
    for (const longestAbsence of [-1, 0.5, Number.NaN, 367 * day]) {
      assert.throws(() => lockPlan({ protectionPeriod: day, longestAbsence }), RangeError);
    }
    assert.throws(() => lockTerms({ protectionPeriodDays: 0, longestAbsenceDays: 0 }), RangeError);
    assert.deepEqual(lockTerms({ protectionPeriodDays: 1, longestAbsenceDays: 1 / 7 }), {
      protectionPeriod: day,
      longestAbsence: 12_342_857,
    });
  });

  it('asks for whole seconds, rounded up', () => {
    const plan = planOf(30);
    const sum = plan.protectionPeriod + plan.buffer + plan.margin;
    assert.equal(target(plan, now).getTime(), later(now, sum + 544).getTime());
    const whole = new Date('2026-03-01T10:20:30.000Z');
    assert.equal(target(plan, whole).getTime(), later(whole, sum).getTime());
  });

  it('calls an object short from one millisecond under period and reserve, and where it has no lock', () => {
    const plan = planOf(7);
    const edge = later(now, plan.protectionPeriod + plan.reserve);
    assert.equal(isShort(plan, edge, now), false);
    assert.equal(isShort(plan, later(edge, -1), now), true);
    assert.equal(isShort(plan, null, now), true);
  });

  it('never finds a new lock short for a day, whatever the terms', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3660 }),
        fc.integer({ min: 0, max: 366 }),
        fc.date({ noInvalidDate: true }),
        (days, absence, at) => {
          const plan = planOf(days, absence);
          const put = new Date(Math.abs(at.getTime()) % 4e12);
          return !isShort(plan, target(plan, put), later(put, day));
        },
      ),
    );
  });

  it('measures the slack above the period, and no lock as one that ends now', () => {
    const plan = planOf(7);
    assert.equal(slack(plan, later(now, 8 * day), now), day);
    assert.equal(slack(plan, later(now, 6 * day), now), -day);
    assert.equal(slack(plan, null, now), -7 * day);
  });

  it('tells a slack under a half, under a quarter and a broken promise apart', () => {
    const plan = planOf(30);
    assert.equal(plan.slackOnTime, 48 * hour + 5 * second);
    assert.deepEqual(
      [plan.halfSlack, plan.halfSlack - 1, plan.quarterSlack, plan.quarterSlack - 1, 0, -1].map((ms) => slackLevel(plan, ms)),
      ['enough', 'underHalf', 'underHalf', 'underQuarter', 'underQuarter', 'breached'],
    );
  });

  it('is safe until the soonest lock leaves less than the period', () => {
    const plan = planOf(7);
    assert.equal(safeUntil(plan, []), null);
    assert.deepEqual(safeUntil(plan, [later(now, 20 * day), later(now, 10 * day)]), later(now, 3 * day));
    assert.deepEqual(safeUntil(plan, [later(now, 20 * day), null]), new Date(0));
  });

  it('costs about 17, 11, 4 and 2.5 extensions per object and month for 1, 7, 30 and 90 days', () => {
    assert.deepEqual(
      [1, 7, 30, 90].map((days) => Math.round(extensionsPerMonth(planOf(days)) * 10) / 10),
      [17.1, 11.4, 3.8, 2.5],
    );
  });

  it('costs in a simulation what the formula says, for every period and absence, however late runs are below a minute and a half', () => {
    const random = new SeededRandom(1);
    for (const days of [1, 2, 3, 7, 14, 30, 89, 90, 365]) {
      for (const absence of [0, 4, 10]) {
        for (const late of [0, 90]) {
          const plan = planOf(days, absence);
          const simulated = simulatedExtensions(plan, 5000, () => random.between(0, late) * second);
          const formula = extensionsPerMonth(plan);
          assert.ok(Math.abs(formula - simulated) < formula * 0.02, `${days} days, absence ${absence}: ${formula} and ${simulated}`);
        }
      }
    }
  });

  it('counts two calls an extension', () => {
    assert.equal(callsPerMonth(planOf(90), 1000), 5000);
    assert.equal(callsPerMonth(planOf(90), 0), 0);
  });

  it('runs an interval after the start of the last completed run, two minutes early, and at once where there was none or it lies in the future', () => {
    const plan = planOf(7);
    assert.deepEqual(nextRunAt(plan, later(now, -hour), now), later(now, 20 * hour - 120 * second));
    assert.deepEqual(nextRunAt(plan, null, now), now);
    assert.deepEqual(nextRunAt(plan, later(now, 1), now), now);
  });

  it('covers with every period itself and all shorter ones of the same absence', () => {
    assert.ok(covers(planOf(7), planOf(7)));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 0, max: 60 }),
        (one, other, absence) => {
          const [long, short] = [planOf(Math.max(one, other), absence), planOf(Math.min(one, other), absence)];
          return covers(long, short) && (one === other || !covers(short, long));
        },
      ),
    );
  });
});
