import { hexOf } from './bytes.ts';
import type { ChunkReader } from './chunkReader.ts';
import { dataLengthOf, type Entry, type Extent, type FileContent } from './entry.ts';
import { shownName } from './entryName.ts';
import { readList } from './list.ts';
import { refusal } from './refusal.ts';
import type { ReadChunk } from './treeReader.ts';

const zeroPiece: Uint8Array = new Uint8Array(256 * 1024);

/** A chunk of a file, in order; `length` where a list records it. */
export interface FileChunk {
  readonly id: Uint8Array;
  readonly length: number | undefined;
}

/** The chunks of a file that names them itself. */
export function* namedChunks(ids: Uint8Array): Generator<FileChunk> {
  for (let at = 0; at < ids.length; at += 32) yield { id: ids.subarray(at, at + 32), length: undefined };
}

/** The chunks of a file or a further stream in order. Rejects where its list is damaged. */
export async function* chunksOf(content: FileContent | undefined, readChunk: ReadChunk, signal?: AbortSignal): AsyncGenerator<FileChunk> {
  if (content === undefined) return;
  if (content.form === 'ids') {
    yield* namedChunks(content.ids);
    return;
  }
  for await (const leaf of readList(content, readChunk, signal)) {
    for (let row = 0; row < leaf.count; row += 1) yield { id: leaf.id(row), length: leaf.length(row) };
  }
}

export interface ReadRange {
  /** First byte; 0 by default. */
  readonly offset?: number;
  /** To the end by default. */
  readonly length?: number;
  readonly signal?: AbortSignal;
}

/** What a read needs of an entry. A further stream is read by its size and content. */
export type ReadableFile = Pick<Entry, 'name' | 'size' | 'content' | 'extents'>;

/**
 * The bytes of a file in order, holes as zeros, in pieces of at most 8 MiB that must not be changed.
 * Rejects with `damaged` or `objectMissing` where a chunk is not good or the chunks do not make the file's length.
 */
export async function* readFileBytes(file: ReadableFile, chunks: ChunkReader, range: ReadRange = {}): AsyncGenerator<Uint8Array> {
  const size = file.size ?? 0;
  const start = Math.min(Math.max(0, range.offset ?? 0), size);
  const end = range.length === undefined ? size : Math.min(size, start + Math.max(0, range.length));
  if (file.extents === undefined) {
    yield* dataOf(file, chunks, start, end, range.signal);
    return;
  }
  let at = start;
  const source = new DataSource(file, chunks, dataOffsetOf(file.extents, start), dataOffsetOf(file.extents, end), range.signal);
  for (const extent of file.extents) {
    const from = Math.max(at, extent.offset);
    const to = Math.min(end, extent.offset + extent.length);
    if (to <= from) continue;
    yield* zeros(from - at);
    yield* source.take(to - from);
    at = to;
  }
  yield* zeros(Math.max(0, end - at));
  await source.close();
}

/** The data bytes before `position` of a sparse file. */
function dataOffsetOf(extents: readonly Extent[], position: number): number {
  return extents.reduce((sum, { offset, length }) => sum + Math.min(length, Math.max(0, position - offset)), 0);
}

/** Hands out the data of a sparse file extent by extent. */
class DataSource {
  readonly #pieces: AsyncGenerator<Uint8Array>;
  #left: Uint8Array = new Uint8Array(0);

  constructor(file: ReadableFile, chunks: ChunkReader, start: number, end: number, signal: AbortSignal | undefined) {
    this.#pieces = dataOf(file, chunks, start, end, signal);
  }

  async *take(length: number): AsyncGenerator<Uint8Array> {
    let wanted = length;
    while (wanted > 0) {
      if (this.#left.length === 0) {
        const next = await this.#pieces.next();
        if (next.done === true) return;
        this.#left = next.value;
      }
      const piece = this.#left.subarray(0, wanted);
      this.#left = this.#left.subarray(piece.length);
      wanted -= piece.length;
      yield piece;
    }
  }

  /** Runs to the end, so that what follows the data is looked at too. */
  async close(): Promise<void> {
    while ((await this.#pieces.next()).done !== true);
  }
}

/** Data bytes `[start, end)`, where the chunks lie one after the other; chunks before `start` are not read. */
async function* dataOf(
  file: ReadableFile,
  chunks: ChunkReader,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const dataLength = dataLengthOf(file);
  const readChunk: ReadChunk = (id, kind, abort) => chunks.read(id, kind, abort);
  let at = 0;
  for await (const chunk of chunksOf(file.content, readChunk, signal)) {
    if (at >= end && end < dataLength) return;
    const length = chunk.length ?? chunks.lengthOf(chunk.id, 'data');
    if (length !== undefined && at + length > dataLength) throw wrongLength(file, dataLength);
    if (length !== undefined && at + length <= start) {
      at += length;
      continue;
    }
    const bytes = await chunks.read(chunk.id, 'data', signal);
    if (length !== undefined && bytes.length !== length) throw wrongLength(file, dataLength, chunk.id);
    const piece = bytes.subarray(Math.max(0, start - at), Math.max(0, end - at));
    at += bytes.length;
    if (piece.length > 0) yield piece;
  }
  if (at !== dataLength) throw wrongLength(file, dataLength);
}

function* zeros(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= zeroPiece.length) yield zeroPiece.subarray(0, left);
}

function wrongLength(file: ReadableFile, dataLength: number, id?: Uint8Array): Error {
  const where = id === undefined ? '' : ` at chunk ${hexOf(id)}`;
  return refusal(`file ${shownName(file.name)}`, 'fileLength', `its chunks do not make its ${dataLength} bytes${where}`);
}
