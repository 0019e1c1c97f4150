import { bufferOver } from './bytes.ts';
import { blockCodecs, maxBlockRawLength, type BlockCodec } from './blockCodec.ts';
import { chunkKinds, type ChunkKind } from './chunkId.ts';
import { ChunkRows, chunkRowLength } from './chunkRows.ts';
import { fullPackPlaintextLength, paddedPlaintextLength } from './padding.ts';

export const blockRowLength = 16;
export const packFooterLength = 24;
export const packMagic: Buffer = Buffer.from('HFPACK01', 'ascii');
export const maxChunksPerBlock = 65_535;

/** A block as it goes into a pack, or moves from one pack to another unchanged. */
export interface PackBlock {
  readonly kind: ChunkKind;
  readonly codec: BlockCodec;
  readonly rawLength: number;
  readonly stored: Uint8Array;
  readonly chunks: ChunkRows;
}

/**
 * Lays out one pack's plaintext in a buffer of the caller's (docs/format.md, Packs): blocks from the front, directory and footer
 * when it is finished. The buffer may be shared memory and can be used again after `reset`.
 */
export class PackBuilder {
  readonly #buffer: Buffer;
  #directory: Buffer = Buffer.allocUnsafe(65_536);
  #directoryLength = 0;
  #length = 0;
  #blockCount = 0;
  #chunkCount = 0;

  /** `buffer` holds at least `fullPackPlaintextLength` bytes. */
  constructor(buffer: Uint8Array) {
    if (buffer.length < fullPackPlaintextLength) throw new RangeError(`a pack needs ${fullPackPlaintextLength} bytes`);
    this.#buffer = bufferOver(buffer).subarray(0, fullPackPlaintextLength);
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  get chunkCount(): number {
    return this.#chunkCount;
  }

  /** Bytes of blocks so far. */
  get length(): number {
    return this.#length;
  }

  /** Stored bytes that one more block of `chunkCount` chunks may have; negative where not even its row fits. */
  roomFor(chunkCount: number): number {
    const taken = this.#length + this.#directoryLength + packFooterLength;
    return fullPackPlaintextLength - taken - blockRowLength - chunkCount * chunkRowLength;
  }

  /** The free part of the buffer where the next block goes: a caller may write a raw block there and append that view, uncopied. */
  tail(): Buffer {
    return this.#buffer.subarray(this.#length);
  }

  /** Appends a block. Throws `RangeError` where it breaks a rule of the format or does not fit: ask `roomFor` first. */
  append(block: PackBlock): void {
    const { stored, rawLength, chunks } = block;
    if (chunks.count < 1 || chunks.count > maxChunksPerBlock) throw new RangeError(`a block of ${chunks.count} chunks`);
    if (rawLength < 1 || rawLength > maxBlockRawLength) throw new RangeError(`a block of ${rawLength} bytes`);
    if (block.codec === 'raw' && stored.length !== rawLength) throw new RangeError('a raw block of another length');
    if (stored.length > this.roomFor(chunks.count)) throw new RangeError(`a block of ${stored.length} bytes does not fit`);
    const isInPlace = stored.buffer === this.#buffer.buffer && stored.byteOffset === this.#buffer.byteOffset + this.#length;
    if (!isInPlace) this.#buffer.set(stored, this.#length);
    const rowsLength = chunks.count * chunkRowLength;
    this.#reserve(blockRowLength + rowsLength);
    const row = this.#directory;
    const at = this.#directoryLength;
    row.writeUInt32LE(this.#length, at);
    row.writeUInt32LE(stored.length, at + 4);
    row.writeUInt32LE(rawLength, at + 8);
    row.writeUInt8(blockCodecs[block.codec], at + 12);
    row.writeUInt8(chunkKinds[block.kind], at + 13);
    row.writeUInt16LE(chunks.count, at + 14);
    row.set(chunks.bytes(), at + blockRowLength);
    this.#directoryLength += blockRowLength + rowsLength;
    this.#length += stored.length;
    this.#blockCount += 1;
    this.#chunkCount += chunks.count;
  }

  /** Writes directory, zeros and footer, and returns the plaintext's view: exactly the full size, or the padding rule's for a tail. */
  finish(size: 'full' | 'tail'): Buffer {
    const least = this.#length + this.#directoryLength + packFooterLength;
    const length = size === 'full' ? fullPackPlaintextLength : Math.min(paddedPlaintextLength(least), fullPackPlaintextLength);
    const pack = this.#buffer.subarray(0, length);
    pack.set(this.#directory.subarray(0, this.#directoryLength), this.#length);
    pack.fill(0, this.#length + this.#directoryLength, length - packFooterLength);
    const at = length - packFooterLength;
    pack.writeUInt32LE(this.#length, at);
    pack.writeUInt32LE(this.#directoryLength, at + 4);
    pack.writeUInt32LE(this.#blockCount, at + 8);
    pack.writeUInt32LE(0, at + 12);
    pack.set(packMagic, at + 16);
    return pack;
  }

  /** The rows written so far, in the directory's own layout. */
  directory(): Buffer {
    return this.#directory.subarray(0, this.#directoryLength);
  }

  reset(): void {
    this.#directoryLength = 0;
    this.#length = 0;
    this.#blockCount = 0;
    this.#chunkCount = 0;
  }

  #reserve(more: number): void {
    const needed = this.#directoryLength + more;
    if (needed <= this.#directory.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#directory.length * 2));
    grown.set(this.#directory.subarray(0, this.#directoryLength));
    this.#directory = grown;
  }
}
