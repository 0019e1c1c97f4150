/** Keeps the last bytes of what may have no end. */
export class LastBytes {
  readonly #limit: number;
  #kept: Buffer = Buffer.alloc(0);
  #isCut = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(piece: Uint8Array): void {
    const all = Buffer.concat([this.#kept, piece.subarray(Math.max(0, piece.length - this.#limit))]);
    this.#isCut ||= this.#kept.length + piece.length > this.#limit;
    this.#kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#limit)));
  }

  /** As UTF-8, what is none replaced by U+FFFD; begins with `…` where something before it is gone. */
  text(): string {
    if (!this.#isCut) return this.#kept.toString('utf8');
    // A character that was cut in two would show as rubbish.
    let start = 0;
    while (start < 3 && ((this.#kept[start] ?? 0) & 0xc0) === 0x80) start += 1;
    return `…${this.#kept.toString('utf8', start)}`;
  }
}
