import type { Readable } from 'node:stream';

const lineLimit = 65_536;

/** Reads standard input line by line, as bytes: what a line holds may be a secret, and the caller owns it. */
export class LineInput {
  readonly #source: AsyncIterator<unknown>;
  #rest: Buffer = Buffer.alloc(0);
  #isAtEnd = false;

  constructor(stream: Readable) {
    this.#source = stream[Symbol.asyncIterator]();
  }

  /** The next line without its end; `undefined` where there is none. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if (end !== -1 || this.#isAtEnd || this.#rest.length >= lineLimit) return this.#take(end);
      await this.#readMore();
    }
  }

  #take(end: number): Buffer | undefined {
    if (end === -1 && this.#rest.length === 0) return undefined;
    const length = end === -1 ? this.#rest.length : end;
    const line = Buffer.from(this.#rest.subarray(0, length));
    const behind = Buffer.from(this.#rest.subarray(end === -1 ? length : length + 1));
    this.#rest.fill(0);
    this.#rest = behind;
    return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  }

  async #readMore(): Promise<void> {
    const { done, value } = await this.#source.next();
    if (done === true) {
      this.#isAtEnd = true;
    } else if (Buffer.isBuffer(value)) {
      const joined = Buffer.concat([this.#rest, value]);
      this.#rest.fill(0);
      value.fill(0);
      this.#rest = joined;
    }
  }
}
