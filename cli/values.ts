import { HoldfastError } from '../protocol/errors.ts';
import { quoted } from '../client/shown/text.ts';
import { number } from '../client/shown/units.ts';
import { bytesOf, secondsOf } from '../client/typedUnits.ts';

/** Values as people type them. Each throws `badValue` with a way out. */

function bad(flag: string, text: string, expected: string): HoldfastError {
  return new HoldfastError('badValue', `Failed to read ${flag}: ${quoted(text)} is not ${expected}.`, {
    fix: `Give ${flag} another value.`,
  });
}

export function wholeNumber(flag: string, text: string, least = 0): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least) throw bad(flag, text, `a whole number from ${least} on`);
  return value;
}

/** Bytes: `1048576`, `10k`, `500MB` or `1.5GiB`; every unit is a power of 1,024. */
export function bytes(flag: string, text: string): number {
  const value = bytesOf(text);
  if (value === undefined) throw bad(flag, text, 'a size such as 1048576 or 500MiB');
  return value;
}

const daySeconds = 86_400;
/** As protocol/methods/immutability.ts has it. */
const longestAbsence = 60;

/** Whole days: `30`, `30d` or `2w`. */
export function wholeDays(flag: string, text: string, least: number, most: number): number {
  const seconds = /^\d{1,6}$/.test(text) ? Number(text) * daySeconds : secondsOf(text);
  const days = seconds === undefined ? Number.NaN : seconds / daySeconds;
  if (Number.isInteger(days) && days >= least && days <= most) return days;
  throw bad(flag, text, `a number of days from ${least} to ${number(most)}, such as 30, 30d or 2w`);
}

/** Days that may be parts of one: `4`, `1.5`, `12h` or `2w`, up to 60. */
export function absenceDays(name: string, text: string): number {
  const days = /^\d{1,3}(?:\.\d{1,3})?$/.test(text) ? Number(text) : (secondsOf(text) ?? Number.NaN) / daySeconds;
  if (days >= 0 && days <= longestAbsence) return days;
  throw bad(name, text, `a number of days from 0 to ${longestAbsence}, such as 4, 12h or 2w`);
}

const timePattern = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:\d\d)?)?$/;

/** RFC 3339 in UTC from a time as typed: RFC 3339 (without an offset it is UTC), a day, or a duration, which counts back from now. */
export function time(flag: string, text: string, now: Date): string {
  const back = secondsOf(text);
  if (back !== undefined) return new Date(now.getTime() - back * 1000).toISOString();
  if (!timePattern.test(text)) throw bad(flag, text, 'a time such as 2026-01-02T03:04:05Z, a day, or 12h for so long ago');
  const hasOffset = /(?:[Zz]|[+-]\d\d:\d\d)$/.test(text.slice(10));
  const spelled = text.replace(/^(.{10})[t ]/, '$1T').replace(/z$/, 'Z');
  const milliseconds = Date.parse(hasOffset || text.length === 10 ? spelled : `${spelled}Z`);
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  // Date.parse takes 30 February for 2 March.
  if (Number.isNaN(milliseconds) || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== text.slice(0, 10)) {
    throw bad(flag, text, 'a time that exists');
  }
  return new Date(milliseconds).toISOString();
}
