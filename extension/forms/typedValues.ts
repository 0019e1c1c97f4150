/** Values as forms propose them, in the units of client/typedUnits.ts. */

/** The shortest text that `bytesOf` reads as the same number. */
export function typedBytes(value: number): string {
  const units = ['TiB', 'GiB', 'MiB', 'KiB'];
  for (const [index, unit] of units.entries()) {
    const size = 1024 ** (units.length - index);
    if (value >= size && value % size === 0) return `${value / size} ${unit}`;
  }
  return String(value);
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
