import { createHash, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import { bufferOver, isZero } from './bytes.ts';
import { newSalt, type Entropy } from './entropy.ts';
import {
  boundHeaderLength,
  checkIdentity,
  decodeHeader,
  encodeBoundHeader,
  headerLength,
  type ExpectedIdentity,
  type ObjectHeader,
  type ObjectIdentity,
} from './header.ts';
import { paddedPlaintextLength, plaintextLengthOf, storedLengthOf } from './padding.ts';
import { refusal } from './refusal.ts';
import { checkStoredLength, openSegments, sealSegments, sealedSegmentsHold } from './segments.ts';

const info = Buffer.from('holdfast/v1/object\0', 'ascii');

/** The key of one object and the commitment that its header carries. */
export interface ObjectKey {
  readonly key: KeyObject;
  /** 32 bytes. */
  readonly commitment: Uint8Array;
}

/** HKDF-SHA-256 (RFC 5869) over the bound header: a key serves one object, so nonces can be counters (docs/format.md, Object key). */
export function deriveObjectKey(typeKey: KeyObject, boundHeader: Uint8Array, salt: Uint8Array): ObjectKey {
  const derived = new Uint8Array(hkdfSync('sha256', typeKey, salt, Buffer.concat([info, boundHeader.subarray(0, boundHeaderLength)]), 64));
  const key = createSecretKey(derived.subarray(0, 32));
  const commitment = derived.slice(32);
  derived.fill(0);
  return { key, commitment };
}

/** An object as it is to be stored. */
export interface SealedObject {
  /** Header and body. */
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`. */
  readonly sha256: Uint8Array;
  readonly objectId: Uint8Array;
  readonly salt: Uint8Array;
}

/** Seals an index, a manifest or a term: `u64 contentLength ‖ content ‖ zeros`, padded, under a key of its own. */
export function sealObject(typeKey: KeyObject, identity: ObjectIdentity, content: Uint8Array, entropy: Entropy): SealedObject {
  const plaintext = Buffer.alloc(paddedPlaintextLength(8 + content.length));
  plaintext.writeBigUInt64LE(BigInt(content.length));
  plaintext.set(content, 8);
  const bytes = Buffer.allocUnsafe(storedLengthOf(plaintext.length));
  const { salt } = sealPlaintext(typeKey, identity, plaintext, bytes, entropy);
  return { bytes, sha256: createHash('sha256').update(bytes).digest(), objectId: identity.objectId, salt };
}

export interface SealedPack {
  /** Bytes of the output buffer that are to be stored. */
  readonly storedLength: number;
  readonly sha256: Uint8Array;
  readonly salt: Uint8Array;
}

/**
 * Seals a pack's plaintext into `out` (both may be shared memory, and must not overlap), decrypts it again from there and compares, and
 * takes the SHA-256. Throws `failed` where the comparison fails: memory or processor are faulty, and nothing may be put.
 */
export function sealPack(
  typeKey: KeyObject,
  identity: ObjectIdentity,
  plaintext: Uint8Array,
  out: Uint8Array,
  entropy: Entropy,
): SealedPack {
  const { storedLength, salt } = sealPlaintext(typeKey, identity, plaintext, out, entropy);
  const stored = out.subarray(0, storedLength);
  if (!sealedPackHolds(typeKey, stored, plaintext)) {
    throw new HoldfastError('failed', 'Failed to seal a pack: read back from memory, it is not what was written.', {
      fix: 'Check the memory of this machine.',
    });
  }
  return { storedLength, sha256: createHash('sha256').update(stored).digest(), salt };
}

/** Whether `stored`, taken by its own header, opens to exactly `plaintext`. */
export function sealedPackHolds(typeKey: KeyObject, stored: Uint8Array, plaintext: Uint8Array): boolean {
  const { key, commitment } = deriveObjectKey(typeKey, stored, stored.subarray(128, 160));
  if (!timingSafeEqual(commitment, stored.subarray(160, headerLength))) return false;
  return sealedSegmentsHold(key, stored.subarray(headerLength), plaintext);
}

export interface OpenedObject {
  readonly header: ObjectHeader;
  /** The content for all types but packs; a pack's whole plaintext. */
  readonly content: Buffer;
}

/**
 * Opens a whole object: header rules, `expected`, commitment (in constant time), each segment's tag, then length and zeros.
 * `typeKeyOf` gives the key for the header's master key and key generation, or throws.
 * Throws `damaged` or `unsupportedFormat`; `subject` names the object in the message.
 */
export function openObject(
  stored: Uint8Array,
  expected: ExpectedIdentity,
  typeKeyOf: (header: ObjectHeader) => KeyObject,
  subject: string,
): OpenedObject {
  const { header, key } = openHeader(stored, stored.length, expected, typeKeyOf, subject);
  const body = stored.subarray(headerLength);
  const length = plaintextLengthOf(body.length);
  if (length === undefined) throw refusal(subject, 'bodyLength', `no body has ${body.length} bytes`);
  const plaintext = Buffer.allocUnsafe(length);
  openSegments(key, body, plaintext, subject);
  return { header, content: header.type === 'pack' ? plaintext : contentOf(plaintext, subject) };
}

/**
 * What `openObject` checks before the body, of the first bytes (`headerLength`, or more) of an object of `storedLength` bytes: where it throws, that does. Gives
 * the object's key, too.
 */
export function openHeader(
  stored: Uint8Array,
  storedLength: number,
  expected: ExpectedIdentity,
  typeKeyOf: (header: ObjectHeader) => KeyObject,
  subject: string,
): { readonly header: ObjectHeader; readonly key: KeyObject } {
  const header = decodeHeader(stored, subject);
  checkStoredLength(header.type, storedLength, subject);
  checkIdentity(header, expected, subject);
  const { key, commitment } = deriveObjectKey(typeKeyOf(header), header.bound, header.salt);
  if (!timingSafeEqual(commitment, header.commitment)) throw refusal(subject, 'commitment', 'it was not written under this key');
  return { header, key };
}

function sealPlaintext(
  typeKey: KeyObject,
  identity: ObjectIdentity,
  plaintext: Uint8Array,
  out: Uint8Array,
  entropy: Entropy,
): { readonly storedLength: number; readonly salt: Uint8Array } {
  const bound = encodeBoundHeader(identity);
  const salt = newSalt(entropy, identity.objectId);
  const { key, commitment } = deriveObjectKey(typeKey, bound, salt);
  out.set(bound, 0);
  out.set(salt, 128);
  out.set(commitment, 160);
  return { storedLength: headerLength + sealSegments(key, plaintext, out.subarray(headerLength)), salt };
}

function contentOf(plaintext: Buffer, subject: string): Buffer {
  if (plaintext.length < 8) throw refusal(subject, 'contentLength', 'it is too short for a content length');
  const length = bufferOver(plaintext).readBigUInt64LE(0);
  if (length > BigInt(plaintext.length - 8)) throw refusal(subject, 'contentLength', `it claims ${length} bytes of content`);
  const end = 8 + Number(length);
  if (!isZero(plaintext, end)) throw refusal(subject, 'zeroPadding', 'its padding is not zero');
  return plaintext.subarray(8, end);
}
