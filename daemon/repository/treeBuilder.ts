import { bufferOver } from './bytes.ts';
import { maxEntryLength, maxNodeLength, nodeHeaderLength } from './entryEncoder.ts';
import { GrowableBytes } from './growableBytes.ts';
import { maxTreeLevel, treeMagic, writeNodeHeader } from './treeNode.ts';

/** Takes the bytes of a node, valid during the call only, and gives the chunk's id. */
export type NodeSink = (node: Buffer) => Uint8Array;

export interface TreeTop {
  readonly id: Uint8Array;
  readonly level: number;
}

/** On average so many names lie between two cuts; fewer than `leastCount` never make a node of their own, except the last. */
const namesPerCut = 256;
const leastCount = 16;

/**
 * Builds the search tree of one folder from its records in ascending order of name. Nodes are cut before a name whose hash says so, or where
 * they would exceed 1 MiB: one new name changes the nodes on its path, and hardly others.
 */
export class TreeBuilder {
  readonly #emit: NodeSink;
  readonly #levels: OpenNode[] = [new OpenNode(0)];
  #lastName: Buffer | undefined;

  constructor(emit: NodeSink) {
    this.#emit = emit;
  }

  /** Adds the record of one entry (of `encodeEntry`, or as it came from another tree). Throws `RangeError` where names do not ascend. */
  add(record: Uint8Array): void {
    const bytes = bufferOver(record);
    if (bytes.length > maxEntryLength) throw new RangeError(`an entry of ${bytes.length} bytes`);
    const name = bytes.subarray(2, 2 + bytes.readUInt16LE(0));
    if (this.#lastName !== undefined && this.#lastName.compare(name) >= 0) throw new RangeError('names do not ascend');
    this.#lastName = Buffer.from(name);
    this.#append(0, this.#lastName, bytes);
  }

  /** Emits what is left and gives the top; an empty folder is one node of no entries. The builder can be used again. */
  finish(): TreeTop {
    let top = this.#flush(0);
    for (let level = 1; level < this.#levels.length; level += 1) {
      const node = this.#open(level);
      if (node.count > 1 || node.emitted > 0) top = this.#flush(level);
    }
    this.#levels.length = 0;
    this.#levels.push(new OpenNode(0));
    this.#lastName = undefined;
    return top;
  }

  #append(level: number, name: Buffer, item: Uint8Array): void {
    const node = this.#open(level);
    const isFull = node.bytes.length + item.length > maxNodeLength;
    if (isFull || (node.count >= leastCount && isCut(name, level))) this.#flush(level);
    node.add(name, item);
  }

  #flush(level: number): TreeTop {
    const node = this.#open(level);
    const bytes = node.bytes.bytes();
    writeNodeHeader(bytes, treeMagic, level, node.count);
    const id = Uint8Array.from(this.#emit(bytes));
    const { firstName } = node;
    node.restart();
    if (firstName !== undefined) this.#append(level + 1, firstName, childItem(firstName, id));
    return { id, level };
  }

  #open(level: number): OpenNode {
    if (level > maxTreeLevel + 1) throw new RangeError('a folder has too many entries');
    const node = this.#levels[level] ?? new OpenNode(level);
    this.#levels[level] = node;
    return node;
  }
}

class OpenNode {
  readonly level: number;
  readonly bytes: GrowableBytes = new GrowableBytes(nodeHeaderLength);
  count = 0;
  emitted = 0;
  firstName: Buffer | undefined;

  constructor(level: number) {
    this.level = level;
    this.bytes.grow(nodeHeaderLength);
  }

  add(name: Buffer, item: Uint8Array): void {
    this.firstName ??= name;
    this.bytes.append(item);
    this.count += 1;
  }

  restart(): void {
    this.bytes.clear();
    this.bytes.grow(nodeHeaderLength);
    this.count = 0;
    this.emitted += 1;
    this.firstName = undefined;
  }
}

function childItem(firstName: Buffer, id: Uint8Array): Buffer {
  const item = Buffer.allocUnsafe(2 + firstName.length + 32);
  item.writeUInt16LE(firstName.length);
  item.set(firstName, 2);
  item.set(id, 2 + firstName.length);
  return item;
}

/** FNV-1a over the name, started differently at each level, and mixed well enough that its low bits can decide. */
function isCut(name: Uint8Array, level: number): boolean {
  let hash = Math.imul(0x811c_9dc5 ^ (level + 1), 0x0100_0193);
  for (const byte of name) hash = Math.imul(hash ^ byte, 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return ((hash ^ (hash >>> 16)) & (namesPerCut - 1)) === 0;
}
