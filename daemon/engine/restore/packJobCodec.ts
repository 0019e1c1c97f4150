import type { BlockCodec } from '../../repository/blockCodec.ts';
import { bufferOver } from '../../repository/bytes.ts';
import { chunkIdLength } from '../../repository/chunkId.ts';

/** One place of a chunk in a file. */
export interface Place {
  /** Number of the file in its wave. */
  readonly file: number;
  /** Number of the chunk in its file. */
  readonly part: number;
  /** Where in the file the bytes go, piece by piece: a chunk of a sparse file may lie on both sides of a hole. */
  readonly pieces: readonly { readonly offset: number; readonly length: number }[];
  /** The whole file is this one chunk: it can be made, written and finished at once. */
  readonly isWhole: boolean;
  readonly target: FileTarget;
}

/** A file on its way. Paths are bytes as latin-1 characters. */
export interface FileTarget {
  readonly temporary: string;
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  /** -1: leave it. */
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint | undefined;
  /** What is under `path` may be replaced. */
  readonly mayReplace: boolean;
}

export interface ChunkToPlace {
  readonly id: Uint8Array;
  readonly offsetInRaw: number;
  readonly length: number;
  readonly places: readonly Place[];
}

export interface BlockToPlace {
  /** Where it begins in the pack's plaintext. */
  readonly offset: number;
  readonly storedLength: number;
  readonly rawLength: number;
  readonly codec: BlockCodec;
  readonly chunks: readonly ChunkToPlace[];
}

const headLength = 3;
const numbersOfBlock = 5;
const numbersOfChunk = 3;
const numbersOfPlace = 13;
const numbersOfPiece = 2;
const numberLength = 8;

/**
 * Blocks as bytes: cheaper to hand to another thread than as objects, and read one by one there. All numbers come first, as they lie in memory, then the ids
 * of the chunks, then the paths as one text: of many small files each call of the runtime for one of them would take longer than all of this.
 */
export function encodeBlocks(blocks: readonly BlockToPlace[]): Uint8Array {
  const { numberCount, chunkCount, textLength } = sizeOf(blocks);
  const idsAt = numberCount * numberLength;
  const textAt = idsAt + chunkCount * chunkIdLength;
  const out = new Uint8Array(textAt + textLength);
  const numbers = new Float64Array(out.buffer, 0, numberCount);
  const longs = new BigInt64Array(out.buffer, 0, numberCount);
  const paths: string[] = [];
  let at = 0;
  let idAt = idsAt;
  const put = (value: number): void => {
    numbers[at] = value;
    at += 1;
  };
  put(numberCount);
  put(chunkCount);
  put(textLength);
  for (const { offset, storedLength, rawLength, codec, chunks } of blocks) {
    put(offset);
    put(storedLength);
    put(rawLength);
    put(codec === 'raw' ? 0 : 1);
    put(chunks.length);
    for (const { id, offsetInRaw, length, places } of chunks) {
      out.set(id, idAt);
      idAt += chunkIdLength;
      put(offsetInRaw);
      put(length);
      put(places.length);
      for (const { file, part, pieces, isWhole, target } of places) {
        put(file);
        put(part);
        put(isWhole ? 1 : 0);
        put(target.mode);
        put(target.mayReplace ? 1 : 0);
        put(target.size);
        put(target.uid);
        put(target.gid);
        put(target.mtime === undefined ? 0 : 1);
        longs[at] = target.mtime ?? 0n;
        at += 1;
        put(target.temporary.length);
        put(target.path.length);
        paths.push(target.temporary, target.path);
        put(pieces.length);
        for (const piece of pieces) {
          put(piece.offset);
          put(piece.length);
        }
      }
    }
  }
  bufferOver(out).write(paths.join(''), textAt, 'latin1');
  return out;
}

