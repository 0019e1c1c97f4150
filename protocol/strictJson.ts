import { HoldfastError } from './errors.ts';

export interface StrictJsonLimits {
  /** Bytes; looked at before anything is decoded. */
  readonly maxBytes: number;
  /** Arrays and objects inside each other; a bare value has depth 0. */
  readonly maxDepth: number;
  /** What is read, for the sentence of the error; `JSON` by default. */
  readonly what?: string;
}

/**
 * Parses JSON (RFC 8259) as docs/format.md, JSON, wants it: UTF-8 without BOM, no duplicate members, no member named `__proto__`,
 * no lone surrogates, whole numbers plain and within 2^53 - 1. Objects have a null prototype.
 * Throws `HoldfastError('damaged')`; schemas come after it.
 */
export function parseStrictJson(bytes: Uint8Array, limits: StrictJsonLimits): unknown {
  const what = limits.what ?? 'JSON';
  if (bytes.length > limits.maxBytes) throw damaged(what, `it has ${bytes.length} bytes, more than the ${limits.maxBytes} allowed`);
  let text: string;
  try {
    // `ignoreBOM` keeps a BOM in the text, where it is no JSON.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw damaged(what, 'it is not UTF-8', cause);
  }
  return new Parser(text, what, limits.maxDepth).parse();
}

/** The members of an object but for those that begin with `x-`, which are skipped (docs/format.md, Strict members); anything else as it is. */
export function withoutExtensions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('x-')));
}

function damaged(what: string, cause: string, error?: unknown): HoldfastError {
  return HoldfastError.failedTo('damaged', `read ${what}`, cause, error === undefined ? {} : { cause: error });
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const plainIntegerPattern = /^(?:0|-?[1-9][0-9]*)$/;
const spacePattern = /[ \t\n\r]*/y;
// Finds the end of a string; JSON.parse judges escapes and control characters.
const stringPattern = /"[^"\\]*(?:\\[^][^"\\]*)*"/y;
const literals: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

class Parser {
  readonly #text: string;
  readonly #what: string;
  readonly #maxDepth: number;
  #at = 0;

  constructor(text: string, what: string, maxDepth: number) {
    this.#text = text;
    this.#what = what;
    this.#maxDepth = maxDepth;
  }

  parse(): unknown {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw this.#unexpected();
    return value;
  }

  #value(depth: number): unknown {
    this.#skipSpace();
    const first = this.#text[this.#at];
    if (first === '{') return this.#object(this.#deeper(depth));
    if (first === '[') return this.#array(this.#deeper(depth));
    return first === '"' ? this.#string() : this.#literalOrNumber();
  }

  #deeper(depth: number): number {
    if (depth === this.#maxDepth) throw damaged(this.#what, `it is nested deeper than ${this.#maxDepth}`);
    return depth + 1;
  }

  #object(depth: number): Readonly<Record<string, unknown>> {
    const members: Record<string, unknown> = { __proto__: null };
    this.#at += 1;
    if (this.#take('}')) return members;
    do {
      this.#skipSpace();
      const name = this.#string();
      if (name === '__proto__') throw damaged(this.#what, 'a member is named __proto__');
      if (Object.hasOwn(members, name)) throw damaged(this.#what, `the member ${JSON.stringify(name.slice(0, 64))} occurs twice`);
      if (!this.#take(':')) throw this.#unexpected();
      members[name] = this.#value(depth);
    } while (this.#take(','));
    if (!this.#take('}')) throw this.#unexpected();
    return members;
  }

  #array(depth: number): readonly unknown[] {
    const items: unknown[] = [];
    this.#at += 1;
    if (this.#take(']')) return items;
    do items.push(this.#value(depth));
    while (this.#take(','));
    if (!this.#take(']')) throw this.#unexpected();
    return items;
  }

  #string(): string {
    const start = this.#at;
    const token = this.#match(stringPattern);
    let value: unknown;
    try {
      value = JSON.parse(token);
    } catch (cause) {
      throw damaged(this.#what, `the string at character ${start} is not JSON`, cause);
    }
    if (typeof value !== 'string' || !value.isWellFormed()) throw damaged(this.#what, 'a string holds half a surrogate pair');
    return value;
  }

  #literalOrNumber(): boolean | number | null {
    for (const [word, value] of literals) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    const token = this.#match(numberPattern);
    const value = Number(token);
    const isFraction = Number.isFinite(value) && !Number.isInteger(value);
    if (!isFraction && !(plainIntegerPattern.test(token) && Number.isSafeInteger(value))) {
      throw damaged(this.#what, `the number ${token.slice(0, 32)} is not a plain integer within 2^53 - 1`);
    }
    return value;
  }

  #match(sticky: RegExp): string {
    sticky.lastIndex = this.#at;
    const token = sticky.exec(this.#text)?.[0];
    if (token === undefined) throw this.#unexpected();
    this.#at += token.length;
    return token;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    spacePattern.lastIndex = this.#at;
    this.#at += spacePattern.exec(this.#text)?.[0].length ?? 0;
  }

  #unexpected(): HoldfastError {
    const found = this.#text[this.#at];
    return damaged(
      this.#what,
      found === undefined ? 'it ends too early' : `${JSON.stringify(found)} is unexpected at character ${this.#at}`,
    );
  }
}
