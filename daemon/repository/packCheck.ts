import { createHash, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Breather } from './breather.ts';
import { hexOf, sameBytes } from './bytes.ts';
import { decodeBlock } from './blockCodec.ts';
import { chunkIdOf, idKeyOf } from './chunkId.ts';
import type { ChunkMarks, PackPlace } from './chunkMarks.ts';
import { deriveObjectKey } from './container.ts';
import { checkIdentity, decodeHeader, headerLength, type ExpectedIdentity, type ObjectHeader } from './header.ts';
import { isUnreadable } from './chunkReader.ts';
import type { IndexView } from './indexView.ts';
import type { PolicyKeySource } from './keySource.ts';
import type { DirectoryBlock, PackDirectory } from './packDirectory.ts';
import { plaintextLengthOf, segmentLength } from './padding.ts';
import { packRowKey, type PackScope, subjectOf } from './packReader.ts';
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

/** What is known of a pack once it was read whole. */
export interface RealPack {
  readonly opened: OpenedPack;
  readonly directory: PackDirectory;
  readonly sha256: Uint8Array;
  readonly storedLength: number;
}

/** Refuses what an index says of a pack where its own header, bytes or directory say otherwise (docs/format.md, Packs describe themselves). */
export function checkPlace(place: PackPlace, real: RealPack, subject: string): void {
  const { row } = place;
  const { header, keys } = real.opened;
  const wrong = [
    ['stored length', row.storedLength === real.storedLength],
    ['SHA-256', sameBytes(row.sha256, real.sha256)],
    ['salt', sameBytes(row.salt, header.salt)],
    ['key generation', row.keyGeneration === header.keyGeneration],
    ['key epoch', row.keyEpoch === keys.keyEpoch],
  ].flatMap(([name, holds]) => (holds === true ? [] : [name]));
  if (wrong.length > 0) throw refusal(subject, 'indexPackMismatch', `an index records another ${wrong.join(', ')}`);
  const blocks = new Map(real.directory.blocks.map((block) => [block.offset, block]));
  checkBlocks(place, blocks, subject);
  checkPlacesOfChunks(place, blocks, subject);
}

/** Every row of the block table counts, also one that holds no chunk of the index. */
function checkBlocks({ index, blocks: rows }: PackPlace, blocks: ReadonlyMap<number, DirectoryBlock>, subject: string): void {
  for (const number of rows) {
    const row = index.block(number);
    const block = blocks.get(row.offset);
    const isSame =
      block?.storedLength === row.storedLength && block.rawLength === row.rawLength && block.codec === row.codec && block.kind === row.kind;
    if (!isSame) throw refusal(subject, 'indexPackMismatch', 'a block is not where an index says');
  }
}

function checkPlacesOfChunks({ index, chunks }: PackPlace, blocks: ReadonlyMap<number, DirectoryBlock>, subject: string): void {
  const known = new Map<number, ReadonlySet<string>>();
  for (const chunk of chunks) {
    const { offset } = index.block(index.blockOf(chunk));
    const rows = blocks.get(offset)?.chunks;
    const ids =
      known.get(offset) ?? new Set(Array.from({ length: rows?.count ?? 0 }, (_, at) => (rows === undefined ? '' : placeOf(rows, at))));
    known.set(offset, ids);
    if (!ids.has(`${hexOf(index.id(chunk))} ${index.offsetInRaw(chunk)} ${index.lengthOf(chunk)}`)) {
      throw refusal(subject, 'indexPackMismatch', 'a chunk is not where an index says');
    }
  }
}

/**
 * Marks those rows of a damaged or wrongly recorded pack whose bytes cannot be had from `stored` by what their own index says: the others
 * still serve. `scope` is that of the manifest's header.
 */
export async function salvage(
  place: PackPlace,
  stored: Uint8Array,
  storedLength: number,
  scope: PackScope,
  keySource: PolicyKeySource,
  marks: ChunkMarks,
  breather: Breather,
): Promise<void> {
  const { index, row, chunks } = place;
  const candidates = keySource
    .allOfEpoch(row.keyEpoch, row.keyGeneration)
    .map((keys): Candidate => ({ keys, key: packRowKey(scope, keys, row) }));
  let openBlock = -1;
  let raw: Buffer | undefined;
  let keys: PolicyKeys | undefined;
  for (const chunk of chunks.toSorted((a, b) => index.blockOf(a) - index.blockOf(b))) {
    const block = index.blockOf(chunk);
    if (block !== openBlock) {
      raw = undefined;
      for (const candidate of row.storedLength === storedLength ? candidates : []) {
        raw ??= tryBlock(place, block, stored, candidate.key);
        if (raw === undefined) continue;
        ({ keys } = candidate);
        break;
      }
    }
    openBlock = block;
    if (raw === undefined || keys === undefined || !isChunkGood(index, chunk, raw, keys)) marks.markBad(index, chunk);
    await breather.breathe();
  }
}

interface Candidate {
  readonly keys: PolicyKeys;
  readonly key: KeyObject;
}

function tryBlock({ index, row }: PackPlace, number: number, stored: Uint8Array, key: KeyObject): Buffer | undefined {
  const block = index.block(number);
  const subject = subjectOf(row);
  try {
    const part = openPart(key, stored, row.storedLength, block.offset, block.storedLength, subject);
    return decodeBlock(part, block.codec, block.rawLength, subject);
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
