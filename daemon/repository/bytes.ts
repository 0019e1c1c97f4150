/** A `Buffer` over the same memory, for its little-endian accessors. Works on shared memory too. */
export function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function hexOf(bytes: Uint8Array): string {
  return bufferOver(bytes).toString('hex');
}

export function base64Of(bytes: Uint8Array): string {
  return bufferOver(bytes).toString('base64');
}

/** Equality of public bytes; never for tags or secrets. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && bufferOver(a).equals(b);
}

/**
 * Gives memory back at once that lies outside the heap, where the bytes are all that lies in it: the collector would see little of it and let it lie about,
 * and whoever needs as much again gets what is still in the processor's cache. Nobody may use the bytes afterwards, nor any view of them.
 */
export function release(bytes: Uint8Array): void {
  const { buffer, byteOffset, length } = bytes;
  const isAlone = byteOffset === 0 && buffer.byteLength > Buffer.poolSize && buffer.byteLength - length <= slack;
  if (isAlone && buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
}

/** What a decoder was given more than it filled. */
const slack = 64;

const zeros = new Uint8Array(65_536);

/** Whether `bytes[start..end)` are all zero. */
export function isZero(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  const buffer = bufferOver(bytes);
  for (let at = start; at < end; at += zeros.length) {
    const stop = Math.min(at + zeros.length, end);
    if (buffer.compare(zeros, 0, stop - at, at, stop) !== 0) return false;
  }
  return true;
}
