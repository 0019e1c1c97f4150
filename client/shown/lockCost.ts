/** What a user sets of the locks of a location, in days. */
export interface LockSetting {
  readonly protectionPeriodDays: number;
  readonly longestAbsenceDays: number;
}

const hour = 1 / 24;
const monthDays = 30;
/** Of the deadline: what clocks and rounding take. */
const grace = 5 / 86_400;

/** Calls to the store that keep so many objects locked for 30 days: each extension is one that extends and one that reads back. Source: docs/format.md, Locks. */
export function lockCallsPerMonth(setting: LockSetting, objects: number): number {
  const { interval, reserve, buffer, margin } = termsOf(setting);
  const runs = Math.floor(rounded((buffer + margin - reserve) / interval)) + 1;
  return Math.ceil(rounded((2 * objects * monthDays) / (runs * interval)));
}

/** Days for which a new object is locked at once: until then nobody can delete it, whoever it is. Source: docs/format.md, Locks. */
export function longestLockDays(setting: LockSetting): number {
  const { buffer, margin } = termsOf(setting);
  return Math.ceil(rounded(setting.protectionPeriodDays + buffer + margin));
}

function termsOf({ protectionPeriodDays, longestAbsenceDays }: LockSetting): {
  readonly interval: number;
  readonly reserve: number;
  readonly buffer: number;
  readonly margin: number;
} {
  const interval = clamp(protectionPeriodDays / 8, hour, 2);
  const reserve = Math.max(2 * interval, longestAbsenceDays) + Math.max(hour, interval / 4) + grace;
  return { interval, reserve, buffer: Math.max(1, reserve), margin: clamp(protectionPeriodDays / 4, 1, 10) };
}

/** Days are no whole milliseconds: what is a whole number but for that is one. */
function rounded(value: number): number {
  return Number(value.toFixed(9));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
