import { env } from 'vscode';
import { stamp } from '../../client/shown/units.ts';

/** Local time as short as it can be: the hour on the same day, day and hour otherwise, the year only where it is another one. */
export function shortTime(time: string, now: Date): string {
  const date = new Date(time);
  const [day, hour = ''] = stamp(date).split(' ');
  if (day === stamp(now).split(' ')[0]) return hour;
  return date.getFullYear() === now.getFullYear() ? `${shortDay(time)} ${hour}` : stamp(date);
}

/** The day of a time, local, in words: `Nov 22`. */
export function shortDay(time: string): string {
  return new Intl.DateTimeFormat(env.language, { day: 'numeric', month: 'short' }).format(new Date(time));
}

/** The day of a time, local: `2026-01-02`. */
export function dayOf(time: string): string {
  return stamp(new Date(time)).slice(0, 10);
}

/** Day and hour of a time, local. */
export function fullTime(time: string): string {
  return stamp(new Date(time));
}
