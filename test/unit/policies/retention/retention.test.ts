import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Retention } from '../../../../protocol/methods/policies.ts';
import { bucketName, clockOf, type TimeUnit } from '../../../../daemon/policies/retention/bucketName.ts';
import { applyRetention, reasonText, type RetentionPoint } from '../../../../daemon/policies/retention/retention.ts';

const none: Retention = { latest: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const units = ['hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/** By rising sequence; `*` pins, `!` damages. */
function pointsAt(...times: readonly string[]): readonly RetentionPoint[] {
  return times.map((text, index) => ({
    id: `p${index + 1}`,
    sequence: index + 1,
    startedAt: new Date(text.replace(/[*!]$/, '')).toISOString(),
    pinned: text.endsWith('*'),
    damaged: text.endsWith('!'),
  }));
}

function kept(points: readonly RetentionPoint[], rules: Retention | null, timeZone = 'UTC'): readonly string[] {
  return applyRetention(points, rules, timeZone)
    .filter(({ keep }) => keep)
    .map(({ id }) => id)
    .toSorted();
}

function reasonsOf(
  points: readonly RetentionPoint[],
  rules: Retention | null,
  timeZone = 'UTC',
): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(applyRetention(points, rules, timeZone).map(({ id, reasons }) => [id, reasons.map(reasonText)]));
}

function hours(from: string, count: number, every = 1): readonly string[] {
  return Array.from({ length: count }, (_value, index) => new Date(Date.parse(from) + index * every * 3_600_000).toISOString());
}

const fork = (id: string, startedAt: string): RetentionPoint => ({ id, sequence: 7, startedAt, pinned: false, damaged: false });

describe('buckets of retention', () => {
  const table: readonly (readonly [TimeUnit, string, string, string])[] = [
    ['hourly', 'UTC', '2026-03-04T05:59:59.999Z', '2026-03-04T05+00:00'],
    ['hourly', 'Asia/Kolkata', '2026-03-04T05:29:59Z', '2026-03-04T10+05:30'],
    ['hourly', 'America/St_Johns', '2026-01-04T05:29:59Z', '2026-01-04T01-03:30'],
    ['daily', 'Pacific/Kiritimati', '2026-12-31T10:00:00Z', '2027-01-01'],
    ['daily', 'Pacific/Pago_Pago', '2027-01-01T10:59:59Z', '2026-12-31'],
    ['daily', 'UTC', '2028-02-29T23:59:59Z', '2028-02-29'],
    ['weekly', 'UTC', '2026-01-01T00:00:00Z', '2026-W01'],
    ['weekly', 'UTC', '2027-01-01T00:00:00Z', '2026-W53'],
    ['weekly', 'UTC', '2024-12-30T00:00:00Z', '2025-W01'],
    ['weekly', 'UTC', '2024-12-29T23:59:59Z', '2024-W52'],
    ['weekly', 'UTC', '2028-02-29T00:00:00Z', '2028-W09'],
    ['monthly', 'UTC', '2026-12-31T23:59:59Z', '2026-12'],
    ['yearly', 'Europe/Berlin', '2026-12-31T23:00:00Z', '2027'],
    ['yearly', 'UTC', '0099-06-01T00:00:00Z', '0099'],
  ];
  for (const [unit, timeZone, time, name] of table) {
    it(`${time} in ${timeZone} lies in ${unit} ${name}`, () => {
      assert.equal(bucketName(unit, clockOf(timeZone)(Date.parse(time))), name);
    });
  }

  const days: readonly (readonly [string, string, string, number])[] = [
    ['Europe/Berlin', '2026-10-24T22:00:00Z', 'the day on which clocks are set back', 25],
    ['Europe/Berlin', '2026-03-28T23:00:00Z', 'the day on which clocks are set forward', 23],
    ['America/New_York', '2026-11-01T04:00:00Z', 'another day on which clocks are set back', 25],
    ['UTC', '2028-02-29T00:00:00Z', 'a leap day', 24],
  ];
  for (const [timeZone, from, what, count] of days) {
    it(`F1: ${what} has ${count} hours and is one day (${timeZone})`, () => {
      const clock = clockOf(timeZone);
      const names = hours(from, count).map((time) => clock(Date.parse(time)));
      assert.equal(new Set(names.map((local) => bucketName('hourly', local))).size, count);
      assert.equal(new Set(names.map((local) => bucketName('daily', local))).size, 1);
      const after = clock(Date.parse(from) + count * 3_600_000);
      assert.notEqual(bucketName('daily', after), bucketName('daily', clock(Date.parse(from))));
    });
  }
});

describe('retention', () => {
  it('keeps everything where there are no rules, and the newest under rules of nothing', () => {
    const points = pointsAt('2026-01-01T00:00Z', '2026-01-02T00:00Z');
    assert.deepEqual(reasonsOf(points, null), { p2: ['everything', 'newest'], p1: ['everything'] });
    assert.deepEqual(reasonsOf(points, none), { p2: ['newest'], p1: [] });
    assert.deepEqual(applyRetention([], none, 'UTC'), []);
  });

  it('says for each why it stays', () => {
    const points = pointsAt('2026-01-01T10:00Z', '2026-01-01T20:00Z', '2026-01-02T10:00Z', '2026-01-02T10:30Z');
    assert.deepEqual(reasonsOf(points, { ...none, latest: 2, hourly: 1, daily: 2, yearly: 5 }), {
      p4: ['newest', 'latest 1', 'hourly 2026-01-02T10+00:00', 'daily 2026-01-02', 'yearly 2026'],
      p3: ['latest 2'],
      p2: ['daily 2026-01-01'],
      p1: [],
    });
  });

  it('keeps the newest of each of the buckets that were used last, and counts no bucket in which nothing ran', () => {
    const points = pointsAt('2026-01-01T01:00Z', '2026-01-01T02:00Z', '2026-01-07T01:00Z', '2026-03-01T01:00Z', '2026-03-01T02:00Z');
    assert.deepEqual(kept(points, { ...none, daily: 3 }), ['p2', 'p3', 'p5']);
    assert.deepEqual(kept(points, { ...none, weekly: 3 }), ['p2', 'p3', 'p5']);
    assert.deepEqual(kept(points, { ...none, monthly: 1 }), ['p5']);
  });

  it('takes the higher sequence for the newer one, whatever the clock said', () => {
    const points = pointsAt('2026-01-02T00:00Z', '2036-01-01T00:00Z', '2026-01-03T00:00Z', '2026-01-03T00:00Z', '1999-01-01T00:00Z');
    assert.deepEqual(kept(points, { ...none, latest: 2 }), ['p4', 'p5']);
    assert.deepEqual(kept(points, { ...none, daily: 2 }), ['p4', 'p5']);
    assert.deepEqual(kept(points, none), ['p5']);
  });

  it('takes of two restore points of one sequence the one that started later, then the one of the higher id', () => {
    assert.deepEqual(kept([fork('a', '2026-01-02T00:00:00.000Z'), fork('b', '2026-01-01T00:00:00.000Z')], none), ['a']);
    assert.deepEqual(kept([fork('a', '2026-01-01T00:00:00.000Z'), fork('b', '2026-01-01T00:00:00.000Z')], none), ['b']);
  });

  it('keeps pinned ones, which take no place', () => {
    const points = pointsAt('2026-01-01T00:00Z*', '2026-01-02T00:00Z', '2026-01-03T00:00Z', '2026-01-04T00:00Z*');
    assert.deepEqual(reasonsOf(points, { ...none, latest: 1 }), { p4: ['newest', 'pinned'], p3: ['latest 1'], p2: [], p1: ['pinned'] });
  });

  it('keeps damaged ones, which take no place and never stand for the newest', () => {
    const points = pointsAt('2026-01-01T00:00Z', '2026-01-02T00:00Z', '2026-01-03T00:00Z!');
    assert.deepEqual(reasonsOf(points, { ...none, daily: 1 }), { p3: ['damaged'], p2: ['newest', 'daily 2026-01-02'], p1: [] });
  });

  it('F1: a day, an hour and a year begin by the clock of the time zone', () => {
    const points = pointsAt('2026-12-31T22:30Z', '2026-12-31T23:30Z');
    assert.deepEqual(kept(points, { ...none, yearly: 2 }, 'UTC'), ['p2']);
    assert.deepEqual(kept(points, { ...none, yearly: 2 }, 'Europe/Berlin'), ['p1', 'p2']);
  });

  it('F1: keeps both hours that a clock shows twice', () => {
    const points = pointsAt(...hours('2026-10-24T22:30:00Z', 25));
    assert.equal(kept(points, { ...none, hourly: 25 }, 'Europe/Berlin').length, 25);
    assert.equal(kept(points, { ...none, hourly: 3 }, 'Europe/Berlin').length, 3);
  });
});

const someRules: fc.Arbitrary<Retention> = fc.record({
  latest: fc.nat(6),
  hourly: fc.nat(6),
  daily: fc.nat(6),
  weekly: fc.nat(4),
  monthly: fc.nat(4),
  yearly: fc.nat(3),
});
const someTimeZone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia');
/** Times that crowd, lie apart, jump and go back. */
const someTime = fc
  .tuple(fc.constantFrom(Date.UTC(2026, 9, 24, 20), Date.UTC(2027, 11, 30), Date.UTC(2028, 1, 28)), fc.integer({ min: -2000, max: 2000 }))
  .map(([base, quarters]) => new Date(base + quarters * 900_000).toISOString());
const somePoints: fc.Arbitrary<readonly RetentionPoint[]> = fc
  .array(fc.record({ startedAt: someTime, pinned: fc.nat(9).map((n) => n === 0), damaged: fc.nat(9).map((n) => n === 0) }), {
    maxLength: 40,
  })
  .map((facts) => facts.map((fact, index) => ({ ...fact, id: `p${String(index).padStart(3, '0')}`, sequence: index + 1 })));

describe('retention of any restore points under any rules', () => {
  const check = (property: (points: readonly RetentionPoint[], rules: Retention, timeZone: string) => void): void => {
    fc.assert(fc.property(somePoints, someRules, someTimeZone, property), { numRuns: 200 });
  };

  it('never retires all, the newest sound one, a pinned or a damaged one', () => {
    check((points, rules, timeZone) => {
      const stays = new Set(kept(points, rules, timeZone));
      assert.equal(stays.size === 0, points.length === 0);
      const newest = points.findLast(({ damaged }) => !damaged);
      for (const { id } of points.filter((point) => point.pinned || point.damaged || point === newest)) assert.ok(stays.has(id), id);
    });
  });

  it('keeps no more than the rules, the newest, the pinned and the damaged ones are', () => {
    check((points, rules, timeZone) => {
      const most = Object.values(rules).reduce((sum, count) => sum + count, 0);
      const others = points.filter(({ pinned, damaged }) => pinned || damaged).length;
      assert.ok(kept(points, rules, timeZone).length <= Math.max(most, 1) + others);
    });
  });

  it('keeps of each unit as many as it says, or one of every bucket', () => {
    check((points, rules, timeZone) => {
      const clock = clockOf(timeZone);
      const decisions = applyRetention(points, rules, timeZone);
      const free = points.filter(({ pinned, damaged }) => !pinned && !damaged);
      for (const unit of units) {
        const buckets = new Set(free.map(({ startedAt }) => bucketName(unit, clock(Date.parse(startedAt)))));
        const taken = decisions.flatMap(({ reasons }) => reasons.filter(({ rule }) => rule === unit).map(({ bucket }) => bucket));
        assert.equal(new Set(taken).size, taken.length);
        assert.equal(taken.length, Math.min(rules[unit], buckets.size));
      }
    });
  });

  it('does not depend on the order in which they are listed', () => {
    check((points, rules, timeZone) => {
      const expected = applyRetention(points, rules, timeZone);
      assert.deepEqual(applyRetention(points.toReversed(), rules, timeZone), expected);
      assert.deepEqual(
        applyRetention(
          points.toSorted((a, b) => (a.startedAt < b.startedAt ? -1 : 1)),
          rules,
          timeZone,
        ),
        expected,
      );
    });
  });

  it('applied twice is applied once', () => {
    check((points, rules, timeZone) => {
      const once = kept(points, rules, timeZone);
      assert.deepEqual(
        kept(
          points.filter(({ id }) => once.includes(id)),
          rules,
          timeZone,
        ),
        once,
      );
    });
  });

  it('a new restore point brings none back that was to go', () => {
    check((points, rules, timeZone) => {
      const before = new Set(kept(points.slice(0, -1), rules, timeZone));
      const newest = points.at(-1);
      for (const id of kept(points, rules, timeZone)) assert.ok(before.has(id) || id === newest?.id, id);
    });
  });

  it('applied after each run keeps what it keeps applied once at the end', () => {
    check((points, rules, timeZone) => {
      let left: readonly RetentionPoint[] = [];
      for (const point of points) {
        const now: readonly RetentionPoint[] = [...left, point];
        const stays = new Set(kept(now, rules, timeZone));
        left = now.filter(({ id }) => stays.has(id));
      }
      assert.deepEqual(left.map(({ id }) => id).toSorted(), kept(points, rules, timeZone));
    });
  });

  it('rules that keep more retire nothing more', () => {
    check((points, rules, timeZone) => {
      const more: Retention = { ...rules, latest: rules.latest + 1, daily: rules.daily + 2, yearly: rules.yearly + 1 };
      const stays = new Set(kept(points, more, timeZone));
      for (const id of kept(points, rules, timeZone)) assert.ok(stays.has(id), id);
    });
  });
});
