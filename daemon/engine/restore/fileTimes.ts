const nanosecondsPerSecond = 1_000_000_000n;

/**
 * The seconds to hand to Node so that the file system gets a time as near to `nanoseconds` as it can: Node takes times as doubles, whose steps
 * are 238 ns in our days, and cuts what it takes off to whole nanoseconds.
 */
export function nearestSeconds(nanoseconds: bigint): number {
  const guess = Number(nanoseconds / nanosecondsPerSecond) + Number(nanoseconds % nanosecondsPerSecond) / 1e9;
  let best = guess;
  let bestDistance = distance(guess, nanoseconds);
  for (const candidate of [below(guess), above(guess)]) {
    const away = distance(candidate, nanoseconds);
    if (away < bestDistance) {
      best = candidate;
      bestDistance = away;
    }
  }
  return best;
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

function distance(seconds: number, nanoseconds: bigint): bigint {
  const away = nanosecondsOf(seconds) - nanoseconds;
  return away < 0n ? -away : away;
}

function above(value: number): number {
  return neighbour(value, 1n);
}

function below(value: number): number {
  return neighbour(value, -1n);
}

/** The next double in a direction. */
function neighbour(value: number, step: bigint): number {
  const bits = new BigInt64Array(1);
  const doubles = new Float64Array(bits.buffer);
  doubles[0] = value === 0 ? Number.MIN_VALUE * Number(step) : value;
  if (value !== 0) bits[0] = (bits[0] ?? 0n) + (value > 0 ? step : -step);
  return doubles[0] ?? value;
}
