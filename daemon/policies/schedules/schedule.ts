import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import { HoldfastError } from '../../../protocol/errors.ts';

/** When a policy runs. Times are milliseconds since 1970; the fields are those of the machine's time zone. */
export interface Schedule {
  /** As it is stored: a preset, or five fields with one space between. */
  readonly text: string;
  /** The first time after this one; `undefined` where none comes. */
  next(after: number): number | undefined;
  /** The longest time between two runs around this one: the gap that it lies in and the next ones. */
  longestGap(around: number): number;
}

const presets = ['@hourly', '@daily', '@weekly', '@monthly'] as const;
type Preset = (typeof presets)[number];

const isPreset = (text: string): text is Preset => presets.some((preset) => preset === text);

const fieldNames = ['minute', 'hour', 'day of the month', 'month', 'day of the week'] as const;
/** Names of months and days, L (last) and W (nearest weekday) are letters; croner's `?` and its seconds and years are none of cron's. */
const fieldPattern = /^[\da-z*,/#-]+$/i;
const hourMs = 3_600_000;

const fix = `Say @hourly, @daily, @weekly or @monthly, or five fields such as "30 2 * * 1-5" (${fieldNames.join(', ')}).`;

/**
 * The form in which a schedule is stored. Throws `badValue` on what is none and on what never comes.
 *
 * @param now milliseconds: whether it comes again is asked from here
 */
export function normalSchedule(typed: string, now: number): string {
  const text = typed.trim().toLowerCase();
  if (isPreset(text)) return text;
  const fields = typed.trim().toUpperCase().split(/\s+/);
  const spelled = fields.join(' ');
  if (fields.length !== fieldNames.length) throw badSchedule(typed, 'it is neither a preset nor five fields');
  for (const [index, field] of fields.entries()) {
    const others = fieldNames.map((_, other) => (other === index ? field : '*'));
    if (!fieldPattern.test(field) || cronOf(others.join(' ')) === undefined) {
      throw badSchedule(typed, `${JSON.stringify(field)} is no ${fieldNames[index] ?? ''}`);
    }
  }
  const cron = cronOf(spelled);
  if (cron === undefined) throw badSchedule(typed, 'its fields do not go together');
  if (cron.nextRun(new Date(now)) === null) throw badSchedule(typed, 'it never comes');
  return spelled;
}

/**
 * A stored schedule. Presets have a minute and second of each policy's own, so that not all policies and machines come to a store at once:
 * `@hourly` at that minute, `@daily` so long after midnight, `@weekly` after that of Sunday, `@monthly` after that of the first. A line of cron runs when it
 * says: whoever writes the minute means it. Throws `badValue`.
 */
export function scheduleOf(text: string, policyId: string): Schedule {
  const pattern = isPreset(text) ? presetPattern(text, policyId) : text;
  const cron = cronOf(pattern);
  if (cron === undefined) throw badSchedule(text, 'this version does not know it');
  // Asked every minute: what was found holds from wherever it is asked before it.
  let found: { readonly from: number; readonly next: number } | undefined;
  const next = (after: number): number | undefined => {
    if (found !== undefined && after >= found.from && after < found.next) return found.next;
    const at = withGap(cron, pattern, after);
    if (at !== undefined) found = { from: after, next: at };
    return at;
  };
  return {
    text,
    next,
    longestGap: (around) => {
      const times = [cron.previousRuns(1, new Date(around + 1000))[0]?.getTime() ?? around];
      let at: number | undefined = around;
      for (let count = 0; count < 3 && at !== undefined; count += 1) {
        at = next(at);
        if (at !== undefined) times.push(at);
      }
      return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time)), 0);
    },
  };
}

function presetPattern(preset: Preset, policyId: string): string {
  const [minute = 0, second = 0] = createHash('sha256').update(`schedule/${policyId}`).digest();
  const at = `${second % 60} ${minute % 60}`;
  switch (preset) {
    case '@hourly':
      return `${at} * * * *`;
    case '@daily':
      return `${at} 0 * * *`;
    case '@weekly':
      return `${at} 0 * * 0`;
    case '@monthly':
      return `${at} 0 1 * *`;
  }
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

function badSchedule(typed: string, cause: string): HoldfastError {
  return new HoldfastError('badValue', `Failed to read the schedule ${JSON.stringify(typed.slice(0, 100))}: ${cause}.`, { fix });
}
