/** This machine's two clocks, read at one moment. */
export interface ClockReading {
  /** Milliseconds of a clock that nobody sets; it may stand still while the machine sleeps. */
  readonly monotonic: number;
  /** Milliseconds since 1970 by the wall clock. */
  readonly wall: number;
}

/** By more than this the clocks differ only if the machine slept or somebody set the wall clock. Source: docs/format.md, Store time. */
const suspendMs = 2000;

export function readClocks(): ClockReading {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** Whether the machine slept between two readings, or the wall clock was set: what was known of time before does not hold any more. */
export function hasSlept(before: ClockReading, after: ClockReading): boolean {
  return Math.abs(after.wall - before.wall - (after.monotonic - before.monotonic)) > suspendMs;
}

/** The least and the most milliseconds that can have passed: the monotonic clock misses sleep, the wall clock may have been set. */
export function elapsedBetween(before: ClockReading, after: ClockReading): { readonly least: number; readonly most: number } {
  const monotonic = Math.max(0, after.monotonic - before.monotonic);
  return { least: monotonic, most: Math.max(monotonic, after.wall - before.wall) };
}
