import { bufferOver } from '../../repository/bytes.ts';

/** Slot: u32 state, u32 pack, 32 bytes of id. */
const slotWords = 10;
const slotBytes = slotWords * 4;
const empty = 0;
const claimed = 1;
const ready = 2;
const headerBytes = 64;
/** A segment asks for the next one when it is this full, and takes no more at `mostFull`. */
const wantsMoreAt = 0.6;
const mostFull = 0.85;

/** The pack number of chunks that this run stores itself. */
export const ownPack = 0;

/** Memory of one part of the table; may be handed to other threads. */
export type TableSegment = SharedArrayBuffer;

/** A power of two of slots that takes `chunks` chunks without asking for more. */
export function newTableSegment(chunks: number): TableSegment {
  const slots = 2 ** Math.ceil(Math.log2(Math.max(32_768, chunks / wantsMoreAt)));
  return new SharedArrayBuffer(headerBytes + slots * slotBytes);
}

class Segment {
  readonly memory: TableSegment;
  readonly slots: number;
  readonly #count: Int32Array;
  readonly #words: Int32Array;

  constructor(memory: TableSegment) {
    this.memory = memory;
    this.slots = (memory.byteLength - headerBytes) / slotBytes;
    this.#count = new Int32Array(memory, 0, 1);
    this.#words = new Int32Array(memory, headerBytes);
  }

  get count(): number {
    return Atomics.load(this.#count, 0);
  }

  /** The chunk's pack number, or -1. */
  find(id: Int32Array): number {
    const words = this.#words;
    for (let slot = (id[0] ?? 0) & (this.slots - 1); ; slot = (slot + 1) & (this.slots - 1)) {
      const at = slot * slotWords;
      const state = this.#settled(at);
      if (state === empty) return -1;
      if (this.#holds(at, id)) return words[at + 1] ?? ownPack;
    }
  }

  /** The pack number that the id has already, or -1 where it was free and is `pack`'s now, or where there is no more room. */
  claim(id: Int32Array, pack: number): number {
    const words = this.#words;
    for (let slot = (id[0] ?? 0) & (this.slots - 1); ; slot = (slot + 1) & (this.slots - 1)) {
      const at = slot * slotWords;
      if (this.#settled(at) === empty) {
        if (this.count >= this.slots * mostFull) return -1;
        if (Atomics.compareExchange(words, at, empty, claimed) === empty) {
          words[at + 1] = pack;
          words.set(id, at + 2);
          Atomics.store(words, at, ready);
          Atomics.add(this.#count, 0, 1);
          return -1;
        }
        this.#settled(at);
      }
      if (this.#holds(at, id)) return words[at + 1] ?? ownPack;
    }
  }

  /** The slot's state once no other thread is writing it. */
  #settled(at: number): number {
    for (;;) {
      const state = Atomics.load(this.#words, at);
      if (state !== claimed) return state;
    }
  }

  #holds(at: number, id: Int32Array): boolean {
    const words = this.#words;
    for (let word = 0; word < 8; word += 1) if (words[at + 2 + word] !== id[word]) return false;
    return true;
  }
}

/**
 * Which chunks are stored already, and in which pack: one hash table over full ids in shared memory, used by all threads of a run at once.
 * Ids are claimed by compare-and-swap. It grows by further segments of twice the size; a thread that has not heard of the newest one yet
 * may store a chunk a second time, which costs space and nothing else.
 */
export class ChunkTable {
  readonly #segments: Segment[];
  /** Ids arrive at any alignment. */
  readonly #id: Int32Array = new Int32Array(8);
  readonly #idBytes: Uint8Array = new Uint8Array(this.#id.buffer);

  constructor(memory: readonly TableSegment[]) {
    if (memory.length === 0) throw new RangeError('a table has at least one segment');
    this.#segments = memory.map((segment) => new Segment(segment));
  }

  get segments(): readonly TableSegment[] {
    return this.#segments.map((segment) => segment.memory);
  }

  get count(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.count, 0);
  }

  add(segment: TableSegment): void {
    this.#segments.push(new Segment(segment));
  }

  /** The next segment where it is time for one. Only one thread may grow the table; the others are told. */
  grow(): TableSegment | undefined {
    const newest = this.#newest();
    if (newest.count < newest.slots * wantsMoreAt) return undefined;
    const memory = newTableSegment(newest.slots * 2 * wantsMoreAt);
    this.add(memory);
    return memory;
  }

  /** The pack number of a stored or claimed chunk, or -1. */
  find(id: Uint8Array): number {
    this.#idBytes.set(id);
    for (let index = this.#segments.length - 1; index >= 0; index -= 1) {
      const pack = this.#segments[index]?.find(this.#id) ?? -1;
      if (pack >= 0) return pack;
    }
    return -1;
  }

  /** The pack number that the chunk has already; -1 where it was new: the caller stores it, and it is known as `pack`'s from now on. */
  claim(id: Uint8Array, pack: number): number {
    this.#idBytes.set(id);
    for (let index = 0; index < this.#segments.length - 1; index += 1) {
      const known = this.#segments[index]?.find(this.#id) ?? -1;
      if (known >= 0) return known;
    }
    return this.#newest().claim(this.#id, pack);
  }

  /** Adds every id of a column of 32-byte ids; `packOf` gives each row's pack number, or `undefined` for a row to be left out. */
  addColumn(ids: Uint8Array, packOf: (row: number) => number | undefined): void {
    const column = bufferOver(ids);
    for (let row = 0; row * 32 < column.length; row += 1) {
      if ((row & 0xfff) === 0) this.grow();
      const pack = packOf(row);
      if (pack !== undefined) this.claim(column.subarray(row * 32, row * 32 + 32), pack);
    }
  }

  #newest(): Segment {
    const newest = this.#segments.at(-1);
    if (newest === undefined) throw new RangeError('a table has at least one segment');
    return newest;
  }
}
