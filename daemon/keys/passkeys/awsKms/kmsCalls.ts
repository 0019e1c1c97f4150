import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { failureOf, type S3Failure } from '../../../locations/s3/s3Failure.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import { kmsProblem, isThrottledName } from './kmsProblems.ts';

/** Where time and chance come from; the process's own where left out. */
export interface KmsSurroundings {
  /** Milliseconds of any clock that only goes forwards. */
  readonly now?: () => number;
  readonly sleep?: (milliseconds: number) => Promise<void>;
  /** 0 up to, not including, 1. */
  readonly random?: () => number;
  /** Milliseconds that one attempt may take; 12,000 where left out. */
  readonly attemptLimit?: number;
}

/** One request, as messages name it. */
export interface KmsRequest {
  /** The right that it needs: `kms:Decrypt`. */
  readonly right: string;
  /** What it is done to, as the user knows it. */
  readonly key: string;
  /** What was asked twice is done once, so that an answer that was lost may be asked for again. */
  readonly isRepeatable: boolean;
}

/** No attempt begins later than that after the first, all requests of a process together: far below what the daemon waits for an answer (60 s). */
const budgetMs = 10_000;
const mostAttempts = 6;
const baseMs = 100;
const throttledBaseMs = 300;
const longestMs = 3000;

/** Makes requests again where that helps, within one budget of time, and turns what went wrong into problems. */
export class KmsCalls {
  readonly #host: () => string;
  readonly #secrets: readonly string[];
  readonly #now: () => number;
  readonly #sleep: (milliseconds: number) => Promise<void>;
  readonly #random: () => number;
  readonly #attemptLimit: number;
  #begun: number | undefined;

  constructor(host: () => string, secrets: readonly string[], { now, sleep, random, attemptLimit }: KmsSurroundings = {}) {
    this.#host = host;
    this.#secrets = secrets;
    this.#now = now ?? (() => performance.now());
    this.#sleep = sleep ?? (async (milliseconds) => await delay(milliseconds));
    this.#random = random ?? (() => randomInt(2 ** 32) / 2 ** 32);
    this.#attemptLimit = attemptLimit ?? 12_000;
  }

  /** Rejects with `KeyServiceFailure`; its cause is the SDK's error, which may hold anything that was sent. */
  async make<Output>(request: KmsRequest, send: (options: { readonly abortSignal: AbortSignal }) => Promise<Output>): Promise<Output> {
    this.#begun ??= this.#now();
    for (let attempt = 1; ; attempt += 1) {
      const limit = AbortSignal.timeout(this.#attemptLimit);
      try {
        return await send({ abortSignal: limit });
      } catch (error) {
        if (error instanceof KeyServiceFailure) throw error;
        if (limit.aborted) throw this.#tooSlow();
        const failure = failureOf(error);
        const wait = this.#wait(failure, attempt);
        if (!isWorthAnotherTry(failure, request) || attempt >= mostAttempts || this.#now() - this.#begun + wait > budgetMs)
          throw kmsProblem(error, failure, { ...request, host: this.#host(), secrets: this.#secrets });
        await this.#sleep(wait);
      }
    }
  }

  #wait(failure: S3Failure, attempt: number): number {
    const base = isThrottledName(failure) ? throttledBaseMs : baseMs;
    const wait = Math.min(longestMs, base * 2 ** (attempt - 1)) * (0.5 + this.#random() / 2);
    return Math.max(wait, failure.retryAfterMs ?? 0);
  }

  #tooSlow(): KeyServiceFailure {
    return new KeyServiceFailure(
      'timeout',
      `${this.#host()} gave no answer within ${this.#attemptLimit / 1000} seconds`,
      'Look whether the key service is overloaded, then try again.',
    );
  }
}

/** A connection that can not be made is told at once: the daemon asks again later. */
function isWorthAnotherTry(failure: S3Failure, { isRepeatable }: KmsRequest): boolean {
  const { status, system, clockCorrected } = failure;
  if (clockCorrected || isThrottledName(failure)) return true;
  if (!isRepeatable) return false;
  return status === undefined ? system === 'ECONNRESET' || system === 'EPIPE' : status >= 500 && status !== 501;
}
