import { createHash, createHmac, type KeyObject } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import { Breather } from './breather.ts';
import { type BundleFacts, encodeBundleFacts } from './bundleFacts.ts';
import { deriveObjectKey, type SealedObject } from './container.ts';
import { encodeDrSlotSection, hashOfSection } from './drSlotSection.ts';
import { newObjectId, newSalt, type Entropy } from './entropy.ts';
import { encodeBoundHeader, type ObjectIdentity } from './header.ts';
import { maxObjectStoredLength, paddedPlaintextLength, segmentLength, storedLengthOf } from './padding.ts';
import { SegmentSealer } from './segmentSealer.ts';
import { bundleSourceOf, StoredBundle } from './storedBundle.ts';

/** A catalog as one zstd frame, which may lie in a file: it is read once, in pieces. */
export interface CatalogFrame {
  /** Bytes of the frame. */
  readonly length: number;
  /** SHA-256 of them. */
  readonly sha256: Uint8Array;
  /** Bytes that it decodes to. */
  readonly catalogLength: number;
  read(signal?: AbortSignal): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export type BundleIdentity = Pick<ObjectIdentity, 'installationId' | 'masterKeyId' | 'sequence' | 'storeId'> & {
  /** 16 bytes. */
  readonly drkId: Uint8Array;
  /** 16 bytes: the object id; a fresh one by default. */
  readonly bundleId?: Uint8Array;
};

export interface BundleToSeal {
  readonly identity: BundleIdentity;
  readonly facts: Omit<BundleFacts, 'formatVersion' | 'catalogSha256' | 'catalogLength'>;
  readonly catalog: CatalogFrame;
  /** The slot's JSON, the same bytes in every bundle until the DR passphrase changes. */
  readonly drSlot: Uint8Array;
  readonly bundleKey: KeyObject;
  /** Of 16 zero bytes in place of a policy, of the master key that `identity` names. */
  readonly ownerKey: KeyObject;
  readonly entropy: Entropy;
  readonly signal?: AbortSignal;
}

const zeros = new Uint8Array(segmentLength);
/** What is worked on before others have their turn. */
const pieceLength: number = 8 * segmentLength;

/**
 * Seals a bundle (docs/format.md, Bundle) into one buffer of its stored length, which is all the memory that it takes beside half a megabyte; the catalog's frame
 * passes through. What was sealed is read once more as a reader does before it is given away. Throws `RangeError` where no reader would take it; rejects with
 * `failed` (too long; the frame is not what its length and SHA-256 say), with what `catalog.read` does, and with the signal's reason.
 */
export async function sealBundle(bundle: BundleToSeal): Promise<SealedObject> {
  const { identity, facts, catalog, drSlot, bundleKey, ownerKey, entropy, signal } = bundle;
  const { bundleId = newObjectId(entropy), drkId, ...ids } = identity;
  const section = encodeDrSlotSection(drSlot);
  const boundHeader = encodeBoundHeader({
    ...ids,
    type: 'bundle',
    keyGeneration: 0,
    scopeId: drkId,
    objectId: bundleId,
    drSlotHash: hashOfSection(section),
  });
  const json = encodeBundleFacts({ ...facts, formatVersion: 1, catalogSha256: catalog.sha256, catalogLength: catalog.catalogLength });
  const front = frontOf(json, createHmac('sha256', ownerKey).update(boundHeader), catalog.length);

  const plaintextLength = paddedPlaintextLength(front.length + catalog.length, section.length);
  const storedLength = storedLengthOf(plaintextLength, section.length);
  if (storedLength > maxObjectStoredLength) {
    throw HoldfastError.failedTo(
      'failed',
      'write a bundle',
      `the catalog has ${catalog.length} bytes compressed, and a bundle at most 4 GiB`,
    );
  }
  const salt = newSalt(entropy, bundleId);
  const { key, commitment } = deriveObjectKey(bundleKey, boundHeader, salt);
  const bytes = Buffer.allocUnsafeSlow(storedLength);
  let at = 0;
  for (const part of [boundHeader, salt, commitment, section]) at += Buffer.from(part).copy(bytes, at);
  await sealBody(key, bytes.subarray(at), plaintextLength, front, catalog, signal);
  await checkSealed(bundle, bytes);
  return { bytes, sha256: await hashOf(bytes, signal), objectId: bundleId, salt };
}

/** `u64 contentLength ‖ u32 jsonLen ‖ JSON ‖ ownerTag ‖ u64 zLen`: all of the plaintext that comes before the frame. `tag` has taken the header. */
function frontOf(json: Buffer, tag: ReturnType<typeof createHmac>, frameLength: number): Buffer {
  const jsonLength = Buffer.alloc(4);
  jsonLength.writeUInt32LE(json.length);
  const ownerTag = tag.update(jsonLength).update(json).digest();
  const lengths = [4 + json.length + ownerTag.length + 8 + frameLength, frameLength].map((length) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(length));
    return bytes;
  });
  const [contentLength = jsonLength, zLength = jsonLength] = lengths;
  return Buffer.concat([contentLength, jsonLength, json, ownerTag, zLength]);
}

async function sealBody(
  key: KeyObject,
  body: Uint8Array,
  plaintextLength: number,
  front: Buffer,
  catalog: CatalogFrame,
  signal: AbortSignal | undefined,
): Promise<void> {
  const sealer = new SegmentSealer(key, plaintextLength, body);
  const breather = new Breather(signal);
  sealer.write(front);
  let length = 0;
  for await (const piece of catalog.read(signal)) {
    signal?.throwIfAborted();
    length += piece.length;
    if (length > catalog.length) break;
    for (let at = 0; at < piece.length; at += pieceLength) {
      sealer.write(piece.subarray(at, at + pieceLength));
      await breather.breathe();
    }
  }
  if (length !== catalog.length) throw notAsMade();
  while (sealer.left > 0) {
    sealer.write(zeros.subarray(0, sealer.left));
    await breather.breathe();
  }
  sealer.finish();
}

/** Reads it as a reader does, to its last byte. */
async function checkSealed({ identity, bundleKey, ownerKey, signal }: BundleToSeal, bytes: Uint8Array): Promise<void> {
  try {
    const stored = await StoredBundle.read(bundleSourceOf(bytes), 'the bundle', signal);
    const opened = await stored.open(bundleKey, identity, signal);
    opened.checkOwnerTag(ownerKey);
    for await (const piece of opened.frame(signal)) void piece;
  } catch (error) {
    if (!HoldfastError.is(error, 'damaged', 'tampered', 'unsupportedFormat')) throw error;
    throw notAsMade(error);
  }
}

function notAsMade(cause?: unknown): HoldfastError {
  return HoldfastError.failedTo('failed', 'write a bundle', 'what was read back from memory is not the copy of the catalog that was made', {
    fix: 'Try again. Where it happens once more, check the disk and the memory of this machine.',
    ...(cause === undefined ? {} : { cause }),
  });
}

async function hashOf(bytes: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const breather = new Breather(signal);
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += pieceLength) {
    hash.update(bytes.subarray(at, at + pieceLength));
    await breather.breathe();
  }
  return hash.digest();
}
