import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { normalSchedule, type Schedule, scheduleOf } from '../../../../daemon/policies/schedules/schedule.ts';
import { inTimeZone } from '../../../support/timeZone.ts';

const hour = 3_600_000;
const policyId = '4f1c2a00-1111-4222-8333-444455556666';
const at = (text: string): number => Date.parse(text);

/** The next times after one, as UTC to the minute. */
function times(schedule: Schedule, after: string, count: number): readonly string[] {
  const found: string[] = [];
  let last: number | undefined = at(after);
  while (found.length < count) {
    last = schedule.next(last);
    if (last === undefined) break;
    found.push(new Date(last).toISOString().slice(0, 16));
  }
  return found;
}

describe('schedule', () => {
  it('is stored in one spelling', () => {
    for (const [typed, stored] of [
      ['@daily', '@daily'],
      [' @Hourly ', '@hourly'],
      ['30 2 * * 1-5', '30 2 * * 1-5'],
      ['  0   9 * *  mon-fri', '0 9 * * MON-FRI'],
      ['0 0 29 2 *', '0 0 29 2 *'],
      ['0 0 l * *', '0 0 L * *'],
    ] as const) {
      assert.equal(normalSchedule(typed, at('2026-01-01T00:00:00Z')), stored);
    }
  });

  for (const [typed, cause] of [
    ['', /neither a preset nor five fields/],
    ['@yearly', /neither a preset nor five fields/],
    ['daily', /neither a preset nor five fields/],
    ['* * * *', /neither a preset nor five fields/],
    ['0 * * * * *', /neither a preset nor five fields/],
    ['60 * * * *', /"60" is no minute/],
    ['* 24 * * *', /"24" is no hour/],
    ['* * 32 * *', /"32" is no day of the month/],
    ['* * * FOO *', /"FOO" is no month/],
    ['* * * * 8', /"8" is no day of the week/],
    ['*/0 * * * *', /no minute/],
    ['9-5 * * * *', /no minute/],
    ['? * * * *', /no minute/],
    ['\u001b[2J * * * *', /no minute/],
    ['0 0 30 2 *', /it never comes/],
    ['0 0 31 4,6,9,11 *', /it never comes/],
  ] as const) {
    it(`refuses ${JSON.stringify(typed)} with a sentence and a way out`, () => {
      assert.throws(
        () => normalSchedule(typed, at('2026-01-01T00:00:00Z')),
        (error: unknown) => {
          assert.ok(error instanceof Error && 'code' in error && 'fix' in error);
          assert.equal(error.code, 'badValue');
          assert.match(error.message, /^Failed to read the schedule ".*": .*\.$/);
          assert.match(error.message, cause);
          assert.ok(!error.message.includes('\u001b'));
          assert.match(String(error.fix), /@daily/);
          return true;
        },
      );
    });
  }

  it('M1: takes or refuses any text, and never throws anything else', () => {
    const field = fc.stringMatching(/^[\d*,/?LW#a-z-]{1,6}$/);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.tuple(field, field, field, field, field).map((fields) => fields.join(' ')),
        ),
        (text) => {
          try {
            const stored = normalSchedule(text, at('2026-01-01T00:00:00Z'));
            assert.equal(normalSchedule(stored, at('2026-01-01T00:00:00Z')), stored);
            assert.ok((scheduleOf(stored, policyId).next(at('2026-01-01T00:00:00Z')) ?? 0) > at('2026-01-01T00:00:00Z'));
          } catch (error) {
            assert.ok(error instanceof Error && 'code' in error && error.code === 'badValue', String(error));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives each policy a minute of its own for the presets, the same every time, and none for a line of cron', () => {
    const minutes = new Set<string>();
    for (let policy = 0; policy < 200; policy += 1) {
      const [first = '', second = ''] = times(scheduleOf('@hourly', `policy ${policy}`), '2026-03-01T00:00:00Z', 2);
      assert.deepEqual([first, second], times(scheduleOf('@hourly', `policy ${policy}`), '2026-03-01T00:00:00Z', 2));
      assert.equal(at(`${second}Z`) - at(`${first}Z`), hour);
      minutes.add(first);
      assert.deepEqual(times(scheduleOf('7 * * * *', `policy ${policy}`), '2026-03-01T00:00:00Z', 1), ['2026-03-01T00:07']);
    }
    assert.ok(minutes.size > 50, `${minutes.size} different minutes`);
  });

  it('runs presets soon after the hour, midnight, the Sunday and the first', () => {
    using _ = inTimeZone('UTC');
    const next = (preset: string): Date => new Date(scheduleOf(preset, policyId).next(at('2026-03-17T12:34:56Z')) ?? 0);
    assert.equal(next('@daily').toISOString().slice(0, 13), '2026-03-18T00');
    assert.equal(next('@weekly').toISOString().slice(0, 13), '2026-03-22T00');
    assert.equal(next('@weekly').getUTCDay(), 0);
    assert.equal(next('@monthly').toISOString().slice(0, 13), '2026-04-01T00');
  });

  it('F1: runs once in an hour that the clocks leave out, and once in one that they have twice', () => {
    using _ = inTimeZone('Europe/Berlin');
    const nightly = scheduleOf('30 2 * * *', policyId);
    assert.deepEqual(times(nightly, '2026-03-28T00:00:00Z', 3), ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30']);
    assert.deepEqual(times(nightly, '2026-10-24T12:00:00Z', 2), ['2026-10-25T00:30', '2026-10-26T01:30']);
    // From inside the second of the two hours.
    assert.deepEqual(times(nightly, '2026-10-25T01:10:00Z', 1), ['2026-10-26T01:30']);
    // All times of the missing hour are one.
    assert.deepEqual(times(scheduleOf('*/15 2 * * *', policyId), '2026-03-28T02:00:00Z', 2), ['2026-03-29T01:00', '2026-03-30T00:00']);
  });

  it('F1: runs every hour of the days on which the clocks are set', () => {
    using _ = inTimeZone('Europe/Berlin');
    const hourly = scheduleOf('17 * * * *', policyId);
    for (const day of ['2026-03-28T22:30:00Z', '2026-10-24T21:30:00Z']) {
      const found = times(hourly, day, 8).map((time) => at(`${time}Z`));
      for (const [index, time] of found.slice(1).entries()) assert.equal(time - (found[index] ?? 0), hour);
    }
  });

  it('F1: gives where the clocks are set at midnight, and by half an hour, one run a day', () => {
    for (const [zone, from] of [
      ['America/Santiago', '2026-09-04T12:00:00Z'],
      ['Africa/Cairo', '2026-04-22T12:00:00Z'],
      ['Australia/Lord_Howe', '2026-10-02T12:00:00Z'],
      ['Australia/Lord_Howe', '2026-04-03T12:00:00Z'],
    ] as const) {
      using _ = inTimeZone(zone);
      for (const text of ['10 0 * * *', '15 2 * * *', '@daily']) {
        const found = times(scheduleOf(text, policyId), from, 5).map((time) => new Date(`${time}Z`).toLocaleDateString('en-CA'));
        assert.equal(new Set(found).size, 5, `${zone} ${text}: ${found.join(' ')}`);
        const days = (at(`${found[4] ?? ''}T00:00:00Z`) - at(`${found[0] ?? ''}T00:00:00Z`)) / (24 * hour);
        assert.equal(days, 4, `${zone} ${text}: ${found.join(' ')}`);
      }
    }
  });

  it('F1: comes on leap days alone where it says so', () => {
    using _ = inTimeZone('UTC');
    const leap = scheduleOf('0 0 29 2 *', policyId);
    assert.deepEqual(times(leap, '2026-01-01T00:00:00Z', 2), ['2028-02-29T00:00', '2032-02-29T00:00']);
  });

  it('F1: gives the same times from wherever it is asked, all in the future and in order', () => {
    const texts = ['@hourly', '@daily', '@weekly', '30 2 * * *', '*/20 2 * * *', '0 9,17 * * 1-5', '0 0 1 * *'];
    const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
    const instant = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') });
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.constantFrom(...zones),
        instant,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (text, zone, from, part) => {
          using _ = inTimeZone(zone);
          const schedule = scheduleOf(text, policyId);
          const next = schedule.next(from) ?? assert.fail();
          assert.ok(next > from);
          // Nothing lies between: asked from anywhere before it, it is the next one still.
          assert.equal(schedule.next(Math.floor(from + (next - from - 1) * part)), next);
          assert.ok((schedule.next(next) ?? 0) > next);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('knows its longest gap around a time: that of the weekend for working days', () => {
    using _ = inTimeZone('UTC');
    const gap = (text: string, around: string): number => scheduleOf(text, policyId).longestGap(at(around)) / hour;
    assert.equal(gap('@hourly', '2026-03-17T12:00:00Z'), 1);
    assert.equal(gap('30 2 * * *', '2026-03-17T12:00:00Z'), 24);
    assert.equal(gap('0 9 * * 1-5', '2026-03-20T12:00:00Z'), 72);
    assert.equal(gap('0 9 * * 1-5', '2026-03-16T12:00:00Z'), 24);
    assert.equal(gap('0 0 1 * *', '2026-01-15T00:00:00Z'), 31 * 24);
  });
});
