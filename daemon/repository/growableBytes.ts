/** A byte array that doubles when it is full. */
export class GrowableBytes {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 4096) {
    this.#buffer = Buffer.allocUnsafe(Math.max(16, capacity));
  }

  get length(): number {
    return this.#length;
  }

  /** The whole memory; changes with every growth. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Makes room for `more` bytes, undefined until they are written, and returns where they begin. */
  grow(more: number): number {
    const at = this.#length;
    const needed = at + more;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
    }
    this.#length = needed;
    return at;
  }

  append(bytes: Uint8Array): void {
    const at = this.grow(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** A view of what was written; stale after the next growth. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}
