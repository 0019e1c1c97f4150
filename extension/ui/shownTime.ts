import { stamp } from '../../client/shown/units.ts';

/** Local time as short as it can be: the hour on the same day, day and hour otherwise. */
export function shortTime(time: string, now: Date): string {
  const shown = stamp(new Date(time));
  const [day, hour] = shown.split(' ');
  return day === stamp(now).split(' ')[0] ? (hour ?? shown) : shown;
}

/** The day of a time, local: `2026-01-02`. */
export function dayOf(time: string): string {
  return stamp(new Date(time)).slice(0, 10);
}

/** Day and hour of a time, local. */
export function fullTime(time: string): string {
  return stamp(new Date(time));
}
