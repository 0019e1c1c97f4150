/** A run of bytes of an object. */
export interface ObjectPart {
  readonly offset: number;
  readonly length: number;
}

/** Where the parts of an object go. */
export interface PartSink {
  /** Memory as long as the part, and the same each time it is asked for one; where none is free, what comes waits for it. */
  readonly memory: (part: number) => Uint8Array | Promise<Uint8Array>;
  /** All of a part lies in its memory. Told once of each, in order. */
  readonly filled: (part: number) => void;
}

/**
 * Deals what comes of an object to its parts. Each begins at or before the end of the one before, whose last bytes it then shares, or behind it, and ends
 * behind that; what lies between two is dropped.
 */
export class DealtParts {
  readonly #parts: readonly ObjectPart[];
  readonly #sink: PartSink;
  #part: number;
  #memory: Uint8Array | undefined;
  /** Of the object: of the next byte that comes. */
  #at: number;
  #wait: Promise<void> | undefined;
  /** What came while memory was waited for. */
  #held: Buffer = Buffer.alloc(0);
  #isStopped = false;

  /** @param first the first part that is still to come */
  constructor(parts: readonly ObjectPart[], first: number, sink: PartSink) {
    this.#parts = parts;
    this.#sink = sink;
    this.#part = first;
    this.#at = parts[first]?.offset ?? 0;
    this.#enter(new Uint8Array(0));
  }

  /** Of all that comes. */
  get length(): number {
    const last = this.#parts.at(-1);
    return last === undefined ? 0 : last.offset + last.length - this.#at - this.#held.length;
  }

  /** While memory is waited for; until then nothing is to be read. Rejects where there will be none. */
  get wait(): Promise<void> | undefined {
    return this.#wait;
  }

  /** What it came by is over: memory that it still waits for is another's, and nothing more is told. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Where at most so many of the next bytes may be put; none where they are to be written. */
  room(most: number): Uint8Array | undefined {
    const part = this.#parts[this.#part];
    const memory = this.#memory;
    if (part === undefined || memory === undefined || this.#at < part.offset || most <= 0) return undefined;
    const from = this.#at - part.offset;
    return memory.subarray(from, Math.min(part.length, from + most));
  }

  /** So many bytes were put where `room` said. */
  took(length: number): void {
    this.#at += length;
    this.#finishPart();
  }

  write(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const part = this.#parts[this.#part];
      if (part === undefined) throw new RangeError('more came than there are parts');
      if (this.#wait !== undefined) {
        this.#held = Buffer.concat([this.#held, rest]);
        return;
      }
      const end = this.#at < part.offset ? part.offset : part.offset + part.length;
      const taken = rest.subarray(0, end - this.#at);
      if (this.#at >= part.offset) this.#memory?.set(taken, this.#at - part.offset);
      rest = rest.subarray(taken.length);
      this.took(taken.length);
    }
  }

  #finishPart(): void {
    const part = this.#parts[this.#part];
    if (part === undefined || this.#at < part.offset + part.length) return;
    const next = this.#parts[this.#part + 1];
    // The memory is somebody else's from now on.
    const shared = next === undefined || next.offset >= this.#at ? undefined : this.#memory?.slice(next.offset - part.offset);
    this.#memory = undefined;
    this.#sink.filled(this.#part);
    this.#part += 1;
    this.#enter(shared ?? new Uint8Array(0));
  }

  #enter(shared: Uint8Array): void {
    const part = this.#parts[this.#part];
    if (part === undefined) return;
    if (this.#at >= part.offset + part.length) throw new RangeError('a part lies within the one before');
    const given = this.#sink.memory(this.#part);
    if (given instanceof Uint8Array) this.#use(given, shared);
    else this.#wait = this.#goOnWith(given, shared);
  }

  async #goOnWith(given: Promise<Uint8Array>, shared: Uint8Array): Promise<void> {
    const memory = await given;
    if (this.#isStopped) return;
    this.#use(memory, shared);
    this.#wait = undefined;
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    this.write(held);
  }

  #use(memory: Uint8Array, shared: Uint8Array): void {
    memory.set(shared);
    this.#memory = memory;
  }
}
