/** Calls to a store, a few at a time. Owned by one run, which must `drain` or `settle` it before it ends. */
export class LookQueue {
  readonly #atOnce: number;
  readonly #running: Set<Promise<void>> = new Set();
  #failures: unknown[] = [];

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Waits for a free place, not for the look. Rejects with what a look before it has failed of. */
  async add(look: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#atOnce) await Promise.race(this.#running);
    this.#throwFailure();
    const running = look().catch((error: unknown) => void this.#failures.push(error));
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  /** Resolves when all is done; rejects with the first failure. */
  async drain(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  /** Resolves when all has ended, however. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #throwFailure(): void {
    const [failure] = this.#failures;
    if (this.#failures.length > 0) throw failure;
  }
}
