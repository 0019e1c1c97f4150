/** Sizes and times as people type them, in the command line and in the editor. What is none is `undefined`: each face has its own words for that. */

const bytePowers: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 };

/** Bytes of `1048576`, `10k`, `500 MB` or `1.5GiB`; every unit is a power of 1,024. */
export function bytesOf(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]?)(?:i?b)?$/i.exec(text);
  const power = bytePowers[(match?.[2] ?? '?').toLowerCase()];
  if (match === null || power === undefined) return undefined;
  const value = Math.round(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(value) ? value : undefined;
}

const durationUnits: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of `90s`, `30m`, `30 min`, `12h`, `7d` or `2w`. A number alone is none: what it counts would be a guess. */
export function secondsOf(text: string): number | undefined {
  const match = /^(\d{1,9}) ?(s|m|min|h|d|w)$/.exec(text);
  const unit = durationUnits[match?.[2] ?? ''];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}
