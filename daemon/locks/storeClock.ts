import { HoldfastError } from '../../protocol/errors.ts';
import type { VersionedObjects } from '../locations/objectStore.ts';
import { type ClockReading, elapsedBetween, hasSlept } from './localClocks.ts';

/**
 * The store's time lies between these two. `latest` is for what keeps data: whether a lock is short, how long it is asked for, the end of a run, the commit
 * gate. `earliest` is for what gives data up: whether a lock has ended, whether a day has passed before a delete, and the start of a run. So an error of the
 * clock extends a lock too early and deletes too late, never the other way round.
 */
export interface StoreTime {
  readonly earliest: Date;
  readonly latest: Date;
}

/** The wall clock against the store's. */
export interface ClockSkew {
  /** Positive: the wall clock is ahead. */
  readonly milliseconds: number;
  /** Above a minute it is shown, above five minutes it is an alert. */
  readonly level: 'none' | 'shown' | 'alert';
}

/** The store's clock went another way than this machine's two. */
export interface ClockAnomaly {
  readonly kind: 'steppedBack' | 'steppedForward';
  readonly milliseconds: number;
  /** By the store, as it answered. */
  readonly at: Date;
}

export interface StoreClockOptions {
  readonly store: Pick<VersionedObjects, 'time'>;
  readonly clocks: () => ClockReading;
  /** A time that the store is known to have passed, from the catalog: an answer before it is an anomaly. */
  readonly former?: Date | null;
}

interface Bounds {
  readonly earliest: number;
  readonly latest: number;
  readonly read: ClockReading;
}

const believedMs = 60_000;
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** A store answers in whole seconds, cut. */
const cutMs = 1000;
/** Machines' clocks run differently by much less: bounds that an anomaly has moved apart come together again by this share of the time that passes. */
const drift = 0.001;
const mostAsks = 6;
const agreeingLeaps = 3;

/**
 * The store's time, from the `Date` of its answers. An answer is believed for 60 s of monotonic time and never across a sleep.
 *
 * Where the store's clock goes back, `latest` goes on from the later of what it said and `earliest` from the earlier: neither an extension is missed nor a
 * lock thought ended. Where it goes ahead by more than a day that neither of this machine's clocks knows of, it is asked again and believed when three
 * answers agree: one wrong answer would lock everything for as long as it is wrong. Source: docs/format.md, Store time.
 */
export class StoreClock {
  readonly #store: Pick<VersionedObjects, 'time'>;
  readonly #clocks: () => ClockReading;
  readonly #former: number;
  #bounds: Bounds | undefined;
  /** The last answer alone. */
  #answer: Bounds | undefined;
  #isBelieved = false;
  #anomaly: ClockAnomaly | null = null;

  constructor({ store, clocks, former }: StoreClockOptions) {
    this.#store = store;
    this.#clocks = clocks;
    this.#former = former?.getTime() ?? Number.NEGATIVE_INFINITY;
  }

  /** What is believed, or else a new answer. Rejects as `VersionedObjects.time` does, and with `storeFailed` where the answers can't be believed. */
  async now(options: { readonly signal?: AbortSignal } = {}): Promise<StoreTime> {
    return this.peek() ?? (await this.refresh(options));
  }

