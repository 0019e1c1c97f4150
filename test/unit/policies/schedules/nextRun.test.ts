import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { doneUntil, nextRun, overdueAt, retryDelay, type ScheduleState } from '../../../../daemon/policies/schedules/nextRun.ts';
import { scheduleOf } from '../../../../daemon/policies/schedules/schedule.ts';
import { inTimeZone } from '../../../support/timeZone.ts';

const minute = 60_000;
const hour = 60 * minute;
const at = (text: string): number => Date.parse(`2026-03-${text}Z`);
const shown = (time: number | undefined): string => (time === undefined ? 'never' : new Date(time).toISOString().slice(8, 19));

describe('the next run', () => {
  let zone: Disposable;
  beforeEach(() => {
    zone = inTimeZone('UTC');
  });
  afterEach(() => zone[Symbol.dispose]());

  const settleMs = 20_000;
  const done: ScheduleState = { doneUntil: at('10T02:00:00'), failures: 0, retryAt: null };
  for (const [what, state, now, awakeSince, expected] of [
    ['is the next regular time', done, '10T12:00:00', '09T00:00:00', '11T02:00:00'],
    ['is due at its very time', done, '11T02:00:00', '09T00:00:00', '11T02:00:00'],
    ['waits a little after a time that was missed', done, '13T12:00:00', '13T12:00:00', '13T12:00:20'],
    ['stays due where it could have run and could not', done, '11T12:00:00', '09T00:00:00', '11T02:00:00'],
    ['does not wait for what comes just after the waking', done, '11T01:59:59', '11T01:59:55', '11T02:00:00'],
    [
      'is a retry where that comes sooner',
      { ...done, failures: 1, retryAt: at('10T02:06:00') },
      '10T02:01:00',
      '09T00:00:00',
      '10T02:06:00',
    ],
    [
      'is the regular time where that comes sooner',
      { ...done, failures: 4, retryAt: at('11T05:00:00') },
      '11T01:30:00',
      '09T00:00:00',
      '11T02:00:00',
    ],
    ['is at once for what was interrupted', { ...done, retryAt: at('10T02:10:00') }, '10T02:10:00', '09T00:00:00', '10T02:10:00'],
    ['holds for a jump back within a gap', done, '09T12:00:00', '09T12:00:00', '11T02:00:00'],
    ['begins anew behind a jump back beyond it', done, '07T12:00:00', '07T12:00:00', '08T02:00:00'],
    [
      'is a retry now where its time lies beyond any delay',
      { ...done, failures: 1, retryAt: at('10T09:00:00') },
      '10T03:00:00',
      '10T03:00:00',
      '10T03:00:00',
    ],
  ] as const) {
    it(what, () => {
      const schedule = scheduleOf('0 2 * * *', 'p');
      assert.equal(shown(nextRun(schedule, state, { now: at(now), awakeSince: at(awakeSince), settleMs })), expected);
    });
  }

  it('grows from five minutes to four hours between retries', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 100].map((failures) => retryDelay(failures) / minute),
      [0, 5, 15, 60, 240, 240, 240],
    );
  });

  it('is overdue after twice the gap', () => {
    assert.equal(shown(overdueAt(scheduleOf('0 * * * *', 'p'), at('10T02:03:00'))), '10T04:03:00');
  });

  it('F1: whatever is remembered and whatever the clock says, comes within two gaps, and is no time that is dealt with', () => {
    const instant = fc.integer({ min: at('01T00:00:00'), max: at('31T00:00:00') });
    const state = fc.record({
      doneUntil: instant,
      failures: fc.integer({ min: 0, max: 9 }),
      retryAt: fc.option(instant, { nil: null }),
    });
    fc.assert(
      fc.property(fc.constantFrom('0 * * * *', '0 2 * * *', '0 9 * * 1-5', '*/10 * * * *'), state, instant, (text, remembered, now) => {
        const schedule = scheduleOf(text, 'p');
        const next = nextRun(schedule, remembered, { now, awakeSince: now - hour, settleMs }) ?? assert.fail();
        const gap = Math.max(schedule.longestGap(now), schedule.longestGap(remembered.doneUntil), 3 * hour);
        assert.ok(next <= now + 2 * gap + settleMs, `${shown(next)} is too far from ${shown(now)}`);
        if (remembered.retryAt === null) assert.ok(next > doneUntil(schedule, remembered, now) || next >= now - hour);
      }),
      { numRuns: 1000 },
    );
  });
});
