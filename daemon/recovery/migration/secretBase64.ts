import { secretBytes } from '../../keys/secretBytes.ts';

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/', 'ascii');
const padding = 0x3d;
/** Of each character; -1 where it is none. */
const values: Int8Array = Int8Array.from({ length: 256 }, (_value, byte) => alphabet.indexOf(byte));

export function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Characters of so many bytes, padding included. */
export function base64Length(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/**
 * Base64 (RFC 4648, section 4) from bytes to bytes: what Node offers makes a string of it, and a string of a key can not be overwritten. The caller wipes the
 * result.
 */
export function encodeBase64(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = secretBytes(base64Length(bytes.length));
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const left = bytes.length - from;
    const word = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
    out[to] = alphabet[word >>> 18] ?? 0;
    out[to + 1] = alphabet[(word >>> 12) & 63] ?? 0;
    out[to + 2] = left > 1 ? (alphabet[(word >>> 6) & 63] ?? 0) : padding;
    out[to + 3] = left > 2 ? (alphabet[word & 63] ?? 0) : padding;
  }
  return out;
}

/** `undefined` for what is not canonical: another character, a length that is no multiple of four, padding that is not needed, or bits below it. The caller wipes the result. */
export function decodeBase64(text: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padded = text.at(-1) === padding ? (text.at(-2) === padding ? 2 : 1) : 0;
  const out = secretBytes((text.length / 4) * 3 - padded);
  const digits = text.length - padded;
  for (let from = 0, to = 0; from < text.length; from += 4, to += 3) {
    let word = 0;
    for (let at = from; at < from + 4; at += 1) {
      const value = at < digits ? (values[text[at] ?? 0] ?? -1) : 0;
      if (value < 0) {
        out.fill(0);
        return undefined;
      }
      word = (word << 6) | value;
    }
    for (const [index, byte] of [word >>> 16, (word >>> 8) & 255, word & 255].entries()) {
      if (to + index < out.length) out[to + index] = byte;
      else if (byte !== 0) {
        out.fill(0);
        return undefined;
      }
    }
  }
  return out;
}
