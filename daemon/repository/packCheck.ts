import { createHash, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Breather } from './breather.ts';
import { hexOf, sameBytes } from './bytes.ts';
import { decodeBlock } from './blockCodec.ts';
import { chunkIdOf, idKeyOf } from './chunkId.ts';
import type { ChunkMarks, MarkedPack } from './chunkMarks.ts';
import { deriveObjectKey } from './container.ts';
import { checkIdentity, decodeHeader, headerLength, type ExpectedIdentity, type ObjectHeader } from './header.ts';
import { isUnreadable } from './chunkReader.ts';
import type { IndexView } from './indexView.ts';
import type { PackDirectory } from './packDirectory.ts';
import { plaintextLengthOf, segmentLength } from './padding.ts';
import { subjectOf } from './packReader.ts';
import type { PolicyKeys } from './policyKeys.ts';
import { refusal } from './refusal.ts';
import { checkStoredLength, openRange, planRange } from './segments.ts';

const stepLength = 32 * segmentLength;

export interface OpenedPack {
  readonly header: ObjectHeader;
  readonly keys: PolicyKeys;
  readonly plaintext: Buffer;
}

/** SHA-256 of stored bytes, with pauses. */
export async function hashOf(stored: Uint8Array, breather: Breather): Promise<Buffer> {
  const hash = createHash('sha256');
  for (let at = 0; at < stored.length; at += stepLength) {
    hash.update(stored.subarray(at, at + stepLength));
    await breather.breathe();
  }
  return hash.digest();
}

/** Opens a whole pack as `openObject` does, with pauses. Rejects with a refusal, or with what `keysFor` throws. */
export async function openWholePack(
  stored: Uint8Array,
  expected: ExpectedIdentity,
  keysFor: (header: ObjectHeader) => PolicyKeys,
  subject: string,
  breather: Breather,
): Promise<OpenedPack> {
  const header = decodeHeader(stored, subject);
  checkStoredLength('pack', stored.length, subject);
  checkIdentity(header, expected, subject);
  const keys = keysFor(header);
  const { key, commitment } = deriveObjectKey(keys.pack, header.bound, header.salt);
  if (!timingSafeEqual(commitment, header.commitment)) throw refusal(subject, 'commitment', 'it was not written under this key');
  const length = plaintextLengthOf(stored.length - headerLength);
  if (length === undefined) throw refusal(subject, 'bodyLength', `no body has ${stored.length - headerLength} bytes`);
  const plaintext = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at += stepLength) {
    plaintext.set(openPart(key, stored, stored.length, at, Math.min(stepLength, length - at), subject), at);
    await breather.breathe();
  }
  return { header, keys, plaintext };
}

/** Checks every block of a pack and the id of every chunk. Rejects with a refusal at the first that is wrong. */
export async function checkChunks(pack: OpenedPack, directory: PackDirectory, subject: string, breather: Breather): Promise<void> {
  for (const block of directory.blocks) {
    const stored = pack.plaintext.subarray(block.offset, block.offset + block.storedLength);
    const raw = decodeBlock(stored, block.codec, block.rawLength, subject);
    const idKey = idKeyOf(pack.keys, block.kind);
    for (let row = 0; row < block.chunks.count; row += 1) {
      const offset = block.chunks.offsetInRaw(row);
      const chunk = raw.subarray(offset, offset + block.chunks.length(row));
      if (!chunkIdOf(idKey, chunk).equals(block.chunks.id(row))) {
        throw refusal(subject, 'chunkId', `chunk ${hexOf(block.chunks.id(row))} has other bytes`);
      }
      if (row % 256 === 255) await breather.breathe();
    }
    await breather.breathe();
  }
}

/** Refuses a pack some row of which is not in its own directory as an index has it. */
export function checkRows(pack: MarkedPack, directory: PackDirectory, subject: string): void {
  const blocks = new Map(directory.blocks.map((block) => [block.offset, block]));
  for (const { index, chunks } of pack.places) {
    const known = new Map<number, Set<string>>();
    for (const chunk of chunks) {
      const row = index.block(index.blockOf(chunk));
      const block = blocks.get(row.offset);
      const isSame =
        block?.storedLength === row.storedLength &&
        block.rawLength === row.rawLength &&
        block.codec === row.codec &&
        block.kind === row.kind;
      if (block === undefined || !isSame) throw refusal(subject, 'indexPackMismatch', 'a block is not where an index says');
      const ids = known.get(row.offset) ?? new Set(Array.from({ length: block.chunks.count }, (_, at) => placeOf(block.chunks, at)));
      known.set(row.offset, ids);
      if (!ids.has(`${hexOf(index.id(chunk))} ${index.offsetInRaw(chunk)} ${index.lengthOf(chunk)}`)) {
        throw refusal(subject, 'indexPackMismatch', 'a chunk is not where an index says');
      }
    }
  }
}

/** Marks those rows of a damaged pack whose bytes cannot be had from `stored` any more: the others still serve. */
export async function salvage(
  pack: MarkedPack,
  stored: Uint8Array,
  boundHeader: Uint8Array,
  keys: PolicyKeys,
  marks: ChunkMarks,
  breather: Breather,
): Promise<void> {
  const { key } = deriveObjectKey(keys.pack, boundHeader, pack.row.salt);
  for (const { index, chunks } of pack.places) {
    let openBlock = -1;
    let raw: Buffer | undefined;
    for (const chunk of chunks.toSorted((a, b) => index.blockOf(a) - index.blockOf(b))) {
      const block = index.blockOf(chunk);
      if (block !== openBlock) raw = tryBlock(pack, index, block, stored, key);
      openBlock = block;
      if (raw === undefined || !isChunkGood(index, chunk, raw, keys)) marks.markBad(index, chunk);
      await breather.breathe();
    }
  }
}

function tryBlock(pack: MarkedPack, index: IndexView, block: number, stored: Uint8Array, key: KeyObject): Buffer | undefined {
  const row = index.block(block);
  const subject = subjectOf(pack.row);
  try {
    const part = openPart(key, stored, pack.row.storedLength, row.offset, row.storedLength, subject);
    return decodeBlock(part, row.codec, row.rawLength, subject);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return undefined;
  }
}

function isChunkGood(index: IndexView, chunk: number, raw: Buffer, keys: PolicyKeys): boolean {
  const offset = index.offsetInRaw(chunk);
  const kind = index.kindOf(index.blockOf(chunk));
  return sameBytes(chunkIdOf(idKeyOf(keys, kind), raw.subarray(offset, offset + index.lengthOf(chunk))), index.id(chunk));
}

function openPart(key: KeyObject, stored: Uint8Array, storedLength: number, offset: number, length: number, subject: string): Buffer {
  const plan = planRange(storedLength, offset, length, subject);
  return openRange(key, plan, stored.subarray(plan.storedOffset, plan.storedOffset + plan.storedLength), subject);
}

function placeOf(
  chunks: { readonly id: (at: number) => Buffer; readonly offsetInRaw: (at: number) => number; readonly length: (at: number) => number },
  at: number,
): string {
  return `${hexOf(chunks.id(at))} ${chunks.offsetInRaw(at)} ${chunks.length(at)}`;
}
