import { gearWindow } from './chunkerParameters.ts';

/**
 * The first cut behind one of the bytes [at, end): the position behind that byte, or 0 where there is none. The gear hash of the 32 bytes
 * before a position decides: h = (h << 1) + gear[byte] modulo 2^32 and h & mask = 0. The 32 bytes before `at` must be there.
 * It says in plain words what the compiled scanner must answer.
 */
export function plainScan(gear: Uint32Array, bytes: Uint8Array, at: number, end: number, mask: number): number {
  let hash = 0;
  for (let position = at - gearWindow; position < at; position += 1) hash = roll(gear, bytes, hash, position);
  for (let position = at; position < end; position += 1) {
    hash = roll(gear, bytes, hash, position);
    if ((hash & mask) === 0) return position + 1;
  }
  return 0;
}

function roll(gear: Uint32Array, bytes: Uint8Array, hash: number, position: number): number {
  return ((hash << 1) + (gear[bytes[position] ?? 0] ?? 0)) | 0;
}
