import { covers, type LockPlan, type LockTerms, lockPlan, nextRunAt } from './lockPlan.ts';

/**
 * How far the keeping of locks has come at one location, and what holds meanwhile. Plain data: it lies in the catalog as JSON. Times are store time, RFC 3339
 * in UTC with three decimals.
 */
export interface LockRunState {
  /** What the user set. New locks and extensions are made by it. */
  readonly aim: LockTerms;
  /** What holds for everything that is kept locked; weaker than `aim` until a whole run by `aim` is complete; `null` until there was any. */
  readonly promised: LockTerms | null;
  /** A run that began and is neither complete nor given up. */
  readonly run: UnfinishedRun | null;
  readonly lastCompleted: { readonly start: string; readonly end: string } | null;
  /** While the next run is complete by this, what is promised holds: first start of the last one, longest gap, deadline. `null` where nothing is promised. */
  readonly completeBy: string | null;
  /** A run is due at once, whatever the interval says. */
  readonly isWanted: boolean;
  /** Runs in a row that failed. */
  readonly failures: number;
  /** The last failure that the next run waits for. */
  readonly failedAt: string | null;
}

export interface UnfinishedRun {
  /** Of a run that was cut short and resumed, its first start: what it has looked at, it looked at since then. */
  readonly firstStart: string;
  /** Not active: cut short, to be resumed. */
  readonly isActive: boolean;
}

export type LockRunEvent =
  /** `at` must not be later than the first look at an object: the earlier bound of the store's time. */
  | { readonly type: 'runStarted'; readonly at: Date }
  /** Everything that is kept locked was looked at and is not short. `at`: the later bound of the store's time. */
  | { readonly type: 'runCompleted'; readonly at: Date }
  /** Given up: the store was away, or something could not be extended. `at` may be an estimate. */
  | { readonly type: 'runFailed'; readonly at: Date }
  /** Cut short by the daemon's orderly end or by the user. */
  | { readonly type: 'runInterrupted' }
  /** An active run ends by this: what it did counts for nothing, and the next begins at once. `at`: the earlier bound of the store's time. */
  | { readonly type: 'termsChanged'; readonly at: Date; readonly terms: LockTerms }
  /** Before anything else after a start of the daemon: what was active then was cut short. */
  | { readonly type: 'daemonStarted' }
  | { readonly type: 'woke' };

const minuteMs = 60_000;

/** Waits after the first failure in a row, the second, …; the last for all that follow. The shortest deadline of a run is an hour. */
const retryDelays = [minuteMs, 2 * minuteMs, 4 * minuteMs, 8 * minuteMs, 15 * minuteMs] as const;

/** Nothing is promised before a first run: what lies at the location may have been put without locks. */
export function initialRunState(aim: LockTerms): LockRunState {
  return { aim, promised: null, run: null, lastCompleted: null, completeBy: null, isWanted: true, failures: 0, failedAt: null };
}

/** What an event makes of a state. The end of a run that is not active any more, since the terms were changed under it, makes nothing of it. */
export function afterEvent(state: LockRunState, event: LockRunEvent): LockRunState {
  switch (event.type) {
    case 'runStarted':
      return started(state, event.at);
    case 'runCompleted':
      return completed(state, event.at);
    case 'runFailed':
      if (!isRunning(state)) return state;
      return { ...state, run: null, failures: state.failures + 1, failedAt: event.at.toISOString() };
    case 'runInterrupted':
      return cutShort(state);
    case 'termsChanged':
      return changed(state, event.terms, event.at);
    case 'daemonStarted':
      return { ...cutShort(state), isWanted: true, failedAt: null };
    case 'woke':
      return isRunning(state) ? state : { ...state, isWanted: true, failedAt: null };
  }
}

/**
 * When the monitor runs next: may lie in the past (it is due); `null` while a run is active. Timers stand still while a machine sleeps: ask again every minute.
 * At once after a start, a sleep and a raised period; after a failure when it was waited for.
 */
export function nextRun(state: LockRunState, now: Date): Date | null {
  if (isRunning(state)) return null;
  if (state.failedAt !== null) {
    // A clock that was set back must not make the wait longer.
    return new Date(Math.min(Date.parse(state.failedAt), now.getTime()) + retryDelay(state.failures));
  }
  if (state.isWanted || state.run !== null || !isSettled(state)) return now;
  return nextRunAt(aimedPlan(state), lastStart(state), now);
}

/** Milliseconds to wait after so many failures in a row. For a timer where the store's time is not to be had. */
export function retryDelay(failures: number): number {
  return failures === 0 ? 0 : (retryDelays[Math.min(failures, retryDelays.length) - 1] ?? 0);
}

