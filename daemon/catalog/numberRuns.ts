import { catalogDamaged } from './catalogErrors.ts';

/** A set of whole numbers from 0 on as runs: for each, the distance from the end of the one before and its length less one, as LEB128. */
export function encodeRuns(numbers: Iterable<number>): Uint8Array {
  const sorted = Float64Array.from(numbers).toSorted();
  const bytes: number[] = [];
  let end = 0;
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at] ?? 0;
    let last = first;
    for (at += 1; at < sorted.length && (sorted[at] ?? 0) <= last + 1; at += 1) last = sorted[at] ?? 0;
    append(bytes, first - end);
    append(bytes, last - first);
    end = last + 1;
  }
  return Uint8Array.from(bytes);
}

/** The runs again, ascending, both ends included. Throws `catalogDamaged`. */
export function* decodeRuns(bytes: Uint8Array): Generator<readonly [first: number, last: number]> {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at];
      at += 1;
      if (byte === undefined || value > Number.MAX_SAFE_INTEGER)
        throw catalogDamaged('what a restore point reaches is not what was written');
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  let end = 0;
  while (at < bytes.length) {
    const first = end + next();
    const last = first + next();
    yield [first, last];
    end = last + 1;
  }
}

function append(bytes: number[], value: number): void {
  let left = value;
  while (left >= 128) {
    bytes.push((left % 128) + 128);
    left = Math.floor(left / 128);
  }
  bytes.push(left);
}
