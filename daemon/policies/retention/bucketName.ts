import type { RetentionUnit } from '../../../protocol/methods/policies.ts';

/** The units that group restore points by time. */
export type TimeUnit = Exclude<RetentionUnit, 'latest'>;

/** Milliseconds since 1970 to what a clock on the wall shows there and then. */
export type LocalClock = (time: number) => LocalTime;

export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  /** Minutes east of UTC. */
  readonly offset: number;
}

const minute = 60_000;
const day = 86_400_000;

/** A clock of a time zone (a name of the IANA database). Throws `RangeError` for a zone that the runtime does not know. */
export function clockOf(timeZone: string): LocalClock {
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    era: 'narrow',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (time) => {
    const parts = new Map(format.formatToParts(time).map((part) => [part.type, part.value]));
    const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    const year = parts.get('era') === 'B' ? 1 - number('year') : number('year');
    const local = { year, month: number('month'), day: number('day'), hour: number('hour') };
    const shown =
      utcOf(local.year, local.month, local.day) + local.hour * 60 * minute + number('minute') * minute + number('second') * 1000;
    return { ...local, offset: Math.round((shown - Math.floor(time / 1000) * 1000) / minute) };
  };
}

/**
 * The name of the bucket that a time lies in: `2026-10-25T02+02:00`, `2026-10-25`, `2026-W43`, `2026-10`, `2026`. An hour that a clock shows twice is
 * two buckets. Weeks are those of ISO 8601, which begin on Monday and belong to the year of their Thursday.
 */
export function bucketName(unit: TimeUnit, { year, month, day: dayOfMonth, hour, offset }: LocalTime): string {
  const date = `${padded(year, 4)}-${padded(month, 2)}-${padded(dayOfMonth, 2)}`;
  switch (unit) {
    case 'hourly':
      return `${date}T${padded(hour, 2)}${offsetText(offset)}`;
    case 'daily':
      return date;
    case 'weekly':
      return weekName(utcOf(year, month, dayOfMonth));
    case 'monthly':
      return date.slice(0, -3);
    case 'yearly':
      return padded(year, 4);
  }
}

function weekName(date: number): string {
  const weekday = (new Date(date).getUTCDay() + 6) % 7;
  const thursday = new Date(date + (3 - weekday) * day);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - utcOf(year, 1, 1)) / (7 * day)) + 1;
  return `${padded(year, 4)}-W${padded(week, 2)}`;
}

/** `Date.UTC` takes the years 0 to 99 for 1900 to 1999. */
function utcOf(year: number, month: number, dayOfMonth: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, dayOfMonth);
}

function offsetText(offset: number): string {
  const size = Math.abs(offset);
  return `${offset < 0 ? '-' : '+'}${padded(Math.floor(size / 60), 2)}:${padded(size % 60, 2)}`;
}

function padded(number: number, digits: number): string {
  return String(number).padStart(digits, '0');
}
