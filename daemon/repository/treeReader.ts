import { hexOf, sameBytes } from './bytes.ts';
import type { ChunkKind } from './chunkId.ts';
import { decodeEntry } from './entryDecoder.ts';
import type { Entry } from './entry.ts';
import { isLeaf, maxTreeLevel, parseTreeNode, type EntryRecord, type TreeNode } from './treeNode.ts';
import { refusal } from './refusal.ts';

/** Reads a chunk whose bytes were checked against its id. Rejects with a refusal. */
export type ReadChunk = (id: Uint8Array, kind: ChunkKind, signal?: AbortSignal) => Promise<Uint8Array>;

export interface ListOptions {
  /** Begin after this name. */
  readonly after?: Uint8Array;
  /** The node that holds the entry of this folder: depth and cycles are counted from there. */
  readonly under?: NodePlace;
  readonly signal?: AbortSignal;
}

/** A node on the way from the root of a source. */
export interface NodePlace {
  readonly id: Uint8Array;
  /** The top node of the root folder has 1, the node that holds its entry 0. */
  readonly depth: number;
  readonly above: NodePlace | undefined;
}

/** The records of one leaf and where it lies, or why a node could not be read. */
export type Leaf = { readonly entries: readonly EntryRecord[]; readonly place: NodePlace } | { readonly refused: unknown };

/** What a parent says of a node: its level, its first name, and the name that all of it lie below. */
interface Place {
  readonly level: number | undefined;
  readonly firstName: Buffer | undefined;
  readonly below: Buffer | undefined;
}

const maxDepth = 4096;
const topPlace: Place = { level: undefined, firstName: undefined, below: undefined };

/** Reads search trees through `readChunk`, and checks levels, first names and order across nodes. */
export class TreeReader {
  readonly #readChunk: ReadChunk;
  readonly #separator: number;

  /** `separator` is the byte of the source; names that hold it are refused. */
  constructor(readChunk: ReadChunk, separator = 0x2f) {
    this.#readChunk = readChunk;
    this.#separator = separator;
  }

  /** Decodes a record under the rules of this source. */
  decode(record: EntryRecord): Entry {
    return decodeEntry(record.bytes, this.#separator);
  }

  /** The top node of a folder, by itself. */
  topNode(top: Uint8Array, signal?: AbortSignal): Promise<TreeNode> {
    return this.#node(top, topPlace, signal);
  }

  /** The record of one name below the node `top`; `undefined` where it is not there. */
  async lookup(top: Uint8Array, name: Uint8Array, signal?: AbortSignal): Promise<EntryRecord | undefined> {
    let id = top;
    let place = topPlace;
    for (;;) {
      const node = await this.#node(id, place, signal);
      if (isLeaf(node)) return node.entries.find((entry) => entry.name.equals(name));
      const at = node.children.findLastIndex((child) => child.firstName.compare(name) <= 0);
      const child = node.children[at];
      if (child === undefined) return undefined;
      place = { level: node.level - 1, firstName: child.firstName, below: node.children[at + 1]?.firstName ?? place.below };
      ({ id } = child);
    }
  }

  /** The records of one folder in order. A node that cannot be read ends it with a refusal. */
  async *entries(top: Uint8Array, options: ListOptions = {}): AsyncGenerator<EntryRecord> {
    for await (const found of this.leaves(top, options)) {
      if ('refused' in found) throw found.refused;
      yield* found.entries;
    }
  }

  /** The leaves of one folder in order; a node that cannot be read is given as its refusal, and the others still come. */
  async *leaves(top: Uint8Array, options: ListOptions = {}): AsyncGenerator<Leaf> {
    yield* this.#leavesOf(placeBelow(top, options.under), topPlace, options);
  }

  async *#leavesOf(at: NodePlace, place: Place, options: ListOptions): AsyncGenerator<Leaf> {
    const { after, signal } = options;
    let node: TreeNode;
    try {
      checkPlace(at);
      node = await this.#node(at.id, place, signal);
    } catch (refused) {
      signal?.throwIfAborted();
      yield { refused };
      return;
    }
    if (isLeaf(node)) {
      const entries = after === undefined ? node.entries : node.entries.filter((entry) => entry.name.compare(after) > 0);
      yield { entries, place: at };
      return;
    }
    for (const [index, child] of node.children.entries()) {
      const below = node.children[index + 1]?.firstName ?? place.below;
      if (after !== undefined && below !== undefined && below.compare(after) <= 0) continue;
      yield* this.#leavesOf(placeBelow(child.id, at), { level: node.level - 1, firstName: child.firstName, below }, options);
    }
  }

  async #node(id: Uint8Array, place: Place, signal: AbortSignal | undefined): Promise<TreeNode> {
    const subject = `tree node ${hexOf(id).slice(0, 16)}`;
    const node = parseTreeNode(await this.#readChunk(id, 'tree', signal), subject);
    const names = isLeaf(node) ? node.entries.map((entry) => entry.name) : node.children.map((child) => child.firstName);
    const first = names[0];
    const last = names.at(-1);
    if (place.level === undefined) {
      if (!isLeaf(node) && names.length < 2) throw refusal(subject, 'treeNode', 'a top above level 0 has one child');
      return node;
    }
    if (node.level !== place.level || node.level > maxTreeLevel) {
      throw refusal(subject, 'treeLevel', `its level is ${node.level} where ${place.level} belongs`);
    }
    if (first === undefined || last === undefined) throw refusal(subject, 'treeNode', 'it is empty below another');
    if (place.firstName === undefined || !sameBytes(first, place.firstName)) {
      throw refusal(subject, 'treeFirstName', 'its first name is not the one that its parent gives');
    }
    if (place.below !== undefined && last.compare(place.below) >= 0)
      throw refusal(subject, 'treeOrder', 'its names reach into the next node');
    return node;
  }
}

function placeBelow(id: Uint8Array, above: NodePlace | undefined): NodePlace {
  return { id, depth: above === undefined ? 0 : above.depth + 1, above };
}

/** Throws `damaged` (`treeDepth`, `treeCycle`). */
function checkPlace({ id, depth, above }: NodePlace): void {
  const subject = `tree node ${hexOf(id).slice(0, 16)}`;
  if (depth > maxDepth) throw refusal(subject, 'treeDepth', `it lies more than ${maxDepth} nodes deep`);
  for (let at = above; at !== undefined; at = at.above)
    if (at.id[0] === id[0] && sameBytes(at.id, id)) throw refusal(subject, 'treeCycle', 'it lies inside itself');
}
