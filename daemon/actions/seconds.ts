/** Seconds as documents have them: to the millisecond, since what a clock says beyond that is noise. */
export function roundedSeconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
