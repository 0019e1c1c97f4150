/** A disk that is not mounted yet, a service that is not up yet: looked at for as long as the daemon runs, ever more seldom. */
const firstWait = 5000;
const longestWait = 10 * 60 * 1000;

/** Each try of a passphrase costs a second of work and a quarter of a gigabyte; one that is wrong three times will be wrong again. */
const wrongMost = 3;
const waitAfterWrong = 60_000;

/** One way in that needs nobody: when it is tried again. */
export class UnattendedTries {
  /** Milliseconds until the next try; `undefined` after the last. */
  left: number | undefined = 0;
  #wait = firstWait;
  #wrong = 0;

  /** Whether none follows. */
  failed(isWrongPassphrase: boolean): boolean {
    if (isWrongPassphrase) {
      this.#wrong += 1;
      this.left = this.#wrong >= wrongMost ? undefined : waitAfterWrong * 10 ** (this.#wrong - 1);
    } else {
      this.left = this.#wait;
      this.#wait = Math.min(longestWait, this.#wait * 2);
    }
    return this.left === undefined;
  }

  passed(milliseconds: number): void {
    if (this.left !== undefined) this.left = Math.max(0, this.left - milliseconds);
  }
}
