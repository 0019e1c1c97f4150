import { blockCodecs } from './blockCodec.ts';
import { chunkKinds } from './chunkId.ts';
import { GrowableBytes } from './growableBytes.ts';
import { indexLayout, indexMagic, maxIndexChunks } from './indexLayout.ts';
import type { IndexView, PackRow } from './indexView.ts';
import type { PackDirectory } from './packDirectory.ts';

/**
 * Collects packs, blocks and chunks into rows of the stored layout, without an object a chunk, and encodes them as one index, or as shards
 * where there are more chunks than one index may hold. An id that comes twice keeps its first place.
 */
export class IndexBuilder {
  readonly #packs: PackRow[] = [];
  /** Block rows as stored; the pack is the row in `#packs`. */
  readonly #blocks: GrowableBytes = new GrowableBytes(indexLayout.block * 64);
  readonly #ids: GrowableBytes = new GrowableBytes(indexLayout.id * 256);
  readonly #locators: GrowableBytes = new GrowableBytes(indexLayout.locator * 256);

  get packCount(): number {
    return this.#packs.length;
  }

  get chunkCount(): number {
    return this.#ids.length / indexLayout.id;
  }

  /** Adds a pack as its directory describes it. */
  addPack(pack: PackRow, directory: PackDirectory): void {
    const packRow = this.#packs.push(pack) - 1;
    for (const block of directory.blocks) {
      const blockRow = this.#addBlock(packRow, block.offset, block.storedLength, block.rawLength, codecNumber(block), kindNumber(block));
      const { chunks } = block;
      for (let chunk = 0; chunk < chunks.count; chunk += 1) {
        this.#addChunk(chunks.id(chunk), blockRow, chunks.offsetInRaw(chunk), chunks.length(chunk));
      }
    }
  }

  /** Adds what another index holds; `keepsPack` may leave packs out. */
  addIndex(view: IndexView, keepsPack: (pack: PackRow) => boolean = () => true): void {
    const packRows = new Int32Array(view.packCount);
    for (let pack = 0; pack < view.packCount; pack += 1) {
      const row = view.pack(pack);
      packRows[pack] = keepsPack(row) ? this.#packs.push(row) - 1 : -1;
    }
    const blockRows = new Int32Array(view.blockCount);
    for (let block = 0; block < view.blockCount; block += 1) {
      const row = view.block(block);
      const pack = packRows[row.pack] ?? -1;
      blockRows[block] =
        pack < 0 ? -1 : this.#addBlock(pack, row.offset, row.storedLength, row.rawLength, codecNumber(row), kindNumber(row));
    }
    for (let chunk = 0; chunk < view.chunkCount; chunk += 1) {
      const block = blockRows[view.blockOf(chunk)] ?? -1;
      if (block >= 0) this.#addChunk(view.id(chunk), block, view.offsetInRaw(chunk), view.lengthOf(chunk));
    }
  }

  /** The contents of as many indexes as `maxChunks` demands: one, or its shards by prefix. Packs and blocks without chunks are left out. */
  encode(maxChunks: number = maxIndexChunks): Buffer[] {
    const ids = this.#ids.bytes();
    const order = sortedRows(ids, this.chunkCount);
    for (let prefixBits = 0; ; prefixBits += 1) {
      const shards = shardsOf(ids, order, prefixBits);
      if (shards.every((shard) => shard.end - shard.start <= maxChunks)) {
        return shards.map((shard) => this.#encodeShard(order.subarray(shard.start, shard.end), prefixBits, shard.prefix));
      }
    }
  }

  #addBlock(pack: number, offset: number, storedLength: number, rawLength: number, codec: number, kind: number): number {
    const at = this.#blocks.grow(indexLayout.block);
    const bytes = this.#blocks.buffer;
    bytes.writeUInt32LE(pack, at);
    bytes.writeUInt32LE(offset, at + 4);
    bytes.writeUInt32LE(storedLength, at + 8);
    bytes.writeUInt32LE(rawLength, at + 12);
    bytes.writeUInt8(codec, at + 16);
    bytes.writeUInt8(kind, at + 17);
    bytes.writeUInt16LE(0, at + 18);
    return at / indexLayout.block;
  }

