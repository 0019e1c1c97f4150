import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { release } from './bytes.ts';
import { headerLength, type ObjectType } from './header.ts';
import { maxObjectStoredLength, maxPackStoredLength, plaintextLengthOf, segmentLength, tagLength } from './padding.ts';
import { refusal } from './refusal.ts';

const algorithm = 'aes-256-gcm';
const gcm = { authTagLength: tagLength } as const;
const sealedSegmentLength = segmentLength + tagLength;
const notAuthentic = (segment: number): string => `segment ${segment} is not authentic`;

/**
 * Encrypts `plaintext` segment by segment (AES-256-GCM STREAM, docs/format.md, Body) into `out`, which must not overlap it.
 * Both may be views of shared memory. Returns the bytes written. Throws `RangeError` where `out` is too small.
 */
export function sealSegments(key: KeyObject, plaintext: Uint8Array, out: Uint8Array): number {
  const segments = segmentCountOf(plaintext.length);
  const total = plaintext.length + segments * tagLength;
  if (out.length < total) throw new RangeError(`${total} bytes do not fit into ${out.length}`);
  let at = 0;
  for (let segment = 0; segment < segments; segment += 1) {
    const part = plaintext.subarray(segment * segmentLength, (segment + 1) * segmentLength);
    at += sealSegment(key, part, segment, segment === segments - 1, out, at);
  }
  return at;
}

/** Encrypts one segment into `out` at `at`, which must not overlap it; returns the bytes written, tag included. A number serves a key once. */
export function sealSegment(key: KeyObject, plaintext: Uint8Array, segment: number, isLast: boolean, out: Uint8Array, at: number): number {
  const nonce = Buffer.alloc(12);
  setNonce(nonce, segment, isLast);
  const cipher = createCipheriv(algorithm, key, nonce, gcm);
  const sealed = cipher.update(plaintext);
  out.set(sealed, at);
  release(sealed);
  cipher.final();
  out.set(cipher.getAuthTag(), at + plaintext.length);
  return plaintext.length + tagLength;
}

/**
 * Opens a whole body into `out`, and returns its plaintext length. Bytes of a segment reach `out` only after its tag held; where a tag
 * fails, earlier segments lie in `out` already, and the error (`damaged`, `segmentTag`) tells the caller to use none of them.
 */
export function openSegments(key: KeyObject, body: Uint8Array, out: Uint8Array, subject: string): number {
  const length = bodyPlaintextLength(body.length, subject);
  if (out.length < length) throw new RangeError(`${length} bytes do not fit into ${out.length}`);
  const segments = segmentCountOf(length);
  for (let segment = 0; segment < segments; segment += 1) {
    const sealed = body.subarray(segment * sealedSegmentLength, (segment + 1) * sealedSegmentLength);
    openSegment(key, sealed, segment, segment === segments - 1, subject, out, segment * segmentLength);
  }
  return length;
}

/** Decrypts `body` again and compares it with what it was made from; `false` where a byte or a tag differs (a fault of this machine). */
export function sealedSegmentsHold(key: KeyObject, body: Uint8Array, plaintext: Uint8Array): boolean {
  if (plaintextLengthOf(body.length) !== plaintext.length) return false;
  const segments = segmentCountOf(plaintext.length);
  for (let segment = 0; segment < segments; segment += 1) {
    const sealed = body.subarray(segment * sealedSegmentLength, (segment + 1) * sealedSegmentLength);
    const opened = tryOpenSegment(key, sealed, segment, segment === segments - 1);
    if (opened === undefined) return false;
    const isSame = opened.equals(plaintext.subarray(segment * segmentLength, segment * segmentLength + opened.length));
    release(opened);
    if (!isSame) return false;
  }
  return true;
}

/** What to fetch of an object, so that plaintext bytes `[offset, offset + length)` can be opened. */
export interface RangePlan {
  /** First stored byte to fetch. */
  readonly storedOffset: number;
  /** Stored bytes to fetch; the answer must have exactly so many. */
  readonly storedLength: number;
  readonly firstSegment: number;
  readonly lastSegmentOfObject: number;
  /** Where the wanted bytes begin in the opened segments. */
  readonly skip: number;
  readonly length: number;
}

/**
 * Plans a range read by the recorded stored length, never by the store's (docs/format.md, Range read). `bodyStart` is where the body begins, which is after the
 * DR slot section in a bundle. Throws `damaged` where the recorded length is none that a body can have, or the range does not lie inside it.
 */
