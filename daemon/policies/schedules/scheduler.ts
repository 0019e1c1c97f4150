import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { LocationId, PolicyId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { parsePolicyDefinition } from '../../catalog/policyDefinition.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { ScheduleRecord } from '../../catalog/scheduleStore.ts';
import type { EndedRun } from '../backupRuns.ts';
import { doneUntil, nextRun, overdueAt, retryDelay, type ScheduleState } from './nextRun.ts';
import { type Schedule, scheduleOf } from './schedule.ts';

export interface SchedulerClock {
  readonly wall: () => Date;
  /** Monotonic, milliseconds. */
  readonly now: () => number;
  /** Calls back once, and does not keep the process alive; what it gives calls that off. */
  readonly after: (milliseconds: number, callback: () => void) => () => void;
}

/** A policy that has made nothing for too long. */
export interface Overdue {
  readonly policyId: PolicyId;
  readonly name: string;
  /** The newest restore point's end; `null` where none was made since the schedule holds. */
  readonly lastMadeAt: string | null;
  readonly since: string;
}

export interface SchedulerOptions {
  readonly catalog: Catalog;
  readonly clock: SchedulerClock;
  readonly isUnlocked: () => boolean;
  /** Whether an action of this policy is queued or running. */
  readonly isBusy: (policyId: PolicyId) => boolean;
  /** Puts a run into the queue. Its end comes back by `ended`. */
  readonly start: (policy: PolicyRecord) => void;
  /** The policies that were told to be overdue by the daemon before this one. */
  readonly overdueBefore: () => readonly string[];
  /** All that are overdue, told at the first look and whenever it is another list. */
  readonly onOverdue: (overdue: readonly Overdue[]) => void;
  /** At every look: what else has to be seen to now and then. */
  readonly onLook: () => void;
  readonly onFailed: (facts: { readonly policyId?: PolicyId; readonly error: unknown }) => void;
}

interface Entry {
  readonly policy: PolicyRecord;
  readonly schedule: Schedule;
  readonly settleMs: number;
  readonly since: number;
  state: ScheduleState;
  /** The newest restore point's end. */
  madeAt: number | undefined;
  overdueAt: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Timers stand still while the machine sleeps, so no timer is set further ahead than this. */
const lookMs = minuteMs;
/** Where the two clocks differ by more, the machine slept or the clock was set. */
const jumpMs = 30_000;

/**
 * Starts runs of policies when they are due. The decision is `nextRun`; here are the timer, what is remembered in the catalog, and what has to be told.
 * One run of a policy at a time: a time that comes while it runs waits for its end, and all that come until then are one run.
 */
export class Scheduler implements Disposable {
  readonly #options: SchedulerOptions;
  #entries: ReadonlyMap<PolicyId, Entry> = new Map();
  /** When runs began that this has started, by policy. */
  readonly #running: Map<PolicyId, number> = new Map();
  #isStale = true;
  /** Policies whose newest restore point may be another one. */
  readonly #stalePoints: Set<PolicyId> = new Set();
  /** Interruptions under way: locking and the daemon's end may come together. */
  #interruptions = 0;
  #isEnded = false;
  #disarm: () => void = () => undefined;
  #awakeSince: number;
  #lastLook: { readonly wall: number; readonly mono: number };
  #toldOverdue: { readonly key: string; readonly policyIds: ReadonlySet<string> } | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    const { clock } = options;
    this.#awakeSince = clock.wall().getTime();
    this.#lastLook = { wall: this.#awakeSince, mono: clock.now() };
  }

  start(): void {
    this.#arm(0);
  }

  /** Policies are others than before; also once the daemon is locked or unlocked. */
  changed(): void {
    this.#isStale = true;
    this.#arm(0);
  }

  /** A policy has other restore points than before. */
  pointsChanged(policyId: PolicyId): void {
    this.#stalePoints.add(policyId);
    this.#arm(0);
  }

  /** What is due and could not run runs once, after a little while. */
  unlocked(): void {
    this.#awakeSince = this.#wall();
    this.changed();
  }

  /** Runs that `work` cancels did not fail and were not cancelled by anybody: they are made up for as soon as can be. */
  async interrupt(work: () => Promise<void>): Promise<void> {
    this.#interruptions += 1;
    try {
      await work();
    } finally {
      this.#interruptions -= 1;
    }
  }

  /** RFC 3339; `null` where nothing runs by itself. */
  nextRunAt(policyId: PolicyId): string | null {
    if (this.#isStale) this.#reload();
    const entry = this.#entries.get(policyId);
    if (entry === undefined || entry.policy.paused) return null;
    const at = this.#nextRun(entry, this.#wall());
    return at === undefined ? null : new Date(at).toISOString();
  }

  /** The end of any run of a policy, also of one that a user asked for. */
  ended(run: EndedRun): void {
    try {
      this.#rememberEnd(run);
    } catch (error) {
      this.#options.onFailed({ policyId: run.policy.policyId, error });
    }
  }

  /** A location that was away is back: what failed there need not wait. */
  locationIsBack(locationId: LocationId): void {
    for (const entry of this.#entries.values()) {
      if (entry.policy.locationId !== locationId || entry.state.retryAt === null || this.#running.has(entry.policy.policyId)) continue;
      this.#remember(entry, { ...entry.state, failures: 0, retryAt: this.#wall() });
    }
    this.#arm(0);
  }

  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#disarm();
  }

  #rememberEnd({ policy, action, isDryRun }: EndedRun): void {
    const { policyId } = policy;
    const isOurs = action.startedBy === 'schedule' && this.#running.delete(policyId);
    const entry = this.#entries.get(policyId);
    this.pointsChanged(policyId);
    if (entry === undefined || isDryRun) return;
    const { state } = entry;
    const startedAt = Date.parse(action.startedAt ?? action.queuedAt);
    switch (action.state) {
      case 'complete':
      case 'completeWithWarnings':
        // A clock that has been set back is judged where the next run is looked for.
        this.#remember(entry, { doneUntil: Math.max(state.doneUntil, startedAt), failures: 0, retryAt: null });
        return;
      case 'cancelled':
      case 'failed':
        if (!isOurs) return;
        if (this.#interruptions > 0 || action.error?.code === 'locked') {
          this.#remember(entry, { ...state, failures: state.failures - 1, retryAt: this.#wall() });
        } else if (action.state === 'cancelled') {
          this.#remember(entry, { ...state, failures: 0, retryAt: null });
        } else {
          const failures = Math.max(1, state.failures);
          this.#remember(entry, { ...state, failures, retryAt: this.#wall() + retryDelay(failures) });
        }
        return;
      case 'queued':
      case 'running':
        return;
    }
  }

  #wall(): number {
    return this.#options.clock.wall().getTime();
  }

  #arm(milliseconds: number): void {
    this.#disarm();
    if (!this.#isEnded) this.#disarm = this.#options.clock.after(milliseconds, () => this.#look());
  }

  #look(): void {
    const now = this.#wall();
    let soonest = now + lookMs;
    try {
      this.#noticeJump(now);
      if (this.#isStale) this.#reload();
      for (const policyId of this.#stalePoints) this.#lookForPoints(this.#entries.get(policyId));
      this.#stalePoints.clear();
      for (const entry of this.#entries.values()) soonest = Math.min(soonest, this.#lookAt(entry, now));
      this.#tellOverdue(now);
      this.#options.onLook();
    } catch (error) {
      this.#options.onFailed({ error });
    }
    this.#arm(soonest - now);
  }

  #noticeJump(wall: number): void {
    const mono = this.#options.clock.now();
    const { wall: lastWall, mono: lastMono } = this.#lastLook;
    const passed = mono - lastMono;
    const jump = wall - lastWall - passed;
    if (Math.abs(jump) > jumpMs || passed > 3 * lookMs) this.#awakeSince = wall;
    // What was dated by the clock of before may lie in the future now, and nothing would be overdue until then.
    if (jump < -jumpMs) this.#isStale = true;
    this.#lastLook = { wall, mono };
  }

  /** Starts it where it is due; gives when to look again. */
  #lookAt(entry: Entry, now: number): number {
    const { policy, schedule } = entry;
    if (policy.paused) return Infinity;
    const held = doneUntil(schedule, entry.state, now);
    if (held !== entry.state.doneUntil) this.#remember(entry, { ...entry.state, doneUntil: held });
    const at = this.#nextRun(entry, now);
    if (at === undefined || at > now) return at ?? Infinity;
    const { isUnlocked, isBusy, start, onFailed } = this.#options;
    if (!isUnlocked() || this.#interruptions > 0 || this.#running.has(policy.policyId) || isBusy(policy.policyId)) return Infinity;
    // Counted as failed until it is heard to have ended, so that a run that ends the daemon is not tried again at once for ever.
    const failures = entry.state.failures + 1;
    this.#remember(entry, { doneUntil: now, failures, retryAt: now + retryDelay(failures) });
    this.#running.set(policy.policyId, now);
    try {
      start(policy);
    } catch (error) {
      this.#running.delete(policy.policyId);
      onFailed({ policyId: policy.policyId, error });
    }
    return Infinity;
  }

  #nextRun({ policy, schedule, state, settleMs }: Entry, now: number): number | undefined {
    const isRunning = this.#running.has(policy.policyId);
    return nextRun(schedule, isRunning ? { ...state, retryAt: null } : state, { now, awakeSince: this.#awakeSince, settleMs });
  }

  #tellOverdue(now: number): void {
    const before = this.#toldOverdue?.policyIds ?? new Set(this.#options.overdueBefore());
    const overdue = [...this.#entries.values()].filter((entry) => this.#isOverdue(entry, before, now));
    const key = overdue.map(({ policy, madeAt }) => `${policy.policyId} ${policy.name} ${madeAt ?? ''}`).join('\n');
    if (key === this.#toldOverdue?.key) return;
    this.#options.onOverdue(
      overdue.map(({ policy, madeAt, since }) => ({
        policyId: policy.policyId,
        name: policy.name,
        lastMadeAt: madeAt === undefined ? null : new Date(madeAt).toISOString(),
        since: new Date(since).toISOString(),
      })),
    );
    this.#toldOverdue = { key, policyIds: new Set(overdue.map(({ policy }) => policy.policyId)) };
  }

  #isOverdue(entry: Entry, before: ReadonlySet<string>, now: number): boolean {
    const { policy, state } = entry;
    if (policy.paused || now < entry.overdueAt) return false;
    // What has been told stays until something is made: a run that begins is none that succeeds.
    if (before.has(policy.policyId)) return true;
    const startedAt = this.#running.get(policy.policyId);
    // A run is under way that may end it; one that takes for ever does not count.
    if (startedAt !== undefined) return now - startedAt > Math.max(hourMs, entry.overdueAt - Math.max(entry.madeAt ?? 0, entry.since));
    const at = this.#nextRun(entry, now);
    const isAboutToRun = this.#options.isUnlocked() && state.failures === 0 && at !== undefined && at <= this.#awakeSince + entry.settleMs;
    return !isAboutToRun;
  }

  #remember(entry: Entry, state: ScheduleState): void {
    const failures = Math.max(0, state.failures);
    entry.state = { ...state, failures };
    const { policy, schedule, since } = entry;
    this.#options.catalog.schedules.put({
      policyId: policy.policyId,
      schedule: schedule.text,
      since: new Date(since).toISOString(),
      doneUntil: new Date(state.doneUntil).toISOString(),
      failures,
      retryAt: state.retryAt === null ? null : new Date(state.retryAt).toISOString(),
    });
  }

  /** Brings what is remembered in line with the policies. Definitions are sealed: while locked, the schedules of before hold. */
  #reload(): void {
    const { catalog } = this.#options;
    const now = this.#wall();
    const policies = catalog.policies.list();
    const entries = new Map<PolicyId, Entry>();
    const known = new Map(catalog.schedules.list().map((record) => [record.policyId, record]));
    for (const policy of policies) {
      const record = this.#recordOf(policy, known.get(policy.policyId), now);
      known.delete(policy.policyId);
      const entry = record === undefined ? undefined : this.#entryOf(policy, record);
      if (entry !== undefined) entries.set(policy.policyId, entry);
    }
    for (const policyId of known.keys()) catalog.schedules.remove(policyId);
    this.#entries = entries;
    this.#isStale = false;
  }

  #recordOf(policy: PolicyRecord, known: ScheduleRecord | undefined, now: number): ScheduleRecord | undefined {
    const { schedules } = this.#options.catalog;
    const { policyId } = policy;
    const at = new Date(now).toISOString();
    const definition = parsePolicyDefinition(policy.definition);
    const wanted = definition === undefined ? (known?.schedule ?? null) : definition.schedule;
    if (wanted === null) {
      if (known !== undefined) schedules.remove(policyId);
      return undefined;
    }
    const isResumed = this.#entries.get(policyId)?.policy.paused === true && !policy.paused;
    if (known !== undefined && known.schedule === wanted && !isResumed) {
      // The clock was set back since.
      if (Date.parse(known.since) <= now) return known;
      const earlier = { ...known, since: at };
      schedules.put(earlier);
      return earlier;
    }
    const record: ScheduleRecord = { policyId, schedule: wanted, since: at, doneUntil: at, failures: 0, retryAt: null };
    schedules.put(record);
    return record;
  }

  #entryOf(policy: PolicyRecord, record: ScheduleRecord): Entry | undefined {
    const { onFailed } = this.#options;
    const { policyId } = policy;
    let schedule: Schedule;
    try {
      schedule = scheduleOf(record.schedule, policyId);
    } catch (error) {
      // Of a newer version of this program.
      if (!HoldfastError.is(error)) throw error;
      onFailed({ policyId, error });
      return undefined;
    }
    const since = Date.parse(record.since);
    const { failures, retryAt } = record;
    const entry: Entry = {
      policy,
      schedule,
      settleMs: settleMsOf(policyId),
      since,
      state: { doneUntil: Date.parse(record.doneUntil), failures, retryAt: retryAt === null ? null : Date.parse(retryAt) },
      madeAt: undefined,
      overdueAt: Infinity,
    };
    this.#lookForPoints(entry);
    return entry;
  }

  #lookForPoints(entry: Entry | undefined): void {
    if (entry === undefined) return;
    const head = this.#options.catalog.restorePoints.head(entry.policy.policyId)?.finishedAt;
    entry.madeAt = head === undefined ? undefined : Date.parse(head);
    // One of the future was made by a clock that was wrong.
    entry.overdueAt = overdueAt(entry.schedule, Math.min(Math.max(entry.madeAt ?? 0, entry.since), this.#wall()));
  }
}

/** 10 to 40 seconds, of each policy's own, so that what was missed does not come all at once. */
function settleMsOf(policyId: string): number {
  const [byte = 0] = createHash('sha256').update(`settle/${policyId}`).digest();
  return 10_000 + (byte % 31) * 1000;
}
