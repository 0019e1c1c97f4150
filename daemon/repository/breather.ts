import { setImmediate as nextTurn } from 'node:timers/promises';

/** Lets the event loop turn whenever work has held it for a while, and stops where the signal says so. */
export class Breather {
  readonly #signal: AbortSignal | undefined;
  readonly #milliseconds: number;
  #last: number = performance.now();

  constructor(signal: AbortSignal | undefined, milliseconds = 15) {
    this.#signal = signal;
    this.#milliseconds = milliseconds;
  }

  /** Call between pieces of work of a few milliseconds. Rejects with the signal's reason. */
  async breathe(): Promise<void> {
    if (performance.now() - this.#last < this.#milliseconds) return;
    await nextTurn();
    this.#signal?.throwIfAborted();
    this.#last = performance.now();
  }
}
