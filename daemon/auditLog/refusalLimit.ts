const most = 100;
const refilledEveryMs = 60_000;

/** How many refused calls are written down one by one: a hundred, and one more each minute. Who may call nothing could else fill the disk. */
export class RefusalLimit {
  readonly #now: () => number;
  #left: number = most;
  #refilledAt: number;

  /** @param now monotonic, milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#refilledAt = now();
  }

  /** `false`: count it only. */
  take(): boolean {
    const earned = Math.floor((this.#now() - this.#refilledAt) / refilledEveryMs);
    this.#refilledAt += earned * refilledEveryMs;
    this.#left = Math.min(most, this.#left + earned);
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }
}
