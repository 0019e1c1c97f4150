import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import {
  cronTimes,
  isPreset,
  readSchedule,
  scheduleFields,
  type SchedulePreset,
  type ScheduleProblem,
} from '../../../protocol/schedule.ts';

/** When a policy runs. Times are milliseconds since 1970; the fields are those of the machine's time zone. */
export interface Schedule {
  /** As it is stored: a preset, or five fields with one space between. */
  readonly text: string;
  /** The first time after this one; `undefined` where none comes. */
  next(after: number): number | undefined;
  /** The longest time between two runs around this one: the gap that it lies in and the next ones. */
  longestGap(around: number): number;
}

const fix = `Say @hourly, @daily, @weekly or @monthly, or five fields such as "30 2 * * 1-5" (${scheduleFields.join(', ')}).`;

/**
 * The form in which a schedule is stored. Throws `badValue` on what is none and on what never comes.
 *
 * @param now milliseconds: whether it comes again is asked from here
 */
export function normalSchedule(typed: string, now: number): string {
  const read = readSchedule(typed, now);
  if ('problem' in read) throw badSchedule(typed, causeOf(read.problem));
  return read.text;
}

function causeOf(problem: ScheduleProblem): string {
  switch (problem.kind) {
    case 'count':
      return 'it is neither a preset nor five fields';
    case 'field':
      return `${JSON.stringify(problem.typed)} is no ${problem.field}`;
    case 'combination':
      return 'its fields do not go together';
    case 'never':
      return 'it never comes';
  }
}

/**
 * A stored schedule. Presets have a minute and second of each policy's own, so that not all policies and machines come to a store at once:
 * `@hourly` at that minute, `@daily` so long after midnight, `@weekly` after that of Sunday, `@monthly` after that of the first. A line of cron runs when it
 * says: whoever writes the minute means it. Throws `badValue`.
 */
export function scheduleOf(text: string, policyId: string): Schedule {
  const times = cronTimes(isPreset(text) ? presetPattern(text, policyId) : text);
  if (times === undefined) throw badSchedule(text, 'this version does not know it');
  // Asked every minute: what was found holds from wherever it is asked before it.
  let found: { readonly from: number; readonly next: number } | undefined;
  const next = (after: number): number | undefined => {
    if (found !== undefined && after >= found.from && after < found.next) return found.next;
    const at = times.next(after);
    if (at !== undefined) found = { from: after, next: at };
    return at;
  };
  return {
    text,
    next,
    longestGap: (around) => {
      const runs = [times.previous(around + 1000) ?? around];
      let at: number | undefined = around;
      for (let count = 0; count < 3 && at !== undefined; count += 1) {
        at = next(at);
        if (at !== undefined) runs.push(at);
      }
      return Math.max(...runs.slice(1).map((time, index) => time - (runs[index] ?? time)), 0);
    },
  };
}

function presetPattern(preset: SchedulePreset, policyId: string): string {
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

function badSchedule(typed: string, cause: string): HoldfastError {
  return new HoldfastError('badValue', `Failed to read the schedule ${JSON.stringify(typed.slice(0, 100))}: ${cause}.`, { fix });
}
