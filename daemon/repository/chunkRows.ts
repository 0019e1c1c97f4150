import { bufferOver } from './bytes.ts';
import { chunkIdLength } from './chunkId.ts';

/** Bytes of one chunk's row in a pack's directory: id 32, u32 offsetInRaw, u32 length. */
export const chunkRowLength = 40;

/** The chunks of one block, kept as the directory's own bytes, so that a chunk costs no object. */
export class ChunkRows {
  #bytes: Buffer;
  #count: number;

  /** Starts empty, or over `rows` as they lie in a directory. */
  constructor(rows?: Uint8Array) {
    this.#bytes = rows === undefined ? Buffer.allocUnsafe(16 * chunkRowLength) : bufferOver(rows);
    this.#count = rows === undefined ? 0 : rows.length / chunkRowLength;
  }

  get count(): number {
    return this.#count;
  }

  push(id: Uint8Array, offsetInRaw: number, length: number): void {
    const at = this.#count * chunkRowLength;
    if (at + chunkRowLength > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(16, this.#count * 2) * chunkRowLength);
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#bytes.set(id, at);
    this.#bytes.writeUInt32LE(offsetInRaw, at + chunkIdLength);
    this.#bytes.writeUInt32LE(length, at + chunkIdLength + 4);
    this.#count += 1;
  }

  /** A view of the chunk's 32-byte id. */
  id(chunk: number): Buffer {
    const at = chunk * chunkRowLength;
    return this.#bytes.subarray(at, at + chunkIdLength);
  }

  offsetInRaw(chunk: number): number {
    return this.#bytes.readUInt32LE(chunk * chunkRowLength + chunkIdLength);
  }

  length(chunk: number): number {
    return this.#bytes.readUInt32LE(chunk * chunkRowLength + chunkIdLength + 4);
  }

  /** The rows as they go into a directory. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#count * chunkRowLength);
  }

  clear(): void {
    this.#count = 0;
  }
}
