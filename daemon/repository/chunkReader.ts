import { HoldfastError } from '../../protocol/errors.ts';
import { ByteLru } from './byteLru.ts';
import { hexOf } from './bytes.ts';
import { chunkIdOf, idKeyOf, type ChunkKind } from './chunkId.ts';
import type { ChunkLocation, IndexSet } from './indexSet.ts';
import { subjectOf, type PackReader, type ReadBlock } from './packReader.ts';
import { refusal } from './refusal.ts';

/** Reads chunks by id: finds a copy, checks the id, and tries the next copy where one is damaged. Keeps the blocks used last. */
export class ChunkReader {
  readonly #indexes: IndexSet;
  readonly #packs: PackReader;
  readonly #blocks: ByteLru<ReadBlock>;
  readonly #reading: Map<string, Promise<ReadBlock>> = new Map();

  constructor(indexes: IndexSet, packs: PackReader, cacheBytes: number) {
    this.#indexes = indexes;
    this.#packs = packs;
    this.#blocks = new ByteLru(cacheBytes);
  }

  /** A view that must not be changed. Rejects with `damaged` or `objectMissing`, naming pack or chunk, where no copy is good. */
  async read(id: Uint8Array, kind: ChunkKind, signal?: AbortSignal): Promise<Buffer> {
    let failure: unknown;
    for (const location of this.#indexes.locations(id, kind)) {
      try {
        return await this.readAt(location, id, kind, signal);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        failure ??= error;
      }
    }
    throw failure ?? refusal(`chunk ${hexOf(id)}`, 'missing', 'no index of the restore point holds it', 'objectMissing');
  }

  /** As `read`, from one copy only. */
  async readAt(location: ChunkLocation, id: Uint8Array, kind: ChunkKind, signal?: AbortSignal): Promise<Buffer> {
    const block = await this.#block(location, signal);
    const chunk = block.bytes.subarray(location.offsetInRaw, location.offsetInRaw + location.length);
    if (!chunkIdOf(idKeyOf(block.keys, kind), chunk).equals(id)) {
      throw refusal(subjectOf(location.pack), 'chunkId', `chunk ${hexOf(id)} has other bytes`);
    }
    return chunk;
  }

  /** Bytes of a chunk as its index records them; `undefined` where no index holds it. */
  lengthOf(id: Uint8Array, kind: ChunkKind): number | undefined {
    for (const location of this.#indexes.locations(id, kind)) return location.length;
    return undefined;
  }

  /** Reads of one block by several callers become one; the first caller's signal counts, and a caller that it was not meant for tries again. */
  async #block(location: ChunkLocation, signal?: AbortSignal): Promise<ReadBlock> {
    // What one index records wrongly of a block must not stand in for another index's record of it.
    const key = `${location.indexNumber}/${location.blockNumber}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    const underWay = this.#reading.get(key);
    if (underWay !== undefined) {
      try {
        return await underWay;
      } catch (error) {
        if (!HoldfastError.is(error, 'cancelled') || signal?.aborted === true) throw error;
        return this.#block(location, signal);
      }
    }
    const reading = this.#packs.readBlock(location.pack, location.block, signal);
    this.#reading.set(key, reading);
    try {
      const block = await reading;
      this.#blocks.set(key, block, block.bytes.length);
      return block;
    } finally {
      this.#reading.delete(key);
    }
  }
}

/** Whether an error says that stored bytes cannot be used, so that another copy may serve; a store out of reach is not that. */
export function isUnreadable(error: unknown): error is HoldfastError {
  return HoldfastError.is(error, 'damaged', 'tampered', 'objectMissing', 'unsupportedFormat', 'wrongSecret');
}
