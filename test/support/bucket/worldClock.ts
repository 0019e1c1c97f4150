import type { ClockReading } from '../../../daemon/locks/localClocks.ts';
import type { SchedulerClock } from '../../../daemon/policies/schedules/scheduler.ts';

interface Timer {
  /** By the monotonic clock. */
  readonly at: number;
  readonly callback: () => void;
}

/**
 * The clocks of a machine and of a store, moved by the test alone. Time goes in leaps: what became due in one goes off once, at its end, so that a year of a
 * daemon that looks every minute takes as many steps as the test says.
 */
export class WorldClock implements SchedulerClock {
  /** The store's, in milliseconds since the epoch. */
  storeMs: number;
  /** The machine's wall clock against the store's. */
  skewMs = 0;
  monoMs = 5000;
  readonly wall = (): Date => new Date(this.storeMs + this.skewMs);
  readonly now = (): number => this.monoMs;
  readonly read = (): ClockReading => ({ monotonic: this.monoMs, wall: this.storeMs + this.skewMs });
  readonly #timers = new Set<Timer>();

  constructor(start = '2026-01-01T00:00:00Z') {
    this.storeMs = Date.parse(start);
  }

  readonly after = (milliseconds: number, callback: () => void): (() => void) => {
    const timer = { at: this.monoMs + Math.max(0, milliseconds), callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** All clocks go on; then what is due goes off. */
  leap(milliseconds: number): void {
    this.storeMs += milliseconds;
    this.monoMs += milliseconds;
    const due = [...this.#timers].filter(({ at }) => at <= this.monoMs).toSorted((one, other) => one.at - other.at);
    for (const timer of due) if (this.#timers.delete(timer)) timer.callback();
  }

  /** All clocks go on, and nothing goes off: what a call takes that is under way. */
  take(milliseconds: number): void {
    this.storeMs += milliseconds;
    this.monoMs += milliseconds;
  }

  /** The machine sleeps: its monotonic clock and its timers stand still. */
  sleep(milliseconds: number): void {
    this.storeMs += milliseconds;
  }

  /** Nothing that was to go off does: the process has ended. */
  end(): void {
    this.#timers.clear();
  }
}
