import { createHash, createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto';

/** Sizes in bytes of docs/protocol.md, Proof. */
export const proofSizes = { key: 32, instanceId: 16, nonce: 32, tag: 32, serverMessage: 64 } as const;

const protocolLabel = Buffer.from('holdfast.v1', 'ascii');
const secretLabel = 'holdfast.v1 secret';

/** All that a proof is bound to. `path` is where the client dialled, or where the server listens: through a relay the two differ. */
export interface ProofBinding {
  readonly path: string;
  readonly instanceId: Uint8Array;
  readonly clientNonce: Uint8Array;
  readonly serverNonce: Uint8Array;
}

/** T of docs/protocol.md: SHA-256("holdfast.v1" ‖ u16 length ‖ path ‖ instanceId ‖ clientNonce ‖ serverNonce); the length is little-endian and counts UTF-8 bytes. */
export function proofTranscript(binding: ProofBinding): Buffer {
  const path = Buffer.from(binding.path, 'utf8');
  if (path.length > 0xffff) throw new RangeError(`a socket's path has at most 65535 bytes, not ${path.length}`);
  const length = Buffer.alloc(2);
  length.writeUInt16LE(path.length);
  return createHash('sha256')
    .update(protocolLabel)
    .update(length)
    .update(path)
    .update(sized(binding.instanceId, proofSizes.instanceId))
    .update(sized(binding.clientNonce, proofSizes.nonce))
    .update(sized(binding.serverNonce, proofSizes.nonce))
    .digest();
}

/** HMAC-SHA-256(proofKey, side ‖ 0x00 ‖ T). */
export function proofTag(proofKey: KeyObject, side: 'client' | 'server', transcript: Uint8Array): Buffer {
  return createHmac('sha256', proofKey).update(side, 'ascii').update(Buffer.of(0)).update(transcript).digest();
}

/** Compares in constant time; a tag of another length is simply wrong. */
export function isProofTag(proofKey: KeyObject, side: 'client' | 'server', transcript: Uint8Array, tag: Uint8Array): boolean {
  return tag.length === proofSizes.tag && timingSafeEqual(proofTag(proofKey, side, transcript), tag);
}

/** The key of a session's secret frames: HKDF-SHA-256(proofKey, salt = T, "holdfast.v1 secret", 32), RFC 5869. */
export function secretFrameKey(proofKey: KeyObject, transcript: Uint8Array): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', proofKey, transcript, secretLabel, 32));
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

function sized(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length !== size) throw new RangeError(`a part of the proof has ${size} bytes, not ${bytes.length}`);
  return bytes;
}
