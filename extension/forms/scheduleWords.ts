import { Cron } from 'croner';
import { stamp } from '../../client/shown/units.ts';
import type { Words } from './words.ts';

/** Schedules that are offered by a sentence. `null`: by hand only. */
export const schedulePresets: readonly (string | null)[] = [
  '@hourly',
  '0 */4 * * *',
  '@daily',
  '0 12 * * 1-5',
  '@weekly',
  '@monthly',
  null,
];

/** They come at a minute of each policy's own, so that not all begin at once. */
const presetsOfDaemon: readonly string[] = ['@hourly', '@daily', '@weekly', '@monthly'];

function presetWords(preset: string, l10n: Words): string {
  switch (preset) {
    case '@hourly':
      return l10n.t('every hour');
    case '@daily':
      return l10n.t('every day, soon after midnight');
    case '@weekly':
      return l10n.t('every Sunday, soon after midnight');
    case '@monthly':
      return l10n.t('on the first of each month, soon after midnight');
    default:
      return preset;
  }
}

/** What daemon/policies/schedules takes for a field. */
const fieldPattern = /^[\da-z*,/#-]+$/i;
const number = /^\d{1,2}$/;

/** A schedule as people say it; what no sentence fits stands as it was typed. */
export function scheduleWords(schedule: string | null, l10n: Words): string {
  if (schedule === null) return l10n.t('by hand only');
  if (presetsOfDaemon.includes(schedule)) return presetWords(schedule, l10n);
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

/** Why a typed schedule will not do, as a sentence. */
export function scheduleProblem(typed: string, l10n: Words): string | undefined {
  const text = typed.trim();
  if (text === '') return l10n.t('Five fields: minute, hour, day of the month, month, day of the week.');
  if (presetsOfDaemon.includes(text.toLowerCase())) return undefined;
  const fields = text.split(/\s+/);
  if (fields.length !== 5) return l10n.t('{0} of five fields: minute, hour, day of the month, month, day of the week.', fields.length);
  const odd = fields.find((field) => !fieldPattern.test(field));
  if (odd !== undefined) return l10n.t('This is no schedule: {0} is no field of cron.', odd);
  try {
    const [next] = upcoming(text, new Date(0), 1);
    return next === undefined ? l10n.t('No day ever fits this schedule.') : undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
    return l10n.t('This is no schedule: {0}.', reason.replace(/\.$/, ''));
  }
}

/** The next runs, in local time, of a schedule that will do; those of presets come at a minute that nobody knows beforehand. */
export function nextRunsWords(schedule: string, now: Date, l10n: Words): string | undefined {
  if (presetsOfDaemon.includes(schedule.toLowerCase())) return undefined;
  const runs = upcoming(schedule, now, 3).map((run) => stamp(run));
  return runs.length === 0 ? undefined : l10n.t('Next: {0}', runs.join(', '));
}

function upcoming(cron: string, from: Date, many: number): readonly Date[] {
  return new Cron(cron.trim(), { mode: '5-part', paused: true }).nextRuns(many, from);
}
