const nanosecondsPerSecond = 1_000_000_000n;
/** Of a double, after its point (IEEE 754, binary64). */
const mantissaBits = 52;

/**
 * The seconds to hand to Node so that the file system gets a time as near to `nanoseconds` as it can: Node takes times as doubles, whose steps
 * are 238 ns in our days, and cuts what it takes off to whole nanoseconds.
 */
export function nearestSeconds(nanoseconds: bigint): number {
  // In numbers, which take a tenth of the time of big integers: all of them are whole and far below 2^53.
  const whole = Number(nanoseconds / nanosecondsPerSecond);
  const rest = Number(nanoseconds % nanosecondsPerSecond);
  const distance = (seconds: number): number => {
    const cut = Math.trunc(seconds);
    return Math.abs((cut - whole) * 1e9 + Math.trunc((seconds - cut) * 1e9) - rest);
  };
  const guess = whole + rest / 1e9;
  const step = guess === 0 ? 0 : 2 ** (Math.floor(Math.log2(Math.abs(guess))) - mantissaBits);
  const below = guess - step;
  const above = guess + step;
  const best = distance(below) < distance(guess) ? below : guess;
  return distance(above) < distance(best) ? above : best;
}

/** What the runtime's file layer makes of a double: seconds and nanoseconds, both cut towards zero. */
export function nanosecondsOf(seconds: number): bigint {
  const whole = Math.trunc(seconds);
  return BigInt(whole) * nanosecondsPerSecond + BigInt(Math.trunc((seconds - whole) * 1e9));
}

/** The same as an argument of `utimes` and its kin, which take a negative number for "now" but the same number as a string for what it says. */
export function timeArgument(nanoseconds: bigint): number | string {
  const seconds = nearestSeconds(nanoseconds);
  return seconds < 0 ? String(seconds) : seconds;
}
