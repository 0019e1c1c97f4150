import { bufferOver } from './bytes.ts';
import { entryKindOf, type EntryKind } from './entry.ts';
import { maxNodeLength, nodeHeaderLength } from './entryEncoder.ts';
import { refusal } from './refusal.ts';

export const treeMagic: Buffer = Buffer.from('HFT1', 'ascii');
export const maxTreeLevel = 7;

/** An entry as it lies in a leaf: enough to look it up and to store it again unchanged. */
export interface EntryRecord {
  readonly name: Buffer;
  /** `undefined` where the number is unknown here. */
  readonly kind: EntryKind | undefined;
  /** The whole record; `decodeEntry` reads it. */
  readonly bytes: Buffer;
}

/** A child of an inner node. */
export interface NodeChild {
  readonly firstName: Buffer;
  readonly id: Buffer;
}

export type TreeNode =
  | { readonly level: 0; readonly entries: readonly EntryRecord[] }
  | { readonly level: number; readonly children: readonly NodeChild[] };

export function isLeaf(node: TreeNode): node is Extract<TreeNode, { readonly entries: readonly EntryRecord[] }> {
  return 'entries' in node;
}

/** The header of a node of a tree or a list: magic, u8 level, zeros, u32 count. */
export function writeNodeHeader(node: Buffer, magic: Buffer, level: number, count: number): void {
  node.set(magic);
  node.writeUInt32LE(level, 4);
  node.writeUInt32LE(count, 8);
}

/** Parses one node by itself: framing, counts, order of names. Throws `damaged` (`treeNode`, `treeOrder`, `treeLevel`). */
export function parseTreeNode(chunk: Uint8Array, subject: string): TreeNode {
  const bytes = bufferOver(chunk);
  const isNode = bytes.length >= nodeHeaderLength && bytes.length <= maxNodeLength && bytes.compare(treeMagic, 0, 4, 0, 4) === 0;
  if (!isNode || bytes.readUIntLE(5, 3) !== 0) throw refusal(subject, 'treeNode', 'it is no node of a tree');
  const level = bytes.readUInt8(4);
  const count = bytes.readUInt32LE(8);
  if (level > maxTreeLevel) throw refusal(subject, 'treeLevel', `its level is ${level}`);
  const least = level === 0 ? 11 : 34;
  if (count * least > bytes.length - nodeHeaderLength) throw refusal(subject, 'treeNode', `it claims ${count} entries`);
  return level === 0 ? { level: 0, entries: parseLeaf(bytes, count, subject) } : { level, children: parseInner(bytes, count, subject) };
}

function parseLeaf(bytes: Buffer, count: number, subject: string): EntryRecord[] {
  const entries: EntryRecord[] = [];
  let at = nodeHeaderLength;
  for (let index = 0; index < count; index += 1) {
    const name = nameAt(bytes, at, 9, subject);
    checkOrder(entries.at(-1)?.name, name, subject);
    const kindAt = at + 2 + name.length;
    const end = kindAt + 9 + bytes.readUInt32LE(kindAt + 5);
    if (end > bytes.length) throw refusal(subject, 'treeNode', 'an entry of it is cut');
    entries.push({ name, kind: entryKindOf(bytes.readUInt8(kindAt)), bytes: bytes.subarray(at, end) });
    at = end;
  }
  if (at !== bytes.length) throw refusal(subject, 'treeNode', 'something follows its last entry');
  return entries;
}

function parseInner(bytes: Buffer, count: number, subject: string): NodeChild[] {
  if (count === 0) throw refusal(subject, 'treeNode', 'it is empty above level 0');
  const children: NodeChild[] = [];
  let at = nodeHeaderLength;
  for (let index = 0; index < count; index += 1) {
    const firstName = nameAt(bytes, at, 32, subject);
    checkOrder(children.at(-1)?.firstName, firstName, subject);
    const idAt = at + 2 + firstName.length;
    children.push({ firstName, id: bytes.subarray(idAt, idAt + 32) });
    at = idAt + 32;
  }
  if (at !== bytes.length) throw refusal(subject, 'treeNode', 'something follows its last child');
  return children;
}

function nameAt(bytes: Buffer, at: number, after: number, subject: string): Buffer {
  const end = at + 2 > bytes.length ? Infinity : at + 2 + bytes.readUInt16LE(at);
  if (end + after > bytes.length) throw refusal(subject, 'treeNode', 'a name of it is cut');
  return bytes.subarray(at + 2, end);
}

function checkOrder(before: Buffer | undefined, name: Buffer, subject: string): void {
  if (before !== undefined && before.compare(name) >= 0) throw refusal(subject, 'treeOrder', 'its names do not ascend');
}
