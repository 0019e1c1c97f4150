import { createHash } from 'node:crypto';
import { bufferOver, sameBytes } from './bytes.ts';
import { headerLength, type ObjectHeader } from './header.ts';
import { refusal } from './refusal.ts';

/** The JSON of a DR slot, in bytes. */
export const longestDrSlot = 4096;
const lengthBytes = 4;
/** Header and section have at most so many bytes. */
export const longestBundleFront: number = headerLength + lengthBytes + longestDrSlot;

/** `u32 length ‖ DR slot`: what stands between header and body of a bundle (docs/format.md, The container). Throws `RangeError` above the cap. */
export function encodeDrSlotSection(drSlot: Uint8Array): Buffer {
  if (drSlot.length === 0 || drSlot.length > longestDrSlot) throw new RangeError(`a DR slot of ${drSlot.length} bytes`);
  const section = Buffer.alloc(lengthBytes + drSlot.length);
  section.writeUInt32LE(drSlot.length);
  section.set(drSlot, lengthBytes);
  return section;
}

/** What the header has in its bytes 112 to 128. */
export function hashOfSection(section: Uint8Array): Uint8Array {
  return createHash('sha256').update(section).digest().subarray(0, 16);
}

export interface DrSlotSection {
  /** The slot's JSON: hostile until it opened. */
  readonly drSlot: Uint8Array;
  /** Stored bytes before the body: header and section. */
  readonly bodyStart: number;
}

/**
 * The section behind the header at the beginning of a bundle's stored bytes, of which `front` holds as many as there are, up to `longestBundleFront`. Its hash
 * agrees with the header, which nothing has proved yet. Throws `damaged` (`slotSection`, `headerSlotHash`).
 */
export function decodeDrSlotSection(front: Uint8Array, { drSlotHash }: ObjectHeader, subject: string): DrSlotSection {
  const start = headerLength + lengthBytes;
  if (front.length < start) throw refusal(subject, 'slotSection', 'it ends before its DR slot');
  const length = bufferOver(front).readUInt32LE(headerLength);
  if (length === 0 || length > longestDrSlot) throw refusal(subject, 'slotSection', `its DR slot claims ${length} bytes`);
  const bodyStart = start + length;
  if (front.length < bodyStart) throw refusal(subject, 'slotSection', 'it ends within its DR slot');
  if (drSlotHash === undefined || !sameBytes(hashOfSection(front.subarray(headerLength, bodyStart)), drSlotHash)) {
    throw refusal(subject, 'headerSlotHash', 'its slot hash is not that of the slot beside it');
  }
  return { drSlot: Uint8Array.from(front.subarray(start, bodyStart)), bodyStart };
}
