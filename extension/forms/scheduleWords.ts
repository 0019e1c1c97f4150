import { stamp } from '../../client/shown/units.ts';
import { cronTimes, isPreset, readSchedule, type ScheduleField, type SchedulePreset } from '../../protocol/schedule.ts';
import type { Words } from './words.ts';

/** Schedules that are offered by a sentence. `null`: by hand only. */
export const offeredSchedules: readonly (string | null)[] = [
  '@hourly',
  '0 */4 * * *',
  '@daily',
  '0 12 * * 1-5',
  '@weekly',
  '@monthly',
  null,
];

/** They come at a minute of each policy's own, so that not all begin at once. */
function presetWords(preset: SchedulePreset, l10n: Words): string {
  switch (preset) {
    case '@hourly':
      return l10n.t('every hour');
    case '@daily':
      return l10n.t('every day, soon after midnight');
    case '@weekly':
      return l10n.t('every Sunday, soon after midnight');
    case '@monthly':
      return l10n.t('on the first of each month, soon after midnight');
  }
}

const number = /^\d{1,2}$/;

/** A schedule as people say it; what no sentence fits stands as it was typed. */
export function scheduleWords(schedule: string | null, l10n: Words): string {
  if (schedule === null) return l10n.t('by hand only');
  if (isPreset(schedule)) return presetWords(schedule, l10n);
  const fields = schedule.trim().split(/\s+/);
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  if (fields.length !== 5 || month !== '*' || !number.test(minute)) return schedule;
  const at = minute.padStart(2, '0');
  if (day === '*' && weekday === '*' && hour === '*') {
    return minute === '0' ? l10n.t('every hour') : l10n.t('every hour, {0} minutes past', Number(minute));
  }
  const step = /^\*\/(\d{1,2})$/.exec(hour)?.[1];
  if (day === '*' && weekday === '*' && step !== undefined && minute === '0') return l10n.t('every {0} hours', Number(step));
  if (!number.test(hour)) return schedule;
  const time = `${hour.padStart(2, '0')}:${at}`;
  if (day === '*' && weekday === '*') return l10n.t('every day at {0}', time);
  if (day === '*' && weekday === '1-5') return l10n.t('Monday to Friday at {0}', time);
  const named = day === '*' ? weekdayWords(weekday, l10n) : undefined;
  if (named !== undefined) return l10n.t('every {0} at {1}', named, time);
  if (weekday === '*' && number.test(day)) return l10n.t('on day {0} of each month at {1}', Number(day), time);
  return schedule;
}

function weekdayWords(weekday: string, l10n: Words): string | undefined {
  const days = [
    l10n.t('Sunday'),
    l10n.t('Monday'),
    l10n.t('Tuesday'),
    l10n.t('Wednesday'),
    l10n.t('Thursday'),
    l10n.t('Friday'),
    l10n.t('Saturday'),
    l10n.t('Sunday'),
  ];
  return /^[0-7]$/.test(weekday) ? days[Number(weekday)] : undefined;
}

function fieldWords(field: ScheduleField, l10n: Words): string {
  switch (field) {
    case 'minute':
      return l10n.t('minute');
    case 'hour':
      return l10n.t('hour');
    case 'day of the month':
      return l10n.t('day of the month');
    case 'month':
      return l10n.t('month');
    case 'day of the week':
      return l10n.t('day of the week');
  }
}

/** Why a typed schedule will not do, as a sentence. */
export function scheduleProblem(typed: string, now: Date, l10n: Words): string | undefined {
  const read = readSchedule(typed, now.getTime());
  if ('text' in read) return undefined;
  const { problem } = read;
  switch (problem.kind) {
    case 'count':
      return problem.fields === 0
        ? l10n.t('Five fields: minute, hour, day of the month, month, day of the week.')
        : l10n.t('{0} of five fields: minute, hour, day of the month, month, day of the week.', problem.fields);
    case 'field':
      return l10n.t('This is no schedule: {0} is no {1}.', problem.typed, fieldWords(problem.field, l10n));
    case 'combination':
      return l10n.t('This is no schedule: its fields do not go together.');
    case 'never':
      return l10n.t('No day ever fits this schedule.');
  }
}

/** The next runs, in local time, of a schedule that will do; those of presets come at a minute that nobody knows beforehand. */
export function nextRunsWords(schedule: string, now: Date, l10n: Words): string | undefined {
  const read = readSchedule(schedule, now.getTime());
  const times = 'text' in read && !isPreset(read.text) ? cronTimes(read.text) : undefined;
  const runs: string[] = [];
  let at = times?.next(now.getTime());
  while (at !== undefined && runs.length < 3) {
    runs.push(stamp(new Date(at)));
    at = times?.next(at);
  }
  return runs.length === 0 ? undefined : l10n.t('Next: {0}', runs.join(', '));
}
