import { isUtf8 } from 'node:buffer';
import { bufferOver, isZero } from './bytes.ts';
import { blockCodecOf, maxBlockRawLength, type BlockCodec } from './blockCodec.ts';
import { chunkKindOf, type ChunkKind } from './chunkId.ts';
import { maxPackStoredLength, plaintextLengthOf } from './padding.ts';
import { headerLength } from './header.ts';
import { indexLayout, indexMagic, maxIndexChunks } from './indexLayout.ts';
import { refusal } from './refusal.ts';

/** A row of the pack table. */
export interface PackRow {
  /** 16 bytes. */
  readonly objectId: Uint8Array;
  /** 32 bytes. */
  readonly salt: Uint8Array;
  readonly keyGeneration: number;
  readonly keyEpoch: number;
  readonly storedLength: number;
  /** SHA-256 of the stored bytes. */
  readonly sha256: Uint8Array;
  /** Where to look first; `null` where the store has no versions. */
  readonly versionId: string | null;
}

/** A row of the block table. */
export interface BlockRow {
  /** Row of the pack table. */
  readonly pack: number;
  /** First byte in the pack's plaintext. */
  readonly offset: number;
  readonly storedLength: number;
  readonly rawLength: number;
  readonly codec: BlockCodec;
  readonly kind: ChunkKind;
}

/** The content of one index, checked once, then read in place: a chunk costs no object (docs/format.md, Indexes). */
export class IndexView {
  readonly packCount: number;
  readonly blockCount: number;
  readonly chunkCount: number;
  readonly prefixBits: number;
  readonly #bytes: Buffer;
  readonly #blocks: number;
  readonly #ids: number;
  readonly #locators: number;
  readonly #strings: number;
  readonly #prefix: bigint;
  readonly #packs: PackRow[] = [];

