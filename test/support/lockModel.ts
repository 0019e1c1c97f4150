import assert from 'node:assert/strict';
import { isShort, type LockPlan, type LockTerms, lockPlan, slack, slackLevel, target } from '../../daemon/locks/lockPlan.ts';
import {
  afterEvent,
  initialRunState,
  isResumable,
  type LockRunEvent,
  type LockRunState,
  nextRun,
  promisedPlan,
} from '../../daemon/locks/lockRunState.ts';
import { SeededRandom } from './random.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const mostKept = 8;

/** What a mutant of the rules of locks changes. */
export interface LockRules {
  /** By what objects are looked at and extended. The adversary's room is always that of the true plan. */
  readonly plan: (terms: LockTerms) => LockPlan;
  readonly afterEvent: (state: LockRunState, event: LockRunEvent) => LockRunState;
  /** What was put under other terms is looked at once more when it is recorded. */
  readonly looksAfterPut: boolean;
  /** The commit gate looks at what a run hits. */
  readonly hasGate: boolean;
}

export const lockRules: LockRules = { plan: lockPlan, afterEvent, looksAfterPut: true, hasGate: true };

/**
 * `adversary`: runs come anywhere within what the invariant allows, most of all where it hurts. `onTime`: a monitor that runs when it is said to. `stopped`:
 * runs come whenever they like.
 */
export type LockSchedule = 'adversary' | 'onTime' | 'stopped';

export interface LockWorld {
  readonly schedule: LockSchedule;
  /** Terms that it begins with, and that the user changes to; no change where there is one. */
  readonly terms: readonly LockTerms[];
  readonly days: number;
  /** So many objects are put each day, and kept for so many days. Without it puts, hits and retiring come at any time. */
  readonly daily?: { readonly objects: number; readonly keptDays: number };
  readonly rules?: LockRules;
}

interface ModelObject {
  /** The end of its lock as the store has it. */
  until: number;
  isKept: boolean;
  /** Since when `until` has been what it is, and the object kept. */
  since: number;
  /** A promise was broken since then. */
  isBroken: boolean;
  /** The alarm that stood over it when another promise began, and went on under that one: since when. */
  alarmedSince: number | null;
  readonly put: number;
  /** Where in a run it comes, of a run that is as long as it may be; for a monitor on time. */
  readonly place: number;
}

export interface LockBreach {
  readonly at: string;
  readonly promised: LockTerms;
  /** Milliseconds below the promise. */
  readonly missing: number;
  /** Milliseconds for which an alarm had stood before the promise was broken. */
  readonly warned: number;
}

/** The objects of one location, the daemon's decisions about their locks, and everything that may happen, as the seed has it. */
export class LockModel {
  readonly breaches: LockBreach[] = [];
  /** Looks at an object whose slack was under a half of what a monitor on time leaves. */
  alarms = 0;
  /** The least slack above `slackOnTime` that was met. */
  leastAboveOnTime: number = Number.POSITIVE_INFINITY;
  runs = 0;
  extensions = 0;
  changes = 0;
  /** Milliseconds for which objects were kept, of all of them. */
  keptMs = 0;
  readonly #random: SeededRandom;
  readonly #world: LockWorld;
  readonly #rules: LockRules;
  /** Half of the seeds know the store's time exactly, so that nothing hides in an error of a clock. */
  readonly #clockError: number;
  readonly #objects: ModelObject[] = [];
  readonly #aims: { readonly from: number; readonly terms: LockTerms }[] = [];
  readonly #end: number;
  #state: LockRunState;
  #now: number;
  #promisedSince: number;

  constructor(seed: number, world: LockWorld) {
    this.#random = new SeededRandom(seed);
    this.#world = world;
    this.#rules = world.rules ?? lockRules;
    this.#clockError = this.#random.below(2) * second;
    this.#now = Date.parse('2026-01-01T00:00:00.000Z') + this.#random.below(second);
    this.#end = this.#now + world.days * day;
    this.#promisedSince = this.#now;
    const first = this.#pick(world.terms);
    this.#aims.push({ from: this.#now, terms: first });
    this.#state = initialRunState(first);
  }

