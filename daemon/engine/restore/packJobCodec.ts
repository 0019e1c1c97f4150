import type { BlockCodec } from '../../repository/blockCodec.ts';
import { bufferOver } from '../../repository/bytes.ts';
import { GrowableBytes } from '../../repository/growableBytes.ts';

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

/** Blocks as bytes: cheaper to hand to another thread than as objects, and read one by one there. */
export function encodeBlocks(blocks: readonly BlockToPlace[]): Uint8Array {
  const out = new GrowableBytes(16 * 1024);
  for (const block of blocks) {
    words(out, block.offset, block.storedLength, block.rawLength, block.codec === 'raw' ? 0 : 1, block.chunks.length);
    for (const chunk of block.chunks) {
      out.append(chunk.id);
      words(out, chunk.offsetInRaw, chunk.length, chunk.places.length);
      for (const place of chunk.places) encodePlace(out, place);
    }
  }
  return Uint8Array.from(out.bytes());
}

export function* decodeBlocks(bytes: Uint8Array): Generator<BlockToPlace> {
  const cursor = new Cursor(bytes);
  while (!cursor.isAtEnd) {
    const offset = cursor.word();
    const storedLength = cursor.word();
    const rawLength = cursor.word();
    const codec = cursor.word() === 0 ? 'raw' : 'zstd';
    const chunkCount = cursor.word();
    const chunks: ChunkToPlace[] = [];
    for (let chunk = 0; chunk < chunkCount; chunk += 1) {
      const id = cursor.bytes(32);
      const offsetInRaw = cursor.word();
      const length = cursor.word();
      const placeCount = cursor.word();
      const places = Array.from({ length: placeCount }, () => decodePlace(cursor));
      chunks.push({ id, offsetInRaw, length, places });
    }
    yield { offset, storedLength, rawLength, codec, chunks };
  }
}

function encodePlace(out: GrowableBytes, { file, part, pieces, isWhole, target }: Place): void {
  const { temporary, path } = target;
  let at = out.grow(7 * 4 + pieces.length * 16 + 4 * 8 + 2 * 4 + temporary.length + path.length);
  const { buffer } = out;
  at = buffer.writeUInt32LE(file, at);
  at = buffer.writeUInt32LE(part, at);
  at = buffer.writeUInt32LE(isWhole ? 1 : 0, at);
  at = buffer.writeUInt32LE(pieces.length, at);
  for (const { offset, length } of pieces) at = buffer.writeDoubleLE(length, buffer.writeDoubleLE(offset, at));
  at = buffer.writeUInt32LE(target.mode, at);
  at = buffer.writeUInt32LE(target.mayReplace ? 1 : 0, at);
  at = buffer.writeUInt32LE(target.mtime === undefined ? 0 : 1, at);
  at = buffer.writeDoubleLE(target.size, at);
  at = buffer.writeDoubleLE(target.uid, at);
  at = buffer.writeDoubleLE(target.gid, at);
  at = buffer.writeBigInt64LE(target.mtime ?? 0n, at);
  for (const text of [temporary, path]) {
    at = buffer.writeUInt32LE(text.length, at);
    at += buffer.write(text, at, 'latin1');
  }
}

function decodePlace(cursor: Cursor): Place {
  const file = cursor.word();
  const part = cursor.word();
  const isWhole = cursor.word() === 1;
  const pieceCount = cursor.word();
  const pieces = Array.from({ length: pieceCount }, () => ({ offset: cursor.double(), length: cursor.double() }));
  const mode = cursor.word();
  const mayReplace = cursor.word() === 1;
  const hasTime = cursor.word() === 1;
  const size = cursor.double();
  const uid = cursor.double();
  const gid = cursor.double();
  const time = cursor.long();
  const temporary = cursor.text();
  const path = cursor.text();
  const target = { temporary, path, size, mode, uid, gid, mtime: hasTime ? time : undefined, mayReplace };
  return { file, part, pieces, isWhole, target };
}

function words(out: GrowableBytes, ...values: readonly number[]): void {
  let at = out.grow(values.length * 4);
  for (const value of values) at = out.buffer.writeUInt32LE(value, at);
}

class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bufferOver(bytes);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  word(): number {
    this.#at += 4;
    return this.#bytes.readUInt32LE(this.#at - 4);
  }

  double(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  long(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64LE(this.#at - 8);
  }

  bytes(length: number): Buffer {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(): string {
    const length = this.word();
    return this.bytes(length).toString('latin1');
  }
}
