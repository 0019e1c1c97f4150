import { bufferOver, hexOf } from './bytes.ts';
import { maxChunkLength } from './chunkId.ts';
import { maxListLevel, type FileContent } from './entry.ts';
import { maxNodeLength, nodeHeaderLength } from './entryEncoder.ts';
import { GrowableBytes } from './growableBytes.ts';
import { refusal } from './refusal.ts';
import type { NodeSink } from './treeBuilder.ts';
import type { ReadChunk } from './treeReader.ts';
import { writeNodeHeader } from './treeNode.ts';

const listMagic = Buffer.from('HFL1', 'ascii');
const rowLength = 36;
const childLength = 32;
const rowsPerCut = 2048;
const leastCount = 64;

export type ListContent = Extract<FileContent, { readonly form: 'list' }>;

/** Builds the list of a file with more than 64 chunks. Nodes are cut by the ids in them, so that a change in the middle leaves the rest. */
export class ListBuilder {
  readonly #emit: NodeSink;
  readonly #levels: OpenListNode[] = [];
  #chunks = 0;

  constructor(emit: NodeSink) {
    this.#emit = emit;
  }

  get chunks(): number {
    return this.#chunks;
  }

  push(id: Uint8Array, length: number): void {
    const row = Buffer.allocUnsafe(rowLength);
    row.set(id);
    row.writeUInt32LE(length, childLength);
    this.#chunks += 1;
    this.#append(0, row);
  }

  /** Emits what is left. Throws `RangeError` where nothing was pushed. The builder can be used again. */
  finish(): ListContent {
    const { chunks } = this;
    if (chunks === 0) throw new RangeError('a list of no chunks');
    let id = this.#flush(0);
    let level = 0;
    for (let at = 1; at < this.#levels.length; at += 1) {
      const node = this.#open(at);
      if (node.count === 1 && node.emitted === 0) continue;
      id = this.#flush(at);
      level = at;
    }
    this.#levels.length = 0;
    this.#chunks = 0;
    return { form: 'list', id, level, chunks };
  }

  #append(level: number, item: Buffer): void {
    const node = this.#open(level);
    if (node.cutsNext || node.bytes.length + item.length > maxNodeLength) this.#flush(level);
    node.bytes.append(item);
    node.count += 1;
    node.cutsNext = node.count >= leastCount && item.readUInt32LE(0) % rowsPerCut === 0;
  }

  #flush(level: number): Uint8Array {
    const node = this.#open(level);
    const bytes = node.bytes.bytes();
    writeNodeHeader(bytes, listMagic, level, node.count);
    const id = Uint8Array.from(this.#emit(bytes));
    node.restart();
    this.#append(level + 1, bufferOver(id));
    return id;
  }

  #open(level: number): OpenListNode {
    if (level > maxListLevel + 1) throw new RangeError('a file has too many chunks');
    const node = this.#levels[level] ?? new OpenListNode();
    this.#levels[level] = node;
    return node;
  }
}

class OpenListNode {
  readonly bytes: GrowableBytes = new GrowableBytes(4096);
  count = 0;
  emitted = 0;
  cutsNext = false;

  constructor() {
    this.bytes.grow(nodeHeaderLength);
  }

  restart(): void {
    this.bytes.clear();
    this.bytes.grow(nodeHeaderLength);
    this.count = 0;
    this.emitted += 1;
    this.cutsNext = false;
  }
}

/** The rows of one leaf: `ids[i]` has 32 bytes. */
export interface ListLeaf {
  readonly count: number;
  readonly id: (row: number) => Buffer;
  readonly length: (row: number) => number;
}

/**
 * The leaves of a list in order. Throws `damaged` (`listNode`, `listLevel`, `listCount`) where levels or counts are not as the entry says;
 * no more is read than the count that it gives.
 */
export async function* readList(list: ListContent, readChunk: ReadChunk, signal?: AbortSignal): AsyncGenerator<ListLeaf> {
  let left = list.chunks;
  for await (const leaf of leavesOf(list.id, list.level, 2, readChunk, signal)) {
    left -= leaf.count;
    if (left < 0) throw refusal(subjectOf(list.id), 'listCount', `it has more than the ${list.chunks} chunks of its file`);
    yield leaf;
  }
  if (left > 0) throw refusal(subjectOf(list.id), 'listCount', `it has ${left} chunks too few`);
}

/** The children of an inner node, or the rows of a leaf. Throws `damaged` (`listNode`, `listLevel`). */
export function parseListNode(chunk: Uint8Array, level: number, subject: string): ListLeaf {
  const bytes = bufferOver(chunk);
  const isNode = bytes.length >= nodeHeaderLength && bytes.length <= maxNodeLength && bytes.compare(listMagic, 0, 4, 0, 4) === 0;
  if (!isNode || bytes.readUIntLE(5, 3) !== 0) throw refusal(subject, 'listNode', 'it is no node of a list');
  if (bytes.readUInt8(4) !== level) throw refusal(subject, 'listLevel', `its level is ${bytes.readUInt8(4)} where ${level} belongs`);
  const count = bytes.readUInt32LE(8);
  const step = level === 0 ? rowLength : childLength;
  if (count === 0 || nodeHeaderLength + count * step !== bytes.length) throw refusal(subject, 'listNode', `it claims ${count} rows`);
  const id = (row: number): Buffer => bytes.subarray(nodeHeaderLength + row * step, nodeHeaderLength + row * step + childLength);
  const length = (row: number): number => bytes.readUInt32LE(nodeHeaderLength + row * step + childLength);
  if (level > 0) return { count, id, length: () => 0 };
  for (let row = 0; row < count; row += 1) {
    if (length(row) < 1 || length(row) > maxChunkLength) throw refusal(subject, 'listNode', `a row claims ${length(row)} bytes`);
  }
  return { count, id, length };
}

/** `leastChildren` is asked of a node above level 0: two of a top. */
async function* leavesOf(
  id: Uint8Array,
  level: number,
  leastChildren: 1 | 2,
  readChunk: ReadChunk,
  signal?: AbortSignal,
): AsyncGenerator<ListLeaf> {
  if (level > maxListLevel) throw refusal(subjectOf(id), 'listLevel', `its level is ${level}`);
  const node = parseListNode(await readChunk(id, 'list', signal), level, subjectOf(id));
  if (level === 0) {
    yield node;
    return;
  }
  if (node.count < leastChildren) throw refusal(subjectOf(id), 'listNode', 'a top above level 0 has one child');
  for (let row = 0; row < node.count; row += 1) yield* leavesOf(node.id(row), level - 1, 1, readChunk, signal);
}

function subjectOf(id: Uint8Array): string {
  return `list node ${hexOf(id).slice(0, 16)}`;
}
