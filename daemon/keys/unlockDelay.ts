import { HoldfastError } from '../../protocol/errors.ts';
import type { Milliseconds } from '../../protocol/ids.ts';

const freeFailures = 2;
const firstDelay = 1000;
const longestDelay = 60_000;

function milliseconds(value: number): value is Milliseconds {
  return value >= 0;
}

/** How long the next attempt waits after so many wrong ones in a row: nothing after two typing errors, then 1, 2, 4 … 60 s. */
export function unlockDelay(failures: number): Milliseconds {
  const delay = failures <= freeFailures ? 0 : Math.min(longestDelay, firstDelay * 2 ** Math.min(failures - freeFailures - 1, 16));
  if (!milliseconds(delay)) throw new RangeError(`a delay of ${delay} ms`);
  return delay;
}

export interface UnlockClock {
  /** Monotonic, in milliseconds. */
  now(): number;
  /** Throws the signal's reason. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Makes guessing through the daemon slow: one attempt at a time, and a growing delay after wrong ones. */
export class UnlockDelay {
  readonly #clock: UnlockClock;
  #failures = 0;
  #openFrom = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: UnlockClock) {
    this.#clock = clock;
  }

  /** Wrong attempts since the last right one. */
  get failures(): number {
    return this.#failures;
  }

  /** Runs the attempt once those before it have ended and the delay is over; `wrongSecret` counts as wrong, any other error does not count. */
  async attempt<T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const work = this.#runAfter(this.#last, run, signal);
    this.#last = Promise.allSettled([work]);
    return work;
  }

  async #runAfter<T>(previous: Promise<unknown>, run: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    await previous;
    signal?.throwIfAborted();
    const wait = this.#openFrom - this.#clock.now();
    if (wait > 0) await this.#clock.sleep(wait, signal);
    try {
      const result = await run();
      this.#failures = 0;
      this.#openFrom = 0;
      return result;
    } catch (error) {
      if (HoldfastError.is(error, 'wrongSecret')) {
        this.#failures += 1;
        this.#openFrom = this.#clock.now() + unlockDelay(this.#failures);
      }
      throw error;
    }
  }
}
