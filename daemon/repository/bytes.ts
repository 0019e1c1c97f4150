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