export function planRange(
  objectStoredLength: number,
  offset: number,
  length: number,
  subject: string,
  bodyStart: number = headerLength,
): RangePlan {
  const plaintextLength = bodyPlaintextLength(objectStoredLength - bodyStart, subject);
  if (length < 1 || offset < 0 || offset + length > plaintextLength) {
    throw refusal(subject, 'bodyLength', `bytes ${offset} to ${offset + length} are not in its ${plaintextLength}`);
  }
  const firstSegment = Math.floor(offset / segmentLength);
  const endSegment = Math.floor((offset + length - 1) / segmentLength) + 1;
  const storedOffset = bodyStart + firstSegment * sealedSegmentLength;
  return {
    storedOffset,
    storedLength: Math.min(bodyStart + endSegment * sealedSegmentLength, objectStoredLength) - storedOffset,
    firstSegment,
    lastSegmentOfObject: segmentCountOf(plaintextLength) - 1,
    skip: offset - firstSegment * segmentLength,
    length,
  };
}

/**
 * Opens the bytes fetched by `plan`; all touched tags hold before it returns. `into`, where given, is memory to open them in, at least as long
 * as `fetched`, and the answer is a view of it. Throws `damaged` (`storedLength`, `segmentTag`).
 */
export function openRange(key: KeyObject, plan: RangePlan, fetched: Uint8Array, subject: string, into?: Buffer): Buffer {
  if (fetched.length !== plan.storedLength) {
    throw refusal(subject, 'storedLength', `the store gave ${fetched.length} of ${plan.storedLength} bytes`);
  }
  const segments = Math.ceil(fetched.length / sealedSegmentLength);
  const length = fetched.length - segments * tagLength;
  const opened = into === undefined ? Buffer.allocUnsafe(length) : into.subarray(0, length);
  for (let index = 0; index < segments; index += 1) {
    const sealed = fetched.subarray(index * sealedSegmentLength, (index + 1) * sealedSegmentLength);
    const segment = plan.firstSegment + index;
    openSegment(key, sealed, segment, segment === plan.lastSegmentOfObject, subject, opened, index * segmentLength);
  }
  return opened.subarray(plan.skip, plan.skip + plan.length);
}

/** Throws `damaged` where no object of this type may have that stored length. */
export function checkStoredLength(type: ObjectType, storedLength: number, subject: string): void {
  const most = type === 'pack' ? maxPackStoredLength : maxObjectStoredLength;
  if (storedLength > most) throw refusal(subject, 'storedLength', `its ${storedLength} bytes are more than the ${most} allowed`);
}

/** Throws `damaged` where no body has that length. */
export function bodyPlaintextLength(bodyLength: number, subject: string): number {
  const length = plaintextLengthOf(bodyLength);
  if (length === undefined) throw refusal(subject, 'bodyLength', `no body has ${bodyLength} bytes`);
  return length;
}

/** Puts the plaintext into `out` at `at`. */
function openSegment(
  key: KeyObject,
  sealed: Uint8Array,
  segment: number,
  isLast: boolean,
  subject: string,
  out: Uint8Array,
  at: number,
): void {
  const opened = tryOpenSegment(key, sealed, segment, isLast);
  if (opened === undefined) throw refusal(subject, 'segmentTag', notAuthentic(segment));
  out.set(opened, at);
  release(opened);
}

function tryOpenSegment(key: KeyObject, sealed: Uint8Array, segment: number, isLast: boolean): Buffer | undefined {
  const nonce = Buffer.alloc(12);
  setNonce(nonce, segment, isLast);
  const decipher = createDecipheriv(algorithm, key, nonce, gcm);
  decipher.setAuthTag(sealed.subarray(sealed.length - tagLength));
  const opened = decipher.update(sealed.subarray(0, sealed.length - tagLength));
  try {
    decipher.final();
  } catch {
    opened.fill(0);
    return undefined;
  }
  return opened;
}

/** 7 zero bytes ‖ u32 big-endian counter ‖ last flag. */
function setNonce(nonce: Buffer, segment: number, isLast: boolean): void {
  nonce.writeUInt32BE(segment, 7);
  nonce[11] = isLast ? 1 : 0;
}

function segmentCountOf(plaintextLength: number): number {
  return Math.max(1, Math.ceil(plaintextLength / segmentLength));
}
