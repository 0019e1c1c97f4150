const stepUpMilliseconds: number = 5 * 60 * 1000;

export interface StepUpClock {
  /** Never goes back; may stand still while the machine sleeps. */
  monotonic(): number;
  /** May jump; goes on while the machine sleeps. */
  wall(): number;
}

/**
 * Whether this user has proved a passphrase in the last five minutes. Every client of the socket is the same user, so there is one state for all sessions.
 * Both clocks have to agree: turning the wall clock back does not prolong it, nor does a machine that slept.
 */
export class StepUp {
  readonly #clock: StepUpClock;
  #granted: { readonly monotonic: number; readonly wall: number } | undefined;

  constructor(clock: StepUpClock = { monotonic: () => performance.now(), wall: () => Date.now() }) {
    this.#clock = clock;
  }

  /** Until when it holds, by the wall clock. */
  grant(): Date {
    this.#granted = { monotonic: this.#clock.monotonic(), wall: this.#clock.wall() };
    return new Date(this.#granted.wall + stepUpMilliseconds);
  }

  isGranted(): boolean {
    if (this.#granted === undefined) return false;
    const elapsed = Math.max(this.#clock.monotonic() - this.#granted.monotonic, this.#clock.wall() - this.#granted.wall);
    if (elapsed < stepUpMilliseconds) return true;
    this.#granted = undefined;
    return false;
  }

  revoke(): void {
    this.#granted = undefined;
  }
}