  #addChunk(id: Uint8Array, block: number, offsetInRaw: number, length: number): void {
    const idAt = this.#ids.grow(indexLayout.id);
    this.#ids.buffer.set(id, idAt);
    const at = this.#locators.grow(indexLayout.locator);
    this.#locators.buffer.writeUInt32LE(block, at);
    this.#locators.buffer.writeUInt32LE(offsetInRaw, at + 4);
    this.#locators.buffer.writeUInt32LE(length, at + 8);
  }

  #encodeShard(order: Uint32Array, prefixBits: number, prefix: bigint): Buffer {
    const blocks = this.#blocks.bytes();
    const ids = this.#ids.bytes();
    const locators = this.#locators.bytes();
    const usedBlocks = new Rows(blocks.length / indexLayout.block);
    for (const chunk of order) usedBlocks.use(locators.readUInt32LE(chunk * indexLayout.locator));
    const usedPacks = new Rows(this.#packs.length);
    for (const block of usedBlocks.ascending()) usedPacks.use(blocks.readUInt32LE(block * indexLayout.block));
    const packRows = usedPacks.ascending();
    const blockRows = usedBlocks.ascending();
    const strings = packRows.map((pack) => Buffer.from(this.#packs[pack]?.versionId ?? '', 'utf8'));
    const stringBytes = strings.reduce((sum, string) => sum + string.length, 0);
    const tables = packRows.length * indexLayout.pack + blockRows.length * indexLayout.block;
    const content = Buffer.alloc(indexLayout.header + tables + order.length * (indexLayout.id + indexLayout.locator) + stringBytes);
    content.set(indexMagic);
    content.writeUInt32LE(packRows.length, 8);
    content.writeUInt32LE(blockRows.length, 12);
    content.writeUInt32LE(order.length, 16);
    content.writeUInt32LE(stringBytes, 20);
    content.writeUInt8(prefixBits, 24);
    content.writeBigUInt64LE(prefix, 32);
    let at: number = indexLayout.header;
    let stringAt = 0;
    for (const [index, pack] of packRows.entries()) {
      const string = strings[index] ?? Buffer.alloc(0);
      writePack(content, at, this.#packs[pack], stringAt, string.length);
      content.set(string, content.length - stringBytes + stringAt);
      stringAt += string.length;
      at += indexLayout.pack;
    }
    for (const block of blockRows) {
      content.set(blocks.subarray(block * indexLayout.block, (block + 1) * indexLayout.block), at);
      content.writeUInt32LE(usedPacks.newRow(content.readUInt32LE(at)), at);
      at += indexLayout.block;
    }
    for (const chunk of order) {
      ids.copy(content, at, chunk * indexLayout.id, (chunk + 1) * indexLayout.id);
      at += indexLayout.id;
    }
    for (const chunk of order) {
      locators.copy(content, at, chunk * indexLayout.locator, (chunk + 1) * indexLayout.locator);
      content.writeUInt32LE(usedBlocks.newRow(locators.readUInt32LE(chunk * indexLayout.locator)), at);
      at += indexLayout.locator;
    }
    return content;
  }
}

/** Which rows of a table a shard uses, and what they are numbered there. */
class Rows {
  readonly #newRow: Int32Array;
  #list: number[] | undefined;

  constructor(count: number) {
    this.#newRow = new Int32Array(count).fill(-1);
  }

  use(row: number): void {
    this.#newRow[row] = 0;
  }

  ascending(): readonly number[] {
    if (this.#list !== undefined) return this.#list;
    const list: number[] = [];
    for (const [row, mark] of this.#newRow.entries()) {
      if (mark === 0) this.#newRow[row] = list.push(row) - 1;
    }
    this.#list = list;
    return list;
  }

  newRow(row: number): number {
    const found = this.#newRow[row];
    if (found === undefined || found < 0) throw new RangeError(`row ${row} is not used`);
    return found;
  }
}

function writePack(content: Buffer, at: number, pack: PackRow | undefined, stringAt: number, stringLength: number): void {
  if (pack === undefined) throw new RangeError('a block lies in no pack');
  content.set(pack.objectId, at);
  content.set(pack.salt, at + 16);
  content.writeUInt32LE(pack.keyGeneration, at + 48);
  content.writeUInt32LE(pack.keyEpoch, at + 52);
  content.writeBigUInt64LE(BigInt(pack.storedLength), at + 56);
  content.set(pack.sha256, at + 64);
  content.writeUInt32LE(stringAt, at + 96);
  content.writeUInt32LE(stringLength, at + 100);
}

function codecNumber(block: { readonly codec: keyof typeof blockCodecs }): number {
  return blockCodecs[block.codec];
}

function kindNumber(block: { readonly kind: keyof typeof chunkKinds }): number {
  return chunkKinds[block.kind];
}

/**
 * Rows in ascending order of their ids, each id once. The native sort of doubles does the work: 32 bits of the id and the place of arrival
 * fit into 53 bits, and the few ids that agree in 32 bits are put right afterwards.
 */
function sortedRows(ids: Buffer, count: number): Uint32Array {
  const places = 2 ** 21;
  if (count > places) return sortedManyRows(ids, count);
  const keys = new Float64Array(count);
  for (let row = 0; row < count; row += 1) keys[row] = ids.readUInt32BE(row * indexLayout.id) * places + row;
  keys.sort();
  const order = new Uint32Array(count);
  for (let at = 0; at < count; at += 1) order[at] = (keys[at] ?? 0) % places;
  return uniqueRows(ids, order);
}

/** As `sortedRows`, for more rows than the key has places, and slower. */
function sortedManyRows(ids: Buffer, count: number): Uint32Array {
  const order = new Uint32Array(count);
  for (let row = 0; row < count; row += 1) order[row] = row;
  order.sort((a, b) => compareRows(ids, a, b) || a - b);
  return uniqueRows(ids, order);
}

function uniqueRows(ids: Buffer, order: Uint32Array): Uint32Array {
  let kept = 0;
  for (const row of order) {
    let at = kept;
    let comparison = 1;
    while (at > 0) {
      comparison = compareRows(ids, row, order[at - 1] ?? 0);
      if (comparison >= 0) break;
      at -= 1;
    }
    if (at > 0 && comparison === 0) continue;
    order.copyWithin(at + 1, at, kept);
    order[at] = row;
    kept += 1;
  }
  return order.subarray(0, kept);
}

function compareRows(ids: Buffer, a: number, b: number): number {
  const high = ids.readUInt32BE(a * indexLayout.id) - ids.readUInt32BE(b * indexLayout.id);
  if (high !== 0) return high;
  return ids.compare(ids, b * indexLayout.id, (b + 1) * indexLayout.id, a * indexLayout.id, (a + 1) * indexLayout.id);
}

interface Shard {
  readonly prefix: bigint;
  readonly start: number;
  readonly end: number;
}

function shardsOf(ids: Buffer, order: Uint32Array, prefixBits: number): Shard[] {
  if (prefixBits === 0) return [{ prefix: 0n, start: 0, end: order.length }];
  const shards: Shard[] = [];
  let start = 0;
  for (let shard = 0; shard < 2 ** prefixBits; shard += 1) {
    const end = firstAtOrAbove(ids, order, (shard + 1) * 2 ** (32 - prefixBits));
    if (end > start) shards.push({ prefix: BigInt(shard) << BigInt(64 - prefixBits), start, end });
    start = end;
  }
  return shards;
}

function firstAtOrAbove(ids: Buffer, order: Uint32Array, high: number): number {
  let low = 0;
  let end = order.length;
  while (low < end) {
    const middle = (low + end) >>> 1;
    if (ids.readUInt32BE((order[middle] ?? 0) * indexLayout.id) < high) low = middle + 1;
    else end = middle;
  }
  return low;
}
