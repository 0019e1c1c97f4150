import { bufferOver, isZero } from './bytes.ts';
import { blockCodecOf, maxBlockRawLength } from './blockCodec.ts';
import { chunkIdLength, chunkKindOf, maxChunkLength, type ChunkKind } from './chunkId.ts';
import { ChunkRows, chunkRowLength } from './chunkRows.ts';
import type { BlockCodec } from './blockCodec.ts';
import { blockRowLength, packFooterLength, packMagic, type PackBlock } from './pack.ts';
import { refusal } from './refusal.ts';

/** One block's row of a pack's directory. */
export interface DirectoryBlock {
  readonly kind: ChunkKind;
  readonly codec: BlockCodec;
  /** First byte in the pack's plaintext. */
  readonly offset: number;
  readonly storedLength: number;
  readonly rawLength: number;
  readonly chunks: ChunkRows;
}

/** The directory of a pack whose every rule was checked when it was made. */
export class PackDirectory {
  readonly blocks: readonly DirectoryBlock[];
  readonly chunkCount: number;

  constructor(blocks: readonly DirectoryBlock[]) {
    this.blocks = blocks;
    this.chunkCount = blocks.reduce((sum, block) => sum + block.chunks.count, 0);
  }
}

/** Reads the directory from a pack's whole plaintext, padding included. Throws `damaged` (`packDirectory`, `packBlock`, `packChunk`, `zeroPadding`). */
export function readPackDirectory(plaintext: Uint8Array, subject: string): PackDirectory {
  const pack = bufferOver(plaintext);
  const footer = pack.length - packFooterLength;
  if (footer < 0 || pack.compare(packMagic, 0, 8, footer + 16, footer + 24) !== 0) {
    throw refusal(subject, 'packDirectory', 'it has no footer of a pack');
  }
  const directoryOffset = pack.readUInt32LE(footer);
  const directoryLength = pack.readUInt32LE(footer + 4);
  const end = directoryOffset + directoryLength;
  if (end > footer || pack.readUInt32LE(footer + 12) !== 0) throw refusal(subject, 'packDirectory', 'its footer points outside');
  if (!isZero(pack, end, footer)) throw refusal(subject, 'zeroPadding', 'its padding is not zero');
  const blockCount = pack.readUInt32LE(footer + 8);
  return parsePackDirectory(pack.subarray(directoryOffset, end), blockCount, directoryOffset, subject);
}

/** Parses `blockCount` rows whose blocks fill `[0, blocksEnd)` exactly. */
export function parsePackDirectory(rows: Uint8Array, blockCount: number, blocksEnd: number, subject: string): PackDirectory {
  const bytes = bufferOver(rows);
  if (blockCount * (blockRowLength + chunkRowLength) > bytes.length) {
    throw refusal(subject, 'packDirectory', `it claims ${blockCount} blocks in ${bytes.length} bytes`);
  }
  const blocks: DirectoryBlock[] = [];
  let at = 0;
  let next = 0;
  for (let index = 0; index < blockCount; index += 1) {
    const block = parseBlock(bytes, at, next, subject);
    blocks.push(block);
    next += block.storedLength;
    at += blockRowLength + block.chunks.count * chunkRowLength;
  }
  if (at !== bytes.length) throw refusal(subject, 'packDirectory', 'its directory has another length than its rows');
  if (next !== blocksEnd) throw refusal(subject, 'packDirectory', 'its blocks do not end where its directory begins');
  return new PackDirectory(blocks);
}

/** A block with its stored bytes, to be appended to another pack unchanged. */
export function packBlockOf(plaintext: Uint8Array, block: DirectoryBlock): PackBlock {
  return { ...block, stored: plaintext.subarray(block.offset, block.offset + block.storedLength) };
}

function parseBlock(bytes: Buffer, at: number, offset: number, subject: string): DirectoryBlock {
  if (at + blockRowLength > bytes.length) throw refusal(subject, 'packDirectory', 'its directory is cut');
  const storedLength = bytes.readUInt32LE(at + 4);
  const rawLength = bytes.readUInt32LE(at + 8);
  const codec = blockCodecOf(bytes.readUInt8(at + 12));
  const kind = chunkKindOf(bytes.readUInt8(at + 13));
  const count = bytes.readUInt16LE(at + 14);
  if (bytes.readUInt32LE(at) !== offset) throw refusal(subject, 'packBlock', `a block does not begin at ${offset}`);
  if (codec === undefined || kind === undefined) throw refusal(subject, 'packBlock', 'a block has an unknown codec or kind');
  if (storedLength < 1 || rawLength < 1 || rawLength > maxBlockRawLength || (codec === 'raw' && rawLength !== storedLength)) {
    throw refusal(subject, 'packBlock', `a block claims ${rawLength} bytes in ${storedLength}`);
  }
  const end = at + blockRowLength + count * chunkRowLength;
  if (count < 1 || end > bytes.length) throw refusal(subject, 'packBlock', `a block claims ${count} chunks`);
  for (let row = at + blockRowLength; row < end; row += chunkRowLength) {
    const length = bytes.readUInt32LE(row + chunkIdLength + 4);
    if (length < 1 || length > maxChunkLength || bytes.readUInt32LE(row + chunkIdLength) + length > rawLength) {
      throw refusal(subject, 'packChunk', 'a chunk does not lie in its block');
    }
  }
  return { kind, codec, offset, storedLength, rawLength, chunks: new ChunkRows(bytes.subarray(at + blockRowLength, end)) };
}
