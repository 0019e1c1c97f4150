import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isThrottled, isWorthAnotherTry, type S3Failure } from './s3Failure.ts';
import type { S3Surroundings } from './s3Options.ts';

const baseMs = 100;
const throttledBaseMs = 500;
const longestMs = 10_000;
/** A retry costs one; a request that came through gives a half back, so that a store which fails three of ten times is gone on with for ever. */
const budget = 100;
const refund = 0.5;

/**
 * When a request is made again: exponential with full jitter, from 100 ms (500 where the store asked to slow down) up to 10 s, at most `attempts` times, and
 * only while the budget that all requests of a connection share is not used up (a store that is down is not hammered by what waits for it).
 */
export class Retries {
  readonly attempts: number;
  readonly #sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly #random: () => number;
  #left = budget;

  constructor(attempts: number, { sleep, random }: S3Surroundings) {
    this.attempts = attempts;
    this.#sleep = sleep ?? ((milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }));
    this.#random = random ?? (() => randomInt(2 ** 32) / 2 ** 32);
  }

  succeeded(): void {
    this.#left = Math.min(budget, this.#left + refund);
  }

  /** Waits as long as it should be before attempt `made + 1`; `false` where there is none. Rejects where the signal is aborted meanwhile. */
  async another(failure: S3Failure, made: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (made >= this.attempts || !isWorthAnotherTry(failure) || this.#left < 1) return false;
    this.#left -= 1;
    const base = isThrottled(failure) ? throttledBaseMs : baseMs;
    const wait = Math.min(longestMs, base * 2 ** (made - 1)) * this.#random();
    await this.#sleep(Math.max(wait, Math.min(longestMs, failure.retryAfterMs ?? 0)), signal);
    return true;
  }
}