  run(): this {
    this.#apply({ type: 'runStarted', at: this.#earliest(this.#now) });
    this.#apply({ type: 'runCompleted', at: this.#latest(this.#now) });
    if (this.#world.daily === undefined) for (let count = 0; count < 4; count += 1) this.#put(this.#now);
    while (this.#now < this.#end) this.#untilNextRun();
    for (const object of this.#objects) if (object.isKept) this.#retire(object, this.#now);
    return this;
  }

  /** Extensions of one object in 30 days. */
  get extensionsPerMonth(): number {
    return (this.extensions * 30 * day) / this.keptMs;
  }

  #untilNextRun(): void {
    const { start, end } = this.#nextRun();
    for (const { at, event } of this.#eventsUntil(start)) {
      this.#now = at;
      const { changes } = this;
      event();
      // By new terms the next run may be due earlier.
      if (this.changes !== changes) return;
    }
    this.#now = start;
    this.#wholeRun(start, end);
  }

  #promised(): LockTerms {
    return this.#state.promised ?? this.#state.aim;
  }

  /** When the next run that becomes complete begins and ends. */
  #nextRun(): { readonly start: number; readonly end: number } {
    const random = this.#random;
    const plan = lockPlan(this.#promised());
    if (this.#world.schedule === 'onTime') {
      const due = Math.max(this.#now, nextRun(this.#state, this.#latest(this.#now))?.getTime() ?? this.#now);
      const start = due + random.below(minute);
      return { start, end: start + plan.deadline };
    }
    if (this.#world.schedule === 'stopped') {
      const start = this.#now + random.below(this.#chance(0.2) ? 40 * day : 2 * plan.longestGap);
      return { start, end: start + random.below(this.#chance(0.2) ? 3 * plan.longestGap : plan.deadline) };
    }
    const by = Math.max(this.#now, Date.parse(this.#state.completeBy ?? ''));
    const last = Date.parse(this.#state.lastCompleted?.start ?? '');
    const within = (start: number): boolean => start >= this.#now && start <= by;
    switch (random.below(4)) {
      case 0: {
        const start = last + plan.longestGap;
        if (within(start)) return { start, end: Math.min(by, start + plan.deadline) };
        break;
      }
      case 1: {
        const start = this.#trigger(plan) + random.between(-3 * second, 3 * second);
        if (within(start)) return { start, end: Math.min(by, start + this.#somewhere(plan.deadline)) };
        break;
      }
      case 2: {
        const start = last + plan.interval;
        if (within(start)) return { start, end: Math.min(by, start + this.#somewhere(plan.deadline)) };
        break;
      }
    }
    const start = this.#now + this.#somewhere(by - this.#now);
    return { start, end: start + Math.min(by - start, this.#somewhere(plan.deadline)) };
  }

  /** The moment at which one of the objects becomes short. */
  #trigger(plan: LockPlan): number {
    const kept = this.#objects.filter((object) => object.isKept);
    if (kept.length === 0) return Number.NaN;
    return this.#pick(kept).until - plan.protectionPeriod - plan.reserve;
  }

  #eventsUntil(end: number): readonly { readonly at: number; readonly event: () => void }[] {
    const events: { at: number; event: () => void }[] = [];
    const { daily } = this.#world;
    if (daily === undefined) {
      for (let count = this.#random.below(4); count > 0; count -= 1) {
        const at = this.#now + this.#somewhere(end - this.#now);
        events.push({ at, event: () => this.#something(at, end) });
      }
    } else {
      for (let at = Math.ceil(this.#now / day) * day; at < end; at += day) events.push({ at, event: () => this.#day(at, daily) });
      if (this.#chance(0.02)) events.push({ at: this.#now, event: () => this.#change(this.#now) });
    }
    return events.toSorted((one, other) => one.at - other.at);
  }

  #something(at: number, before: number): void {
    const chance = this.#random.next();
    if (chance < 0.3) this.#put(at);
    else if (chance < 0.5) this.#hit(at);
    else if (chance < 0.65) this.#retireOne(at);
    else if (chance < 0.75) this.#change(at);
    else if (chance < 0.85) this.#failedRun(at, before);
    else this.#apply({ type: this.#chance(0.5) ? 'woke' : 'daemonStarted' });
  }

  #day(at: number, { objects, keptDays }: { readonly objects: number; readonly keptDays: number }): void {
    for (let count = 0; count < objects; count += 1) this.#put(at);
    while (this.#objects[0] !== undefined && this.#objects[0].put <= at - keptDays * day) {
      this.#retire(this.#objects[0], at);
      this.#objects.shift();
    }
  }

  /** A run that looks at a part, gets some of it extended, and gives up. It counts for nothing. */
  #failedRun(at: number, before: number): void {
    this.#apply({ type: 'runStarted', at: this.#earliest(at) });
    const end = at + this.#random.below(Math.max(1, Math.min(before - at, hour)));
    for (const object of this.#objects) if (object.isKept && this.#chance(0.4)) this.#look(object, at, at);
    this.#apply({ type: 'runFailed', at: this.#latest(end) });
  }

  /** A run that looks at everything that was kept when it began; it may be cut short and resumed, and the terms may change under it. */
  #wholeRun(start: number, end: number): void {
    const changesAt = this.#world.terms.length > 1 && this.#chance(0.1) ? start + this.#somewhere(end - start) : Number.POSITIVE_INFINITY;
    const snapshot = this.#objects.filter((object) => object.isKept);
    this.#apply({ type: 'runStarted', at: this.#earliest(start) });
    const cut = this.#world.schedule !== 'onTime' && this.#chance(0.25) ? this.#cutWithin(start, end) : undefined;
    const looks = snapshot.map((object) => ({ object, at: this.#lookAt(object, start, end, cut) }));
    for (const { object, at } of looks) if (at < changesAt) this.#look(object, at, Math.min(end, changesAt));
    if (cut !== undefined && cut.from < changesAt) {
      this.#apply({ type: this.#chance(0.5) ? 'runInterrupted' : 'daemonStarted' });
      if (cut.to < changesAt) {
        const at = this.#latest(cut.to);
        assert.ok(this.#rules !== lockRules || isResumable(this.#state, at));
        this.#apply({ type: 'runStarted', at });
      }
    }
    if (changesAt < Number.POSITIVE_INFINITY) {
      this.#now = changesAt;
      this.#change(changesAt);
      // Under the true rules it counts for nothing now.
      if (this.#state.run?.isActive !== true) return;
      for (const { object, at } of looks) if (at >= changesAt) this.#look(object, at, end);
    }
    // What comes to the store while a run goes on is none of its business.
    if (this.#world.daily === undefined && this.#chance(0.5)) this.#put(start + this.#somewhere(end - start));
    if (this.#world.daily === undefined && this.#chance(0.3)) this.#hit(start + this.#somewhere(end - start));
    this.#now = end;
    this.runs += 1;
    this.#apply({ type: 'runCompleted', at: this.#latest(end) });
  }

  /** Within the deadline of the run, so that it is resumed: what is not would look at everything anew. */
  #cutWithin(start: number, end: number): { readonly from: number; readonly to: number } {
    const span = Math.min(end - start, lockPlan(this.#promised()).deadline - 2 * second);
    const from = start + this.#somewhere(span);
    return { from, to: from + this.#somewhere(start + span - from) };
  }

  #lookAt(object: ModelObject, start: number, end: number, cut: { readonly from: number; readonly to: number } | undefined): number {
    if (this.#world.schedule === 'onTime') return start + Math.floor(object.place * (end - start));
    if (cut === undefined) return start + this.#somewhere(end - start);
    return this.#chance(0.5) ? start + this.#somewhere(cut.from - start) : cut.to + this.#somewhere(end - cut.to);
  }

  /** The daemon looks at an object at `at` and extends it, at the first attempt or at a later one until `end`. */
  #look(object: ModelObject, at: number, end: number): void {
    this.#meet(object, at);
    const plan = this.#rules.plan(this.#state.aim);
    if (!isShort(plan, new Date(object.until), this.#latest(at))) return;
    const extendedAt = this.#world.schedule === 'onTime' || this.#chance(0.5) ? at : at + this.#somewhere(end - at);
    this.#meet(object, extendedAt);
    this.#extend(object, plan, extendedAt);
  }

  #extend(object: ModelObject, plan: LockPlan, at: number): void {
    object.until = Math.max(object.until, target(plan, this.#latest(at)).getTime());
    object.since = at;
    object.isBroken = false;
    object.alarmedSince = null;
    this.extensions += 1;
  }

  /** A put may take most of a day, with the date of its first moment. */
  #put(at: number): void {
    const began =
      this.#world.daily === undefined && this.#chance(0.3) ? Math.max(this.#aims[0]?.from ?? at, at - this.#random.below(20 * hour)) : at;
    const terms = this.#aims.findLast(({ from }) => from <= began)?.terms ?? this.#state.aim;
    const until = target(this.#rules.plan(terms), this.#latest(began)).getTime();
    const object = { until, isKept: true, since: at, isBroken: false, alarmedSince: null, put: at, place: this.#random.next() };
    if (this.#world.daily === undefined) this.#keepFew(at);
    this.#objects.push(object);
    const plan = this.#rules.plan(this.#state.aim);
    if (this.#rules.looksAfterPut && isShort(plan, new Date(until), this.#latest(at))) this.#extend(object, plan, at);
  }

  /** A run takes an object that nothing has kept locked, after the gate has looked. */
  #hit(at: number): void {
    const loose = this.#objects.filter((object) => !object.isKept);
    if (loose.length === 0) return;
    const object = this.#pick(loose);
    const plan = this.#rules.plan(this.#state.aim);
    object.isKept = true;
    object.since = at;
    object.isBroken = false;
    object.alarmedSince = null;
    if (this.#rules.hasGate && isShort(plan, new Date(object.until), this.#latest(at))) this.#extend(object, plan, at);
    this.#meet(object, at);
  }

  #retireOne(at: number): void {
    const kept = this.#objects.filter((object) => object.isKept);
    if (kept.length > 2) this.#retire(this.#pick(kept), at);
  }

  /** A handful of objects says as much as thousands. */
  #keepFew(at: number): void {
    if (this.#objects.filter((object) => object.isKept).length > mostKept) this.#retireOne(at);
    if (this.#objects.length <= 2 * mostKept) return;
    const oldest = this.#objects.findIndex((object) => !object.isKept);
    if (oldest >= 0) this.#objects.splice(oldest, 1);
  }

  #retire(object: ModelObject, at: number): void {
    this.#meet(object, at);
    object.isKept = false;
    this.keptMs += at - object.put;
  }

  #change(at: number): void {
    if (this.#world.terms.length < 2) return;
    const terms = this.#pick(this.#world.terms);
    this.changes += 1;
    this.#aims.push({ from: at, terms });
    this.#apply({ type: 'termsChanged', at: this.#earliest(at), terms }, at);
  }

  #apply(event: LockRunEvent, at: number = this.#now): void {
    const before = this.#promised();
    if (event.type === 'termsChanged' || event.type === 'runCompleted') this.#meetAll(at);
    this.#state = this.#rules.afterEvent(this.#state, event);
    const after = this.#promised();
    if (before.protectionPeriod === after.protectionPeriod && before.longestAbsence === after.longestAbsence) return;
    for (const object of this.#objects) object.alarmedSince = this.#alarmThatStays(object, before, after, at);
    this.#promisedSince = at;
    this.#meetAll(at);
  }

  /** Since when the alarm over an object has stood, where it stands under what was promised before `at` and under what is promised from then on. */
  #alarmThatStays(object: ModelObject, before: LockTerms, after: LockTerms, at: number): number | null {
    const began = this.#alarmBegan(object, lockPlan(before));
    return began < at && slackLevel(lockPlan(after), slack(lockPlan(after), new Date(object.until), new Date(at))) === 'underQuarter'
      ? began
      : null;
  }

  /** When the slack of an object was first under a quarter: the alarm that stayed over it when another promise began is an earlier one. */
  #alarmBegan({ until, since, alarmedSince }: ModelObject, { protectionPeriod, quarterSlack }: LockPlan): number {
    return alarmedSince ?? Math.max(since, this.#promisedSince, until - protectionPeriod - quarterSlack);
  }

  #meetAll(at: number): void {
    for (const object of this.#objects) if (object.isKept && object.since <= at) this.#meet(object, at);
  }

  /** What is promised must hold of a kept object at every moment until its lock is changed: this is the last of them. */
  #meet(object: ModelObject, at: number): void {
    const plan = promisedPlan(this.#state);
    if (plan === null) return;
    const left = slack(plan, new Date(object.until), new Date(at));
    this.leastAboveOnTime = Math.min(this.leastAboveOnTime, left - plan.slackOnTime);
    if (slackLevel(plan, left) !== 'enough') this.alarms += 1;
    if (left >= 0 || object.isBroken) return;
    object.isBroken = true;
    const broken = at + left;
    const warned = broken - this.#alarmBegan(object, plan);
    this.breaches.push({ at: new Date(at).toISOString(), promised: this.#promised(), missing: -left, warned });
  }

  #earliest(at: number): Date {
    return new Date(at - this.#random.between(0, this.#clockError));
  }

  #latest(at: number): Date {
    return new Date(at + this.#random.between(0, this.#clockError));
  }

  /** In 0..span, mostly at one of its ends. */
  #somewhere(span: number): number {
    const [edge, wide] = [Math.min(span, second), Math.max(0, Math.floor(span))];
    const chance = this.#random.next();
    if (chance < 0.35) return this.#random.between(0, Math.floor(edge));
    if (chance < 0.7) return wide - this.#random.between(0, Math.floor(edge));
    return this.#random.between(0, wide);
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[this.#random.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }
}
