const secondMs = 1000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const monthMs = 30 * dayMs;
const earlyMs = 120 * secondMs;

/** What a location's lock plan is made of: what is kept of it, and what a user sets. All in milliseconds. */
export interface LockTerms {
  /** P: how long everything that is kept locked can be got back, whatever an attacker does. Above 0, at most ten years. */
  readonly protectionPeriod: number;
  /** A: the longest absence of the daemon that is expected: machine off, asleep, without a network. 0 to a year. */
  readonly longestAbsence: number;
}

/** All in milliseconds. Source: docs/format.md, Locks; the letters are those of its table. */
export interface LockPlan extends LockTerms {
  /** I: from the start of one run of the monitor to the next. */
  readonly interval: number;
  /** D: the longest from a run's start to its last successful extension, retries included. */
  readonly deadline: number;
  /** max(2I, A): the longest from the start of a completed run to the start of the next completed one. */
  readonly longestGap: number;
  /** X: what must remain above the protection period when a run has looked at an object. */
  readonly reserve: number;
  /** B: what a new lock has above protection period and margin. */
  readonly buffer: number;
  /** G: the longer it is, the fewer extensions. */
  readonly margin: number;
  /** X - I - D: a monitor on time never lets the slack below this. */
  readonly slackOnTime: number;
  /** Slack under these is worth an alert: a half and a quarter of `slackOnTime`. */
  readonly halfSlack: number;
  readonly quarterSlack: number;
}

/** Terms by days, as users set them. */
export interface LockSetting {
  readonly protectionPeriodDays: number;
  readonly longestAbsenceDays: number;
}

export type SlackLevel = 'enough' | 'underHalf' | 'underQuarter' | 'breached';

/** The longest absence that is expected where nothing was set: a service of the system runs whenever the machine does. */
export const defaultAbsence: { readonly service: number; readonly desktop: number } = { service: 0, desktop: 4 * dayMs };

/** Parts of a millisecond are rounded. Throws `RangeError` on terms outside their bounds. */
export function lockTerms({ protectionPeriodDays, longestAbsenceDays }: LockSetting): LockTerms {
  return checked({
    protectionPeriod: Math.round(protectionPeriodDays * dayMs),
    longestAbsence: Math.round(longestAbsenceDays * dayMs),
  });
}

/** Source: docs/format.md, Locks. Throws `RangeError` on terms outside their bounds. */
export function lockPlan(terms: LockTerms): LockPlan {
  const { protectionPeriod, longestAbsence } = checked(terms);
  const interval = clamp(Math.floor(protectionPeriod / 8), hourMs, 48 * hourMs);
  const deadline = Math.max(hourMs, Math.ceil(interval / 4));
  const longestGap = Math.max(2 * interval, longestAbsence);
  const reserve = longestGap + deadline + 5 * secondMs;
  const slackOnTime = reserve - interval - deadline;
  return {
    protectionPeriod,
    longestAbsence,
    interval,
    deadline,
    longestGap,
    reserve,
    buffer: Math.max(dayMs, reserve),
    margin: clamp(Math.ceil(protectionPeriod / 4), dayMs, 10 * dayMs),
    slackOnTime,
    halfSlack: slackOnTime / 2,
    quarterSlack: slackOnTime / 4,
  };
}

/** The end of a lock that is asked for at `now`, by a put or an extension: whole seconds, rounded up. Computed anew for each attempt. */
export function target(plan: LockPlan, now: Date): Date {
  const { protectionPeriod, buffer, margin } = plan;
  return new Date(Math.ceil((now.getTime() + protectionPeriod + buffer + margin) / secondMs) * secondMs);
}

/** An object is extended exactly when this says so. `retainUntil` as it was read back; `null`: no lock, or none that was read back. */
export function isShort(plan: LockPlan, retainUntil: Date | null, now: Date): boolean {
  return retainUntil === null || retainUntil.getTime() < now.getTime() + plan.protectionPeriod + plan.reserve;
}

/** What remains above the protection period, in milliseconds; below 0 the promise is broken. No lock counts as one that ends now. */
export function slack(plan: LockPlan, retainUntil: Date | null, now: Date): number {
  const remaining = retainUntil === null ? 0 : retainUntil.getTime() - now.getTime();
  return remaining - plan.protectionPeriod;
}

/** How bad a slack is. `plan` is the one that is promised (`LockRunState.promised`), not the one that is aimed at. */
export function slackLevel(plan: LockPlan, slackMs: number): SlackLevel {
  if (slackMs < 0) return 'breached';
  if (slackMs < plan.quarterSlack) return 'underQuarter';
  return slackMs < plan.halfSlack ? 'underHalf' : 'enough';
}

/**
 * The earliest moment at which one of these falls below the promise if the daemon never ran again; `null` where there are none. Where one has no lock
 * at all it is the beginning of 1970: never safe.
 */
export function safeUntil(plan: LockPlan, retainUntils: Iterable<Date | null>): Date | null {
  let soonest = Number.POSITIVE_INFINITY;
  for (const until of retainUntils) {
    if (until === null) return new Date(0);
    soonest = Math.min(soonest, until.getTime());
  }
  return Number.isFinite(soonest) ? new Date(soonest - plan.protectionPeriod) : null;
}

/**
 * Extensions that one object needs in 30 days while the monitor is on time and comes to it at the same place of each run. Each is a call that extends and one
 * that reads back. It is found short at the first run after `buffer + margin - reserve`: at exactly that time it is not short yet.
 */
export function extensionsPerMonth({ interval, buffer, margin, reserve }: LockPlan): number {
  const runs = Math.floor((buffer + margin - reserve) / interval) + 1;
  return monthMs / (runs * interval);
}

/** Calls to the store that a number of objects cost in 30 days: two an extension. Puts and the audit are not in it. */
export function callsPerMonth(plan: LockPlan, objects: number): number {
  return Math.ceil(2 * objects * extensionsPerMonth(plan));
}

/**
 * When the monitor runs by its interval, two minutes early: may lie in the past. At once where no run was ever complete, or one is said to have begun in the
 * future. For many periods an object may wait a whole number of intervals exactly: a run that is a second late would find it short one interval sooner each
 * time, and a period of a week would cost half as much again.
 */
export function nextRunAt(plan: LockPlan, lastCompletedStart: Date | null, now: Date): Date {
  if (lastCompletedStart === null || lastCompletedStart > now) return now;
  return new Date(lastCompletedStart.getTime() + plan.interval - earlyMs);
}

/**
 * Whatever is not short by `strong` is not short by `weak`: by keeping the one plan the other is kept as well. For one longest absence that is
 * so for every shorter period.
 */
export function covers(strong: LockPlan, weak: LockPlan): boolean {
  return strong.protectionPeriod + strong.reserve >= weak.protectionPeriod + weak.reserve;
}

function checked(terms: LockTerms): LockTerms {
  const { protectionPeriod, longestAbsence } = terms;
  if (!Number.isSafeInteger(protectionPeriod) || protectionPeriod <= 0 || protectionPeriod > 3660 * dayMs) {
    throw new RangeError(`not a protection period: ${protectionPeriod} ms`);
  }
  if (!Number.isSafeInteger(longestAbsence) || longestAbsence < 0 || longestAbsence > 366 * dayMs) {
    throw new RangeError(`not a longest absence: ${longestAbsence} ms`);
  }
  return terms;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
