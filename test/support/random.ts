/** A small seeded generator (mulberry32) for tests: the same seed gives the same run. Never for keys. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In 0..1, 1 excluded. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** An integer in 0..bound, bound excluded. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** Bytes that no compressor shortens. */
  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.below(256);
    return bytes;
  }

  /** Lines of words, which compress about as source text does. */
  text(length: number): Uint8Array<ArrayBuffer> {
    const text = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const word = words[this.below(words.length)] ?? '';
      const ended = this.below(12) === 0 ? `${word}\n` : `${word} `;
      for (let index = 0; index < ended.length && at < length; index += 1, at += 1) text[at] = ended.charCodeAt(index);
    }
    return text;
  }
}

const words: readonly string[] =
  'const return import export function the of store object when pack index tree manifest key value if else for while = { } ( ) ; => 42 0x7f'.split(
    ' ',
  );
