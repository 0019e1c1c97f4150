/** Values as people type them in forms, and back: the same units as in the command line. */

const unitPowers: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 };

/** Bytes of `1048576`, `10k`, `500 MB` or `1.5GiB`, every unit a power of 1,024; `undefined` for anything else. */
export function bytesOf(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const power = unitPowers[(match?.[2] ?? '?').toLowerCase()];
  if (match === null || power === undefined) return undefined;
  const value = Math.round(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The shortest text that `bytesOf` reads as the same number. */
export function typedBytes(value: number): string {
  const units = ['TiB', 'GiB', 'MiB', 'KiB'];
  for (const [index, unit] of units.entries()) {
    const size = 1024 ** (units.length - index);
    if (value >= size && value % size === 0) return `${value / size} ${unit}`;
  }
  return String(value);
}

const durationUnits: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** Seconds of `90`, `90s`, `30 min`, `30m`, `12h` or `1d`; `undefined` for anything else. */
export function secondsOf(text: string): number | undefined {
  const match = /^(\d{1,9}) ?(s|m|min|h|d)?$/.exec(text.trim());
  const unit = durationUnits[match?.[2] ?? 's'];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** The shortest text that `secondsOf` reads as the same number. */
export function typedSeconds(value: number): string {
  if (value > 0 && value % 86_400 === 0) return `${value / 86_400}d`;
  if (value > 0 && value % 3600 === 0) return `${value / 3600}h`;
  if (value > 0 && value % 60 === 0) return `${value / 60}m`;
  return `${value}s`;
}

/** A whole number from 0 on; `undefined` for anything else. */
export function wholeNumberOf(text: string, most: number): number | undefined {
  const value = Number(text.trim());
  return /^\d{1,15}$/.test(text.trim()) && value <= most ? value : undefined;
}
