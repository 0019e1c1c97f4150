import { addAbortListener } from 'node:events';
import { HoldfastError } from '../protocol/errors.ts';

/** Ends a connection when the signal is aborted, until disposed: what waits for the daemon over it waits no longer, also where the daemon is silent. */
export class CutOnAbort implements Disposable {
  readonly #signal: AbortSignal | undefined;
  readonly #listening: Disposable | undefined;

  constructor(connection: { terminate(): void }, signal: AbortSignal | undefined) {
    this.#signal = signal;
    this.#listening = signal === undefined ? undefined : addAbortListener(signal, () => connection.terminate());
  }

  /** What the work gives; rejects with `cancelled` where it fails after the abort. */
  async wait<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (this.#signal?.aborted !== true) throw error;
      throw new HoldfastError('cancelled', 'Failed to wait for the daemon: it was cancelled.', { cause: error });
    }
  }

  [Symbol.dispose](): void {
    this.#listening?.[Symbol.dispose]();
  }
}
