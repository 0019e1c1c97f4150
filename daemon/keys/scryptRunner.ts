import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../protocol/errors.ts';
import { areAcceptable, type ScryptParameters } from './scryptParameters.ts';
import { isScryptAnswer, type ScryptJob } from './scryptWorker.ts';
import { secretCopy, wipe } from './secretBytes.ts';

/** Runs scrypt (RFC 7914) where it blocks nobody. */
export interface ScryptRunner {
  /**
   * `length` bytes, for the caller to wipe. The passphrase stays the caller's. Throws the signal's reason when aborted, and
   * `HoldfastError('failed')` where the runtime could not do it.
   */
  derive(
    passphrase: Uint8Array,
    salt: Uint8Array,
    parameters: ScryptParameters,
    length: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * One derivation at a time, each in a worker thread of its own that ends with it. An abort lets the caller go at once; a derivation that
 * has begun cannot be stopped, and the next waits for its end.
 */
export class WorkerScryptRunner implements ScryptRunner {
  readonly #workerUrl: URL;
  #last: Promise<void> = Promise.resolve();

  /** `workerUrl`: an entry that calls `runScryptWorker()` where its `workerData.role` is `scrypt`. */
  constructor(workerUrl: URL) {
    this.#workerUrl = workerUrl;
  }

  async derive(
    passphrase: Uint8Array,
    salt: Uint8Array,
    parameters: ScryptParameters,
    length: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (!areAcceptable(parameters)) throw new RangeError('scrypt parameters outside what docs/format.md accepts');
    signal?.throwIfAborted();
    const job: ScryptJob = { role: 'scrypt', passphrase: secretCopy(passphrase), salt: Uint8Array.from(salt), parameters, length };
    const work = this.#runAfter(this.#last, job, signal);
    this.#last = settled(work);
    return unlessAborted(work, signal);
  }

  async #runAfter(previous: Promise<void>, job: ScryptJob, signal: AbortSignal | undefined): Promise<Uint8Array<ArrayBuffer>> {
    try {
      await previous;
      signal?.throwIfAborted();
      const derived = await this.#runWorker(job);
      // Nobody is waiting for it any more.
      if (signal?.aborted === true) wipe(derived);
      return derived;
    } finally {
      // Where a worker got it, the worker wipes it.
      wipe(job.passphrase);
    }
  }

  #runWorker(job: ScryptJob): Promise<Uint8Array<ArrayBuffer>> {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    const worker = new Worker(this.#workerUrl, { workerData: job, transferList: [job.passphrase.buffer] });
    let derived: Uint8Array<ArrayBuffer> | undefined;
    let cause: unknown = 'the worker ended without an answer';
    worker.once('message', (answer: unknown) => {
      if (isScryptAnswer(answer) && answer.length === job.length) derived = answer;
    });
    worker.once('error', (error) => {
      cause = error;
    });
    worker.once('exit', () => {
      if (derived !== undefined) resolve(derived);
      else reject(new HoldfastError('failed', 'Failed to derive a key from the passphrase: the worker thread failed.', { cause }));
    });
    return promise;
  }
}

async function settled(work: Promise<unknown>): Promise<void> {
  await Promise.allSettled([work]);
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abandon = (): void => reject(signal.reason);
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}
