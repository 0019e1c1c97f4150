import type { SchedulerClock } from '../../daemon/policies/schedules/scheduler.ts';

interface Timer {
  /** By the monotonic clock. */
  readonly at: number;
  readonly callback: () => void;
}

/** A wall clock that can be set, a monotonic one that stands still while the machine sleeps, and timers on the latter. */
export class VirtualClock implements SchedulerClock {
  readonly wall = (): Date => new Date(this.wallMs);
  readonly now = (): number => this.monoMs;
  wallMs: number;
  monoMs = 5000;
  /** How often a timer has gone off. */
  fired = 0;
  readonly #timers = new Set<Timer>();

  constructor(start: string) {
    this.wallMs = Date.parse(start);
  }

  readonly after = (milliseconds: number, callback: () => void): (() => void) => {
    const timer = { at: this.monoMs + Math.max(0, milliseconds), callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Both clocks go on; what is due goes off in its order. */
  pass(milliseconds: number): void {
    const end = this.monoMs + milliseconds;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.at > end) break;
      this.#goTo(next.at);
      this.#timers.delete(next);
      this.fired += 1;
      next.callback();
    }
    this.#goTo(end);
  }

  /** Goes on until that wall time. */
  passUntil(time: string): void {
    this.pass(Date.parse(time) - this.wallMs);
  }

  /** The machine sleeps: only the wall clock goes on. */
  sleep(milliseconds: number): void {
    this.wallMs += milliseconds;
  }

  /** Somebody sets the wall clock, by so much. */
  set(milliseconds: number): void {
    this.wallMs += milliseconds;
  }

  /** Nothing that was to go off does: the process has ended. */
  end(): void {
    this.#timers.clear();
  }

  #goTo(mono: number): void {
    this.wallMs += mono - this.monoMs;
    this.monoMs = mono;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    return next;
  }
}