/** What locks and extensions are asked for by. */
export function aimedPlan(state: LockRunState): LockPlan {
  return lockPlan(state.aim);
}

/** What slack, alarms and "safe until" are measured by; `null` where nothing is promised yet. */
export function promisedPlan(state: LockRunState): LockPlan | null {
  return state.promised === null ? null : lockPlan(state.promised);
}

/** Whether all that is aimed at is promised. */
export function isSettled({ aim, promised }: LockRunState): boolean {
  return promised !== null && isSame(aim, promised);
}

/**
 * Until when the unfinished run must have made its last extension; `null` where there is none. Until a raised period holds, the old deadline does. A run
 * that is late has until then all the same: what was promised may be broken by it, and slack says so.
 */
export function runDeadline(state: LockRunState): Date | null {
  return state.run === null ? null : new Date(Date.parse(state.run.firstStart) + deadlineMs(state));
}

/** Whether a run that begins at `at` goes on where the unfinished one was cut short. Once that one's time is over, it looks at everything anew. */
export function isResumable(state: LockRunState, at: Date): boolean {
  if (state.run === null) return false;
  const age = at.getTime() - Date.parse(state.run.firstStart);
  return age >= 0 && age <= deadlineMs(state);
}

/** Milliseconds since the next completed run should have begun, by the interval; 0 where it is not due. Above one interval the extender was stopped, or failed. */
export function overdueBy(state: LockRunState, now: Date): number {
  const last = lastStart(state);
  return last === null ? 0 : Math.max(0, now.getTime() - last.getTime() - aimedPlan(state).interval);
}

function started(state: LockRunState, at: Date): LockRunState {
  const firstStart = state.run !== null && isResumable(state, at) ? state.run.firstStart : at.toISOString();
  return { ...state, run: { firstStart, isActive: true }, isWanted: false, failedAt: null };
}

function completed(state: LockRunState, at: Date): LockRunState {
  if (state.run === null || !isRunning(state)) return state;
  const { firstStart } = state.run;
  const start = Date.parse(firstStart);
  const end = Math.max(start, at.getTime());
  // What a very long run looked at first may be short of the promise by now: it raises nothing, and another one follows.
  const promised = end - start <= aimedPlan(state).longestGap ? state.aim : state.promised;
  return {
    ...state,
    promised,
    run: null,
    lastCompleted: { start: firstStart, end: new Date(end).toISOString() },
    completeBy: promised === null ? null : completeBy(promised, start),
    failures: 0,
    failedAt: null,
  };
}

/**
 * A promise that is not more than the one that holds, and that nothing falls short of, holds at once. Otherwise the less of both does until a whole run by
 * the new terms is complete. A run by other terms counts for nothing: some of what it looked at may be short of the new ones, some was put after it looked.
 */
function changed(state: LockRunState, aim: LockTerms, at: Date): LockRunState {
  const wasCut = state.run !== null;
  if (state.promised === null) return { ...state, aim, run: null, isWanted: true, failedAt: null };
  const isLess = aim.protectionPeriod <= state.promised.protectionPeriod && covers(lockPlan(state.promised), lockPlan(aim));
  const promised = isLess ? aim : lesser(state.promised, aim);
  return {
    ...state,
    aim,
    promised,
    run: null,
    // What is put from now on has locks by the new terms: they must not wait as long as the old ones could.
    completeBy: earlier(state.completeBy, completeBy(promised, at.getTime())),
    isWanted: state.isWanted || wasCut || !isLess,
    failedAt: isLess ? state.failedAt : null,
  };
}

function completeBy(promised: LockTerms, from: number): string {
  const { longestGap, deadline } = lockPlan(promised);
  return new Date(from + longestGap + deadline).toISOString();
}

function earlier(one: string | null, other: string): string {
  return one !== null && Date.parse(one) < Date.parse(other) ? one : other;
}

function lesser(one: LockTerms, other: LockTerms): LockTerms {
  return {
    protectionPeriod: Math.min(one.protectionPeriod, other.protectionPeriod),
    longestAbsence: Math.min(one.longestAbsence, other.longestAbsence),
  };
}

function isSame(one: LockTerms, other: LockTerms): boolean {
  return one.protectionPeriod === other.protectionPeriod && one.longestAbsence === other.longestAbsence;
}

function deadlineMs({ aim, promised }: LockRunState): number {
  return lockPlan(promised ?? aim).deadline;
}

function lastStart({ lastCompleted }: LockRunState): Date | null {
  return lastCompleted === null ? null : new Date(lastCompleted.start);
}

function isRunning({ run }: LockRunState): boolean {
  return run?.isActive === true;
}

function cutShort(state: LockRunState): LockRunState {
  return state.run === null ? state : { ...state, run: { ...state.run, isActive: false } };
}