function sizeOf(blocks: readonly BlockToPlace[]): {
  readonly numberCount: number;
  readonly chunkCount: number;
  readonly textLength: number;
} {
  let numberCount = headLength;
  let chunkCount = 0;
  let textLength = 0;
  for (const { chunks } of blocks) {
    numberCount += numbersOfBlock;
    chunkCount += chunks.length;
    for (const { places } of chunks) {
      numberCount += numbersOfChunk;
      for (const { pieces, target } of places) {
        numberCount += numbersOfPlace + pieces.length * numbersOfPiece;
        textLength += target.temporary.length + target.path.length;
      }
    }
  }
  return { numberCount, chunkCount, textLength };
}

/** @param bytes of `encodeBlocks`, at the beginning of memory of their own, as a message brings them */
export function* decodeBlocks(bytes: Uint8Array): Generator<BlockToPlace> {
  if (bytes.length === 0) return;
  const cursor = new Cursor(bytes);
  while (!cursor.isAtEnd) {
    const offset = cursor.number();
    const storedLength = cursor.number();
    const rawLength = cursor.number();
    const codec = cursor.number() === 0 ? 'raw' : 'zstd';
    const chunks: ChunkToPlace[] = [];
    for (let left = cursor.number(); left > 0; left -= 1) chunks.push(decodeChunk(cursor));
    yield { offset, storedLength, rawLength, codec, chunks };
  }
}

function decodeChunk(cursor: Cursor): ChunkToPlace {
  const id = cursor.id();
  const offsetInRaw = cursor.number();
  const length = cursor.number();
  const places: Place[] = [];
  for (let left = cursor.number(); left > 0; left -= 1) places.push(decodePlace(cursor));
  return { id, offsetInRaw, length, places };
}

function decodePlace(cursor: Cursor): Place {
  const file = cursor.number();
  const part = cursor.number();
  const isWhole = cursor.number() === 1;
  const mode = cursor.number();
  const mayReplace = cursor.number() === 1;
  const size = cursor.number();
  const uid = cursor.number();
  const gid = cursor.number();
  const hasTime = cursor.number() === 1;
  const time = cursor.long();
  const temporaryLength = cursor.number();
  const pathLength = cursor.number();
  const temporary = cursor.text(temporaryLength);
  const path = cursor.text(pathLength);
  const pieces: { readonly offset: number; readonly length: number }[] = [];
  for (let left = cursor.number(); left > 0; left -= 1) pieces.push({ offset: cursor.number(), length: cursor.number() });
  const target = { temporary, path, size, mode, uid, gid, mtime: hasTime ? time : undefined, mayReplace };
  return { file, part, pieces, isWhole, target };
}

class Cursor {
  readonly #bytes: Buffer;
  readonly #numbers: Float64Array;
  readonly #longs: BigInt64Array;
  readonly #text: string;
  #at: number = headLength;
  #idAt: number;
  #textAt = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bufferOver(bytes);
    const [numberCount = 0, chunkCount = 0, textLength = 0] = new Float64Array(bytes.buffer, bytes.byteOffset, headLength);
    this.#numbers = new Float64Array(bytes.buffer, bytes.byteOffset, numberCount);
    this.#longs = new BigInt64Array(bytes.buffer, bytes.byteOffset, numberCount);
    this.#idAt = numberCount * numberLength;
    const textAt = this.#idAt + chunkCount * chunkIdLength;
    this.#text = this.#bytes.toString('latin1', textAt, textAt + textLength);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#numbers.length;
  }

  number(): number {
    const value = this.#numbers[this.#at] ?? 0;
    this.#at += 1;
    return value;
  }

  long(): bigint {
    const value = this.#longs[this.#at] ?? 0n;
    this.#at += 1;
    return value;
  }

  id(): Buffer {
    this.#idAt += chunkIdLength;
    return this.#bytes.subarray(this.#idAt - chunkIdLength, this.#idAt);
  }

  text(length: number): string {
    this.#textAt += length;
    return this.#text.slice(this.#textAt - length, this.#textAt);
  }
}