  /** Asks, whatever is believed: what every run of the monitor, commit and sweep begins with. Rejects as `now`. */
  async refresh(options: { readonly signal?: AbortSignal } = {}): Promise<StoreTime> {
    const leaps: Bounds[] = [];
    for (let asked = 0; asked < mostAsks; asked += 1) {
      // One after the other: each answer says whether another is needed.
      const answer = await this.#ask(options);
      if (answer === undefined) continue;
      if (!this.#leaps(answer)) return this.#take(answer);
      if (leaps.some((leap) => stepBetween(leap, answer) !== 0)) leaps.length = 0;
      leaps.push(answer);
      if (leaps.length === agreeingLeaps) return this.#take(answer);
    }
    throw HoldfastError.failedTo('storeFailed', "read the store's clock", 'its answers do not agree with each other', {
      fix: 'Have the clocks of the store set, and do not let this machine sleep meanwhile.',
    });
  }

  /** What is believed, without asking; `null` where that is nothing. */
  peek(): StoreTime | null {
    if (this.#bounds === undefined || !this.#isBelieved) return null;
    const read = this.#clocks();
    const elapsed = read.monotonic - this.#bounds.read.monotonic;
    if (elapsed < 0 || elapsed > believedMs || hasSlept(this.#bounds.read, read)) {
      // For good: the clocks may come to agree again by chance.
      this.#isBelieved = false;
      return null;
    }
    return { earliest: new Date(this.#bounds.earliest + elapsed), latest: new Date(this.#bounds.latest + elapsed) };
  }

  /** A guess for what only shows or waits, while the store is away: the wall clock where nothing is known. Decides about no lock. */
  estimate(): Date {
    const read = this.#clocks();
    if (this.#bounds === undefined) return new Date(Math.max(read.wall, this.#former));
    return new Date(this.#bounds.latest + elapsedBetween(this.#bounds.read, read).most);
  }

  /** As of the last answer; `null` before the first. */
  get skew(): ClockSkew | null {
    if (this.#answer === undefined) return null;
    const { earliest, latest, read } = this.#answer;
    const milliseconds = read.wall - clamp(read.wall, earliest, latest);
    const size = Math.abs(milliseconds);
    return { milliseconds, level: size > 5 * minuteMs ? 'alert' : size > minuteMs ? 'shown' : 'none' };
  }

  /** The last time that the store's clock went another way; `null` where it never did. */
  get anomaly(): ClockAnomaly | null {
    return this.#anomaly;
  }

  /** One answer, bounded by how long it took; `undefined` where the machine slept meanwhile. */
  async #ask(options: { readonly signal?: AbortSignal }): Promise<Bounds | undefined> {
    const sent = this.#clocks();
    const date = (await this.#store.time(options)).getTime();
    const read = this.#clocks();
    if (hasSlept(sent, read)) return undefined;
    return { earliest: date, latest: date + cutMs + (read.monotonic - sent.monotonic), read };
  }

  #leaps(answer: Bounds): boolean {
    return this.#answer !== undefined && stepBetween(this.#answer, answer) > dayMs;
  }

  #take(answer: Bounds): StoreTime {
    const step = this.#answer === undefined ? Math.min(0, answer.latest + minuteMs - this.#former) : stepBetween(this.#answer, answer);
    if (step !== 0) {
      const kind = step < 0 ? 'steppedBack' : 'steppedForward';
      this.#anomaly = { kind, milliseconds: Math.abs(step), at: new Date(answer.earliest) };
    }
    this.#bounds = this.#merged(answer);
    this.#answer = answer;
    this.#isBelieved = true;
    return { earliest: new Date(this.#bounds.earliest), latest: new Date(this.#bounds.latest) };
  }

  #merged(answer: Bounds): Bounds {
    const former = this.#bounds;
    if (former === undefined) return { ...answer, latest: Math.max(answer.latest, this.#former) };
    const { least, most } = elapsedBetween(former.read, answer.read);
    return {
      earliest: Math.min(answer.earliest, former.earliest + most * (1 + drift)),
      latest: Math.max(answer.latest, former.latest + least * (1 - drift)),
      read: answer.read,
    };
  }
}

/** By how much the store's clock went another way between two answers than this machine's clocks allow, a minute of tolerance taken off; 0 where it did not. */
function stepBetween(former: Bounds, answer: Bounds): number {
  const { least, most } = elapsedBetween(former.read, answer.read);
  const back = former.earliest + least * (1 - drift) - answer.latest;
  if (back > minuteMs) return -back;
  const forward = answer.earliest - former.latest - most * (1 + drift);
  return forward > minuteMs ? forward : 0;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
