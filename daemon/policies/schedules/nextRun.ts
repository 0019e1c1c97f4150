import type { Schedule } from './schedule.ts';

/** What is remembered of a policy's schedule. Times are milliseconds since 1970 by the wall clock. */
export interface ScheduleState {
  /** Every time up to this one is dealt with: by a run that began then, or because the schedule holds only since then. */
  readonly doneUntil: number;
  /** Runs in a row that failed. */
  readonly failures: number;
  /** When a run that failed or was interrupted is tried again. */
  readonly retryAt: number | null;
}

export interface Moment {
  readonly now: number;
  /** Since when the daemon can run anything: its start, the machine's waking, the unlocking, the last time the clock was set. */
  readonly awakeSince: number;
  /** How long after that what was missed waits, so that networks and disks are there. */
  readonly settleMs: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** After the first failure, the second, … ; the last for all that follow. Nothing runs sooner than the first of them after a failure. */
const retryDelays = [5 * minuteMs, 15 * minuteMs, hourMs, 4 * hourMs] as const;

/** Clocks are set by a little all the time, and by hours where a time zone was wrong. */
const setBackMs = 3 * hourMs;

export function retryDelay(failures: number): number {
  return failures === 0 ? 0 : (retryDelays[Math.min(failures, retryDelays.length) - 1] ?? 0);
}

/**
 * When the policy runs next by itself: may lie in the past (it is due); `undefined` where its schedule has no more times. However many times were missed,
 * there is one run for them.
 */
export function nextRun(schedule: Schedule, state: ScheduleState, { now, awakeSince, settleMs }: Moment): number | undefined {
  const due = schedule.next(doneUntil(schedule, state, now));
  const at = withRetry(due, state, now);
  if (at === undefined) return undefined;
  return at < awakeSince ? awakeSince + settleMs : at;
}

/**
 * Up to when everything is dealt with, by a clock that may have been set back since: what ran before the jump does not run again, so it holds, but only
 * as far ahead as one gap of the schedule (three hours at least), since else nothing would run until the clock has come there again.
 */
export function doneUntil(schedule: Schedule, state: ScheduleState, now: number): number {
  const ahead = state.doneUntil - now;
  if (ahead <= 0) return state.doneUntil;
  return ahead <= Math.max(setBackMs, schedule.longestGap(now)) ? state.doneUntil : now;
}

function withRetry(due: number | undefined, { failures, retryAt }: ScheduleState, now: number): number | undefined {
  if (retryAt === null) return due;
  const delay = retryDelay(failures);
  // Further ahead than it was ever set: the clock was set back.
  const retry = retryAt - now > delay ? now : retryAt;
  const soonest = retry - delay + retryDelay(Math.min(failures, 1));
  return due === undefined ? retry : Math.min(retry, Math.max(due, soonest));
}

/** When it is overdue: nothing was made for twice the schedule's longest gap. `madeAt`: the newest restore point, or since when the schedule holds. */
export function overdueAt(schedule: Schedule, madeAt: number): number {
  return madeAt + 2 * schedule.longestGap(madeAt);
}
