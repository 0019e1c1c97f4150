import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { bytesOf, secondsOf } from '../../../../client/typedUnits.ts';
import { proposedName } from '../../../../extension/forms/proposedName.ts';
import { retentionWords } from '../../../../extension/forms/retentionWords.ts';
import { nextRunsWords, offeredSchedules, scheduleProblem, scheduleWords } from '../../../../extension/forms/scheduleWords.ts';
import { typedBytes, typedSeconds, wholeNumberOf } from '../../../../extension/forms/typedValues.ts';
import { usualRetention } from '../../../../protocol/methods/retention.ts';
import { nameProblem } from '../../../../protocol/methods/values.ts';
import { inTimeZone } from '../../../support/timeZone.ts';
import { english } from './english.ts';

describe('names that forms propose', () => {
  for (const [folder, taken, name] of [
    ['/home/me/work', [], 'work'],
    ['/home/me/work/', [], 'work'],
    ['/home/me/work', ['work', 'work 2'], 'work 3'],
    ['/home/me/.config', [], 'config'],
    ['/home/me/a@b:c', [], 'a-b-c'],
    ['/home/me/Größe ✓', [], 'Größe'],
    ['/', [], 'files'],
    ['/home/me/***', [], 'files'],
    ['/home/me/latest', [], 'files'],
    [`/home/${'x'.repeat(80)}`, ['x'.repeat(64)], `${'x'.repeat(62)} 2`],
  ] as const) {
    it(`are ${name} for ${folder.slice(0, 30)}${taken.length === 0 ? '' : `, where ${taken.length} are taken`}`, () => {
      assert.equal(proposedName(folder, taken, 'files'), name);
    });
  }

  it('are always allowed and never taken', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 90 }), fc.array(fc.string({ maxLength: 3 })), (folder, taken) => {
        const name = proposedName(`/${folder}`, taken, 'files');
        assert.equal(nameProblem(name), undefined);
        assert.ok(!taken.includes(name));
      }),
    );
  });
});

describe('schedules in words', () => {
  for (const [schedule, words] of [
    [null, 'by hand only'],
    ['@hourly', 'every hour'],
    ['@daily', 'every day, soon after midnight'],
    ['@weekly', 'every Sunday, soon after midnight'],
    ['@monthly', 'on the first of each month, soon after midnight'],
    ['0 0 1 * *', 'on day 1 of each month at 00:00'],
    ['15 * * * *', 'every hour, 15 minutes past'],
    ['0 */4 * * *', 'every 4 hours'],
    ['30 18 * * 1-5', 'Monday to Friday at 18:30'],
    ['5 9 * * 7', 'every Sunday at 09:05'],
    ['5 9 * * 3', 'every Wednesday at 09:05'],
    ['*/7 9-17 * * 1,3', '*/7 9-17 * * 1,3'],
    ['5 9 * 2 *', '5 9 * 2 *'],
  ] as const) {
    it(`are "${words}" for ${schedule ?? 'none'}`, () => assert.equal(scheduleWords(schedule, english), words));
  }

  it('are refused while typing where no run comes of them, with the reason', () => {
    const now = new Date(2026, 10, 21, 17, 0);
    for (const [typed, reason] of [
      ['', /Five fields/],
      ['0 9 *', /^3 of five fields/],
      ['0 9 * * * *', /^6 of five fields/],
      ['0 25 * * *', /: 25 is no hour\.$/],
      ['a b c d e', /: A is no minute\.$/],
      ['0 0 ? * *', /: \? is no day of the month\.$/],
      ['0 0 31 2 *', /No day ever fits/],
    ] as const) {
      assert.match(scheduleProblem(typed, now, english) ?? '', reason);
    }
    for (const preset of offeredSchedules) if (preset !== null) assert.equal(scheduleProblem(preset, now, english), undefined);
  });

  it('tell the next three runs', () => {
    assert.equal(
      nextRunsWords('0 */4 * * *', new Date(2026, 10, 21, 17, 0), english),
      'Next: 2026-11-21 20:00, 2026-11-22 00:00, 2026-11-22 04:00',
    );
    assert.equal(nextRunsWords('@daily', new Date(2026, 10, 21, 17, 0), english), undefined);
  });

  it('F1: tell the runs that the daemon makes where the clocks leave their hour out: one, at its end', () => {
    using _ = inTimeZone('Europe/Berlin');
    const evening = new Date('2026-03-28T12:00:00Z');
    assert.equal(nextRunsWords('*/15 2 * * *', evening, english), 'Next: 2026-03-29 03:00, 2026-03-30 02:00, 2026-03-30 02:15');
  });
});

describe('retention in words', () => {
  for (const [keep, words] of [
    [null, 'everything stays'],
    [usualRetention, '10 latest, 24 hourly, 14 daily, 8 weekly, 12 monthly, 3 yearly'],
    [{ latest: 0, hourly: 0, daily: 7, weekly: 0, monthly: 0, yearly: 0 }, '7 daily'],
    [{ latest: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 }, 'the newest only'],
  ] as const) {
    it(`is "${words}"`, () => assert.equal(retentionWords(keep, english), words));
  }
});

describe('typed values', () => {
  it('are shown as what is read as the same value', () => {
    fc.assert(fc.property(fc.nat(), (value) => assert.equal(bytesOf(typedBytes(value)), value)));
    fc.assert(fc.property(fc.nat({ max: 86_400_000 }), (value) => assert.equal(secondsOf(typedSeconds(value)), value)));
  });

  it('are whole numbers up to a limit', () => {
    assert.deepEqual(
      ['7', ' 7 ', '0', '100', '101', '7.5', '-1', '', '1e1'].map((text) => wholeNumberOf(text, 100)),
      [7, 7, 0, 100, undefined, undefined, undefined, undefined, undefined],
    );
  });
});
