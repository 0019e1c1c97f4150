import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

export type DataKind = 'random' | 'text' | 'small files';

export const dataKinds: readonly DataKind[] = ['random', 'text', 'small files'];

export interface DataFacts {
  readonly files: number;
  readonly bytes: number;
}

const mebibyte = 2 ** 20;
const bigFiles = 4;
const blockBytes = 4 * mebibyte;
/** Small files of a full-sized run, of 15 KiB on average. */
const smallFilesPerGibibyte = 80_000;
const filesPerFolder = 20;

/** xorshift32 (Marsaglia 2003): the same seed makes the same data everywhere. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b9) >>> 0 || 1;
  }

  word(): number {
    let word = this.#state;
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    this.#state = word >>> 0;
    return this.#state;
  }

  /** From 0 to 1, 1 excluded. */
  fraction(): number {
    return this.word() / 2 ** 32;
  }

  writeInto(words: Uint32Array): void {
    let word = this.#state;
    for (let index = 0; index < words.length; index += 1) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      words[index] = word;
    }
    this.#state = word >>> 0;
  }
}

/** Text as sources and logs are: words with a few very frequent ones, numbers, punctuation, indented lines. */
class TextMaker {
  readonly #random: Random;
  readonly #letters: Uint8Array;
  readonly #starts: Uint32Array;
  /** Words by how often they occur: a few very often, most hardly ever. */
  readonly #choices: Uint32Array;

  constructor(random: Random, words: number) {
    this.#random = random;
    this.#starts = new Uint32Array(words + 1);
    const letters: number[] = [];
    for (let word = 0; word < words; word += 1) {
      this.#starts[word] = letters.length;
      const length = 3 + (random.word() % 9);
      for (let index = 0; index < length; index += 1) letters.push(97 + Math.floor(random.fraction() ** 1.5 * 26));
      letters.push(random.word() % 11 === 0 ? 95 : random.word() % 7 === 0 ? 46 : 32);
    }
    this.#starts[words] = letters.length;
    this.#letters = Uint8Array.from(letters);
    this.#choices = Uint32Array.from({ length: 65_536 }, (_, index) => Math.floor((index / 65_536) ** 5 * words));
  }

  writeInto(out: Uint8Array): void {
    let at = 0;
    let column = 0;
    while (at < out.length) {
      const chance = this.#random.word();
      if (column > 40 + (chance & 63)) {
        out[at++] = 10;
        for (let indent = (chance >>> 8) & 7; indent > 0 && at < out.length; indent -= 1) out[at++] = 32;
        column = 0;
      } else if ((chance & 31) === 0) {
        for (let digits = 1 + ((chance >>> 4) & 7); digits > 0 && at < out.length; digits -= 1) out[at++] = 48 + (this.#random.word() % 10);
        column += 4;
      } else {
        const word = this.#choices[this.#random.word() >>> 16] ?? 0;
        const end = this.#starts[word + 1] ?? 0;
        for (let from = this.#starts[word] ?? 0; from < end && at < out.length; from += 1) out[at++] = this.#letters[from] ?? 32;
        column += 6;
      }
    }
  }
}

function writeBigFiles(folder: string, bytes: number, fill: (block: Uint8Array<ArrayBuffer>) => void): DataFacts {
  const perFile = Math.ceil(bytes / bigFiles);
  const block = new Uint8Array(Math.min(blockBytes, Math.ceil(perFile / 4) * 4));
  for (let index = 0; index < bigFiles; index += 1) {
    const handle = openSync(path.join(folder, `part-${index}.dat`), 'w');
    for (let written = 0; written < perFile; ) {
      fill(block);
      written += writeSync(handle, block, 0, Math.min(block.length, perFile - written));
    }
    closeSync(handle);
  }
  return { files: bigFiles, bytes: perFile * bigFiles };
}

/** Sizes as in source trees: half of the files below 5 KiB, few large ones; every twentieth file is a copy, and all begin with one of 50 headers. */
function writeSmallFiles(folder: string, bytes: number, random: Random): DataFacts {
  const text = new TextMaker(random, 6000);
  const headers = Array.from({ length: 50 }, () => {
    const header = new Uint8Array(700);
    text.writeInto(header);
    return header;
  });
  const files = Math.max(10, Math.round((bytes / 2 ** 30) * smallFilesPerGibibyte));
  const average = bytes / files;
  const buffer = new Uint8Array(2 * mebibyte);
  let total = 0;
  let last = buffer.subarray(0, 0);
  for (let index = 0; index < files; index += 1) {
    const group = Math.floor(index / filesPerFolder);
    const sub = path.join(folder, `package-${Math.floor(group / 40)}`, `module-${group % 40}`);
    if (index % filesPerFolder === 0) mkdirSync(sub, { recursive: true });
    if (index % 20 !== 19) {
      // Log-normal with a mean of `average`: its median is a third of it.
      const normal = Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
      const size = Math.min(buffer.length, Math.max(1, Math.round(average * Math.exp(1.48 * normal - 1.1))));
      last = buffer.subarray(0, size);
      text.writeInto(last);
      const header = headers[random.word() % headers.length];
      if (header !== undefined) last.set(header.subarray(0, Math.min(header.length, size)));
    }
    writeFileSync(path.join(sub, `file-${index}.ts`), last);
    total += last.length;
  }
  return { files, bytes: total };
}

/** Makes a data set of about `bytes` bytes in an empty folder. */
export function makeData(kind: DataKind, folder: string, bytes: number, seed: number): DataFacts {
  mkdirSync(folder, { recursive: true });
  const random = new Random(seed);
  if (kind === 'random')
    return writeBigFiles(folder, bytes, (block) => random.writeInto(new Uint32Array(block.buffer, 0, block.length / 4)));
  if (kind === 'small files') return writeSmallFiles(folder, bytes * 1.15, random);
  const text = new TextMaker(random, 20_000);
  return writeBigFiles(folder, bytes, (block) => text.writeInto(block));
}
