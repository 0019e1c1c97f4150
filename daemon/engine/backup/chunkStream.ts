import { createHmac, type Hmac } from 'node:crypto';
import { GrowableBytes } from '../../repository/growableBytes.ts';
import { ChunkRows } from '../../repository/chunkRows.ts';
import { Cutter } from '../chunker/cutter.ts';
import type { ChunkerParameters } from '../chunker/chunkerParameters.ts';
import { GearScanner } from '../chunker/gearScanner.ts';
import { type ChunkTable, ownPack } from '../dedup/chunkTable.ts';
import type { RunCounters } from '../threads/runMemory.ts';
import { hashStateLength, type ShortLivedMemory } from '../threads/shortLivedMemory.ts';
import { chunkRefLength } from './fileTasks.ts';
import type { PackContext } from './messages.ts';
import type { PackWriter } from './packWriter.ts';

/** Chunks below this are gathered into blocks of about `gatheredLength`, so that many small files cost one compression. */
const smallChunk = 256 * 1024;
const gatheredLength = 512 * 1024;
const maxGatheredChunks = 4096;

/**
 * Takes the bytes of one file after the other, cuts and names its chunks, and stores those that are new. Bytes are read straight into the
 * scanner's memory and leave it hashed, compressed or copied once.
 */
export class ChunkStream {
  readonly #context: PackContext;
  readonly #table: ChunkTable;
  readonly #hits: Uint8Array;
  readonly #writer: PackWriter;
  readonly #counters: RunCounters;
  readonly #shortLived: ShortLivedMemory;
  readonly #scanner: GearScanner;
  readonly #cutter: Cutter;
  readonly #refs: GrowableBytes = new GrowableBytes();
  readonly #rows: ChunkRows = new ChunkRows();
  readonly #single: ChunkRows = new ChunkRows();
  readonly #gathered: Buffer = Buffer.allocUnsafeSlow(gatheredLength);
  #gatheredEnd = 0;
  /** The open chunk lies in [start, end) of the scanner's memory; [start, hashed) is in the hash. */
  #start = 0;
  #end = 0;
  #hashed = 0;
  #hash: Hmac | undefined;

  constructor(
    context: PackContext,
    chunker: ChunkerParameters,
    shared: {
      readonly table: ChunkTable;
      readonly hits: Uint8Array;
      readonly counters: RunCounters;
      readonly shortLived: ShortLivedMemory;
    },
    writer: PackWriter,
  ) {
    this.#context = context;
    this.#table = shared.table;
    this.#hits = shared.hits;
    this.#counters = shared.counters;
    this.#shortLived = shared.shortLived;
    this.#writer = writer;
    this.#scanner = new GearScanner(context.keys.gear, chunker.max * 3);
    this.#cutter = new Cutter(chunker, (at, end, mask) => this.#scanner.scan(at, end, mask));
  }

  /** A new file begins. */
  begin(): void {
    this.#refs.clear();
    this.#start = 0;
    this.#end = 0;
    this.#hashed = 0;
    this.#cutter.begin(0);
  }

  /** Memory for the next `length` bytes of the file. */
  room(length: number): Buffer {
    const { bytes } = this.#scanner;
    if (this.#end + length > bytes.length) {
      bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#hashed -= this.#start;
      this.#cutter.moved(this.#start);
      this.#start = 0;
    }
    return bytes.subarray(this.#end, this.#end + length);
  }

  /** `count` bytes of the room were filled. Stores every chunk that ends in them. */
  filled(count: number): void {
    this.#end += count;
    for (let cut = this.#cutter.find(this.#end); cut !== 0; cut = this.#cutter.find(this.#end)) {
      this.#finishChunk(cut);
      this.#cutter.begin(cut);
    }
    this.#update(this.#end);
    this.#counters.add('readBytes', count);
  }

  /** The file ends: its last chunk is stored. Returns the rows of all its chunks, valid until the next `begin`. */
  end(): Uint8Array {
    if (this.#end > this.#start) this.#finishChunk(this.#end);
    return this.#refs.bytes();
  }

  /** The rows of the chunks that have ended so far; those that come after them are all that later calls give. */
  takeRows(): Uint8Array {
    const rows = Uint8Array.from(this.#refs.bytes());
    this.#refs.clear();
    return rows;
  }

  /** Forgets the open file. Chunks that were stored stay stored. */
  abandon(): void {
    this.#hash = undefined;
  }

  /** Stores what is gathered. */
  flush(): void {
    if (this.#rows.count === 0) return;
    this.#writer.add('data', this.#gathered.subarray(0, this.#gatheredEnd), this.#rows);
    this.#rows.clear();
    this.#gatheredEnd = 0;
  }

  #finishChunk(end: number): void {
    this.#update(end);
    const hash = this.#hash;
    if (hash === undefined) throw new Error('A chunk has no bytes.');
    const id = hash.digest();
    this.#shortLived.note(hashStateLength);
    this.#hash = undefined;
    const length = end - this.#start;
    const at = this.#refs.grow(chunkRefLength);
    this.#refs.buffer.set(id, at);
    this.#refs.buffer.writeUInt32LE(length, at + chunkRefLength - 4);
    const known = this.#table.claim(id, ownPack);
    if (known >= 0) {
      this.#counters.add('dedupBytes', length);
      if (known !== ownPack) this.#hits[known] = 1;
    } else {
      this.#store(id, this.#scanner.bytes.subarray(this.#start, end));
    }
    this.#start = end;
    this.#hashed = end;
  }

  #store(id: Uint8Array, chunk: Uint8Array): void {
    if (chunk.length >= smallChunk) {
      this.#single.clear();
      this.#single.push(id, 0, chunk.length);
      this.#writer.add('data', chunk, this.#single);
      return;
    }
    if (this.#gatheredEnd + chunk.length > gatheredLength || this.#rows.count === maxGatheredChunks) this.flush();
    this.#gathered.set(chunk, this.#gatheredEnd);
    this.#rows.push(id, this.#gatheredEnd, chunk.length);
    this.#gatheredEnd += chunk.length;
  }

  #update(end: number): void {
    if (end === this.#hashed) return;
    this.#hash ??= createHmac('sha256', this.#context.keys.idData);
    this.#hash.update(this.#scanner.bytes.subarray(this.#hashed, end));
    this.#hashed = end;
  }
}
