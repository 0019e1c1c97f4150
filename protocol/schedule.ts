import { Cron } from 'croner';

/** Schedules as they are written and when they come; the same for the daemon that runs by them and for the faces that tell of them. */

export const schedulePresets = ['@hourly', '@daily', '@weekly', '@monthly'] as const;
export type SchedulePreset = (typeof schedulePresets)[number];

/** The fields of a line of cron, in their order. */
export const scheduleFields = ['minute', 'hour', 'day of the month', 'month', 'day of the week'] as const;
export type ScheduleField = (typeof scheduleFields)[number];

/** Why a text is no schedule. */
export type ScheduleProblem =
  | { readonly kind: 'count'; readonly fields: number }
  | { readonly kind: 'field'; readonly field: ScheduleField; readonly typed: string }
  | { readonly kind: 'combination' }
  | { readonly kind: 'never' };

export type ReadSchedule = { readonly text: string } | { readonly problem: ScheduleProblem };

/** Names of months and days, L (last) and W (nearest weekday) are letters; croner's `?` and its seconds and years are none of cron's. */
const fieldPattern = /^[\da-z*,/#-]+$/i;
const hourMs = 3_600_000;

export function isPreset(text: string): text is SchedulePreset {
  return schedulePresets.some((preset) => preset === text);
}

/**
 * The form in which a schedule is stored, a preset or five fields with one space between, or why a text is none.
 *
 * @param now milliseconds since 1970: whether it ever comes is asked from here
 */
export function readSchedule(typed: string, now: number): ReadSchedule {
  const preset = typed.trim().toLowerCase();
  if (isPreset(preset)) return { text: preset };
  const fields = typed.trim().toUpperCase().split(/\s+/).filter(Boolean);
  const text = fields.join(' ');
  if (fields.length !== scheduleFields.length) return { problem: { kind: 'count', fields: fields.length } };
  for (const [index, field] of scheduleFields.entries()) {
    const value = fields[index] ?? '';
    const alone = scheduleFields.map((_, other) => (other === index ? value : '*')).join(' ');
    if (!fieldPattern.test(value) || cronOf(alone) === undefined) return { problem: { kind: 'field', field, typed: value } };
  }
  const cron = cronOf(text);
  if (cron === undefined) return { problem: { kind: 'combination' } };
  return cron.nextRun(new Date(now)) === null ? { problem: { kind: 'never' } } : { text };
}

/** When a line of cron comes, in the time zone of the machine. Times are milliseconds since 1970. */
export interface CronTimes {
  /** The first time after this one; `undefined` where none comes. */
  next(after: number): number | undefined;
  /** The last time before this one; `undefined` where there was none. */
  previous(before: number): number | undefined;
}

/** @param pattern five fields, or six with that of the seconds before them. `undefined` where it is none. */
export function cronTimes(pattern: string): CronTimes | undefined {
  const cron = cronOf(pattern);
  if (cron === undefined) return undefined;
  return {
    next: (after) => withGap(cron, pattern, after),
    previous: (before) => cron.previousRuns(1, new Date(before))[0]?.getTime(),
  };
}

/** Without a callback: it computes, and sets no timer. */
function cronOf(pattern: string, timezone?: string): Cron | undefined {
  try {
    return new Cron(pattern, { paused: true, ...(timezone === undefined ? {} : { timezone }) });
  } catch {
    return undefined;
  }
}

/**
 * The library moves one time that the clocks leave out to the end of the gap, but forgets several of the same hour (`0,30 2 * * *`). All of them
 * together come once, at the end of the gap. What exists twice comes once, the first time, unless it comes every hour anyway.
 */
function withGap(cron: Cron, pattern: string, after: number): number | undefined {
  const next = cron.nextRun(new Date(after))?.getTime();
  const last = next ?? after + 2 * 24 * hourMs;
  const gap = offsetAt(last) - offsetAt(after);
  if (gap <= 0) return next;
  const end = jumpBetween(after, last);
  if (next !== undefined && next - end <= gap) return next;
  // The hours of the gap as if they were: on a line of time that has no jumps.
  const from = end + offsetAt(end - 1);
  const within = cronOf(pattern, 'UTC')
    ?.nextRun(new Date(from - 1000))
    ?.getTime();
  return within !== undefined && within < from + gap ? end : next;
}

/** Milliseconds that local time is ahead of UTC. */
function offsetAt(time: number): number {
  return -new Date(time).getTimezoneOffset() * 60_000;
}

/** The first instant after the clocks were set, between two with different offsets. */
function jumpBetween(before: number, after: number): number {
  let low = before;
  let high = after;
  const offset = offsetAt(before);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}
