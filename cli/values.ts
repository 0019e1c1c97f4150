import { HoldfastError } from '../protocol/errors.ts';
import { quoted } from '../client/shown/text.ts';
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
