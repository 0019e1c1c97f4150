/** Milliseconds that may be caught up: what waits wakes up late, and would else always be slower than it was told. */
const slack = 100;

export interface Release {
  /** Milliseconds until the piece may go. */
  readonly wait: number;
  /** Until when, by the same clock, the bytes so far have been paid for with time: what the next piece begins with. */
  readonly paidUntil: number;
}

/**
 * When the next piece of bytes may go where bytes a second are limited: once those before it have been paid for. Within any `t` seconds no more than
 * `rate * (t + 0.1)` bytes and one piece go.
 *
 * @param now milliseconds of a clock that never goes back
 */
export function nextRelease(paidUntil: number, now: number, bytes: number, bytesPerSecond: number): Release {
  const start = Math.max(paidUntil, now - slack);
  return { wait: Math.max(0, start - now), paidUntil: start + (bytes / bytesPerSecond) * 1000 };
}