  /** Keeps `content`. Throws `damaged` for every rule of the page that it breaks; counts are checked before anything is read by them. */
  constructor(content: Uint8Array, subject: string) {
    const bytes = bufferOver(content);
    const isIndex = bytes.length >= indexLayout.header && bytes.compare(indexMagic, 0, 8, 0, 8) === 0;
    if (!isIndex) throw refusal(subject, 'indexCounts', 'it does not begin as an index');
    this.#bytes = bytes;
    this.packCount = bytes.readUInt32LE(8);
    this.blockCount = bytes.readUInt32LE(12);
    this.chunkCount = bytes.readUInt32LE(16);
    const stringBytes = bytes.readUInt32LE(20);
    this.prefixBits = bytes.readUInt8(24);
    this.#prefix = bytes.readBigUInt64LE(32);
    this.#blocks = indexLayout.header + this.packCount * indexLayout.pack;
    this.#ids = this.#blocks + this.blockCount * indexLayout.block;
    this.#locators = this.#ids + this.chunkCount * indexLayout.id;
    this.#strings = this.#locators + this.chunkCount * indexLayout.locator;
    if (this.chunkCount > maxIndexChunks || this.#strings + stringBytes !== bytes.length) {
      throw refusal(subject, 'indexCounts', `its counts do not make its ${bytes.length} bytes`);
    }
    const isPrefix = this.prefixBits <= 64 && BigInt.asUintN(64 - Math.min(64, this.prefixBits), this.#prefix) === 0n;
    if (!isPrefix || !isZero(bytes, 25, 32)) throw refusal(subject, 'indexPrefix', 'its prefix is not one');
    this.#checkPacks(stringBytes, subject);
    this.#checkBlocks(subject);
    this.#checkChunks(subject);
  }

  /** All ids, 32 bytes each, strictly ascending. */
  idColumn(): Buffer {
    return this.#bytes.subarray(this.#ids, this.#locators);
  }

  /** A view of the id of a chunk row. */
  id(chunk: number): Buffer {
    const at = this.#ids + chunk * indexLayout.id;
    return this.#bytes.subarray(at, at + indexLayout.id);
  }

  blockOf(chunk: number): number {
    return this.#bytes.readUInt32LE(this.#locators + chunk * indexLayout.locator);
  }

  offsetInRaw(chunk: number): number {
    return this.#bytes.readUInt32LE(this.#locators + chunk * indexLayout.locator + 4);
  }

  lengthOf(chunk: number): number {
    return this.#bytes.readUInt32LE(this.#locators + chunk * indexLayout.locator + 8);
  }

  packOf(block: number): number {
    return this.#bytes.readUInt32LE(this.#blocks + block * indexLayout.block);
  }

  kindOf(block: number): ChunkKind {
    return checked(chunkKindOf(this.#bytes.readUInt8(this.#blocks + block * indexLayout.block + 17)));
  }

  block(block: number): BlockRow {
    const bytes = this.#bytes;
    const at = this.#blocks + block * indexLayout.block;
    return {
      pack: bytes.readUInt32LE(at),
      offset: bytes.readUInt32LE(at + 4),
      storedLength: bytes.readUInt32LE(at + 8),
      rawLength: bytes.readUInt32LE(at + 12),
      codec: checked(blockCodecOf(bytes.readUInt8(at + 16))),
      kind: this.kindOf(block),
    };
  }

  /** The same object each time. */
  pack(pack: number): PackRow {
    const known = this.#packs[pack];
    if (known !== undefined) return known;
    const row = this.#packRow(pack);
    this.#packs[pack] = row;
    return row;
  }

  #packRow(pack: number): PackRow {
    const bytes = this.#bytes;
    const at = indexLayout.header + pack * indexLayout.pack;
    const string = this.#strings + bytes.readUInt32LE(at + 96);
    const stringLength = bytes.readUInt32LE(at + 100);
    return {
      objectId: bytes.subarray(at, at + 16),
      salt: bytes.subarray(at + 16, at + 48),
      keyGeneration: bytes.readUInt32LE(at + 48),
      keyEpoch: bytes.readUInt32LE(at + 52),
      storedLength: Number(bytes.readBigUInt64LE(at + 56)),
      sha256: bytes.subarray(at + 64, at + 96),
      versionId: stringLength === 0 ? null : bytes.toString('utf8', string, string + stringLength),
    };
  }

  /** Whether an id may be in this shard at all. */
  covers(id: Uint8Array): boolean {
    if (this.prefixBits === 0) return true;
    const shift = BigInt(64 - this.prefixBits);
    return bufferOver(id).readBigUInt64BE(0) >> shift === this.#prefix >> shift;
  }

  /** The row of an id, or -1. */
  find(id: Uint8Array): number {
    if (id.length !== indexLayout.id || !this.covers(id)) return -1;
    const wanted = bufferOver(id);
    const high32 = wanted.readUInt32BE(0);
    let low = 0;
    let high = this.chunkCount - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const at = this.#ids + middle * indexLayout.id;
      const differs = this.#bytes.readUInt32BE(at) - high32;
      const order = differs === 0 ? this.#bytes.compare(wanted, 0, indexLayout.id, at, at + indexLayout.id) : differs;
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  #checkPacks(stringBytes: number, subject: string): void {
    const bytes = this.#bytes;
    for (let pack = 0; pack < this.packCount; pack += 1) {
      const at = indexLayout.header + pack * indexLayout.pack;
      const storedLength = bytes.readBigUInt64LE(at + 56);
      const isLength = storedLength <= BigInt(maxPackStoredLength) && plaintextLengthOf(Number(storedLength) - headerLength) !== undefined;
      if (!isLength) throw refusal(subject, 'indexPack', `a pack claims ${storedLength} stored bytes`);
      if (bytes.readUInt32LE(at + 48) < 1 || bytes.readUInt32LE(at + 52) < 1) {
        throw refusal(subject, 'indexPack', 'a pack has key generation or epoch 0');
      }
      const version = bytes.readUInt32LE(at + 96);
      const versionLength = bytes.readUInt32LE(at + 100);
      if (version + versionLength > stringBytes) throw refusal(subject, 'indexPack', 'a version id lies outside');
      const string = this.#strings + version;
      if (!isUtf8(bytes.subarray(string, string + versionLength))) throw refusal(subject, 'indexPack', 'a version id is not UTF-8');
    }
  }

  #checkBlocks(subject: string): void {
    const bytes = this.#bytes;
    for (let block = 0; block < this.blockCount; block += 1) {
      const at = this.#blocks + block * indexLayout.block;
      const pack = bytes.readUInt32LE(at);
      const storedLength = bytes.readUInt32LE(at + 8);
      const rawLength = bytes.readUInt32LE(at + 12);
      const codec = blockCodecOf(bytes.readUInt8(at + 16));
      if (pack >= this.packCount) throw refusal(subject, 'indexBlock', 'a block lies in no pack');
      const packLength = bytes.readUInt32LE(indexLayout.header + pack * indexLayout.pack + 56);
      const room = plaintextLengthOf(packLength - headerLength) ?? 0;
      if (storedLength < 1 || bytes.readUInt32LE(at + 4) + storedLength > room) {
        throw refusal(subject, 'indexBlock', 'a block does not lie in its pack');
      }
      if (codec === undefined || chunkKindOf(bytes.readUInt8(at + 17)) === undefined || bytes.readUInt16LE(at + 18) !== 0) {
        throw refusal(subject, 'indexBlock', 'a block has an unknown codec or kind');
      }
      if (rawLength < 1 || rawLength > maxBlockRawLength || (codec === 'raw' && rawLength !== storedLength)) {
        throw refusal(subject, 'indexBlock', `a block claims ${rawLength} bytes`);
      }
    }
  }

  #checkChunks(subject: string): void {
    const bytes = this.#bytes;
    for (let chunk = 0; chunk < this.chunkCount; chunk += 1) {
      const at = this.#ids + chunk * indexLayout.id;
      if (chunk > 0 && !isAscending(bytes, at)) throw refusal(subject, 'indexOrder', 'its ids do not ascend');
      const locator = this.#locators + chunk * indexLayout.locator;
      const block = bytes.readUInt32LE(locator);
      if (block >= this.blockCount) throw refusal(subject, 'indexLocator', 'a chunk lies in no block');
      const length = bytes.readUInt32LE(locator + 8);
      const rawLength = bytes.readUInt32LE(this.#blocks + block * indexLayout.block + 12);
      if (length < 1 || bytes.readUInt32LE(locator + 4) + length > rawLength) {
        throw refusal(subject, 'indexLocator', 'a chunk does not lie in its block');
      }
    }
    const first = this.chunkCount === 0 || this.covers(this.id(0));
    const last = this.chunkCount === 0 || this.covers(this.id(this.chunkCount - 1));
    if (!first || !last) throw refusal(subject, 'indexPrefix', 'its ids do not have its prefix');
  }
}

/** Whether the id at `at` is above the one before it. */
function isAscending(bytes: Buffer, at: number): boolean {
  const before = bytes.readUInt32BE(at - indexLayout.id);
  const here = bytes.readUInt32BE(at);
  if (before !== here) return before < here;
  return bytes.compare(bytes, at, at + indexLayout.id, at - indexLayout.id, at) < 0;
}

function checked<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('a row that was checked has changed');
  return value;
}
