import { createHash } from 'node:crypto';
import { decodeEntry } from '../../../daemon/repository/entryDecoder.ts';
import { readList } from '../../../daemon/repository/list.ts';
import { refusal } from '../../../daemon/repository/refusal.ts';
import { readSourceRoot } from '../../../daemon/repository/sourceRoot.ts';
import { TreeReader, type ReadChunk } from '../../../daemon/repository/treeReader.ts';
import { EntryBudget, walkTree } from '../../../daemon/repository/treeWalk.ts';
import type { SourceId } from '../../../protocol/ids.ts';
import { newId } from '../ids.ts';
import { bent, type MustRefuse, u16, u32, u64 } from './mustRefuse.ts';

const chunks = new Map<string, Buffer>();

function put(bytes: Uint8Array): Buffer {
  const id = createHash('sha256').update(bytes).digest();
  chunks.set(id.toString('hex'), Buffer.from(bytes));
  return id;
}

const readChunk: ReadChunk = async (id) => {
  const found = chunks.get(Buffer.from(id).toString('hex'));
  if (found === undefined) throw refusal('a chunk', 'missing', 'it is not there', 'objectMissing');
  return found;
};

function tlv(tag: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag), u32(value.length), value]);
}

/** An entry by hand: kind, mode and TLVs as they are given. */
function entry(name: Uint8Array | string, kind: number, tlvs: readonly Uint8Array[] = [], mode = 0o644): Buffer {
  const body = Buffer.concat(tlvs);
  return Buffer.concat([u16(Buffer.byteLength(name)), Buffer.from(name), Buffer.of(kind), u32(mode), u32(body.length), body]);
}

function node(magic: 'HFT1' | 'HFL1', level: number, items: readonly Uint8Array[], count = items.length): Buffer {
  return Buffer.concat([Buffer.from(magic), Buffer.of(level, 0, 0, 0), u32(count), ...items]);
}

function child(first: string, id: Uint8Array): Buffer {
  return Buffer.concat([u16(first.length), Buffer.from(first), id]);
}

const leaf = (...names: readonly string[]): Buffer =>
  put(
    node(
      'HFT1',
      0,
      names.map((name) => entry(name, 4)),
    ),
  );
const inner = (level: number, ...children: readonly (readonly [string, Uint8Array])[]): Buffer =>
  put(
    node(
      'HFT1',
      level,
      children.map(([first, id]) => child(first, id)),
    ),
  );
const a = leaf('a', 'b');
const c = leaf('c', 'd');
const good = inner(1, ['a', a], ['c', c]);

async function readAll(top: Uint8Array): Promise<void> {
  for await (const { name } of new TreeReader(readChunk).entries(top)) if (name.length === 0) throw new Error('a name is empty');
}

/** Walks, and throws what the walk gives as unreadable. */
async function walkAll(root: Uint8Array, limit = 100_000): Promise<void> {
  for await (const item of walkTree(new TreeReader(readChunk), root, { budget: new EntryBudget(limit) })) {
    if (item.type !== 'entry') throw item.error;
  }
}

const size = (value: bigint): Buffer => tlv(0x81, u64(value));
const ids = (count: number): Buffer => tlv(0x82, Buffer.alloc(32 * count, 1));
const list = (level: number, count: bigint): Buffer => tlv(0x83, Buffer.concat([Buffer.alloc(32), Buffer.of(level), u64(count)]));
const extents = (...pairs: readonly (readonly [bigint, bigint])[]): Buffer =>
  tlv(0x88, Buffer.concat(pairs.flatMap(([offset, length]) => [u64(offset), u64(length)])));
const stream = (name: string, length: bigint, form: number, value: Uint8Array): Buffer =>
  tlv(0x89, Buffer.concat([u16(name.length), Buffer.from(name), u64(length), Buffer.of(form), value]));
const time = (nanoseconds: number): Buffer => tlv(1, Buffer.concat([u64(0n), u32(nanoseconds)]));
const empty = size(0n);
const decode = (record: Uint8Array, separator = 0x2f): unknown => decodeEntry(record, separator);

const acceptedEntries: readonly Uint8Array[] = [
  entry('f', 1, [time(999_999_999), tlv(5, Buffer.concat([u16(1), Buffer.from('a')])), tlv(7, Buffer.of(1)), tlv(7, Buffer.of(9)), empty]),
  entry('f', 1, [tlv(0x55, Buffer.from('unknown')), size(3n), ids(3), tlv(0x86, u64(1n)), stream('s', 0n, 0, Buffer.alloc(0))]),
  entry('f', 1, [size(100n), list(4, 65n)]),
  entry('f', 1, [size(10n), ids(1), extents([0n, 5n], [5n, 5n])]),
  entry('f', 1, [size(10n), extents()]),
  entry('s', 8, [size(3n), ids(3)]),
  entry('s', 8, [size(100n), list(0, 65n), extents([0n, 100n])]),
  entry('l', 3, [tlv(0x84, Buffer.from('t')), tlv(0x86, u64(1n))]),
  entry('d', 2, [tlv(0x85, Buffer.alloc(32)), stream('s', 1n, 0, Buffer.alloc(32))]),
  entry('c', 6, [tlv(0x86, u64(1n)), tlv(0x87, Buffer.alloc(8))]),
  entry('b', 7),
];

const listLeaf = (count: number, length = 1): Buffer =>
  put(
    node(
      'HFL1',
      0,
      Array.from({ length: count }, () => Buffer.concat([Buffer.alloc(32), u32(length)])),
    ),
  );
const listInner = (level: number, ...children: readonly Uint8Array[]): Buffer => put(node('HFL1', level, children));
const readWhole = async (id: Uint8Array, level: number, count: number): Promise<void> => {
  for await (const { count: rows } of readList({ form: 'list', id, level, chunks: count }, readChunk))
    if (rows < 1) throw new Error('an empty leaf');
};

const rootOf = async (kind: 'folder' | 'command', root: Uint8Array): Promise<unknown> =>
  readSourceRoot(new TreeReader(readChunk), { id: newId<SourceId>(), kind, root });
const rootNode = (...entries: readonly Uint8Array[]): Buffer => put(node('HFT1', 0, entries));
const folder = entry('root', 2, [tlv(0x85, a)]);

/** A chain of folders, each of two nodes: `folders` times two nodes below the root's, and one at the bottom. */
function deep(folders: number): Buffer {
  let top = leaf('bottom');
  for (let count = 0; count < folders; count += 1) {
    const below = put(node('HFT1', 0, [entry('d', 2, [tlv(0x85, top)])]));
    top = inner(1, ['d', below], ['e', leaf('e')]);
  }
  return rootNode(entry('root', 2, [tlv(0x85, top)]));
}

/** A folder that holds itself, by an id that no real store could have. */
function loop(): Buffer {
  const id = Buffer.alloc(32, 0xee);
  chunks.set(id.toString('hex'), node('HFT1', 0, [entry('again', 2, [tlv(0x85, id)])]));
  return rootNode(entry('root', 2, [tlv(0x85, id)]));
}

export const goodTrees: readonly (() => unknown)[] = [
  () => readAll(good),
  () => readAll(leaf()),
  () => walkAll(deep(2047)),
  ...acceptedEntries.map((record) => () => decode(record)),
  () => readWhole(listLeaf(70), 0, 70),
  () => readWhole(listInner(2, listInner(1, listLeaf(40)), listInner(1, listLeaf(30))), 2, 70),
  () => rootOf('folder', rootNode(folder)),
  () => rootOf('folder', rootNode(entry('any.txt', 1, [empty]))),
  () => rootOf('command', rootNode(entry('output', 1, [empty]))),
  () => rootOf('command', rootNode(entry('output', 8, [empty]))),
];

const tree = (clause: string, refused: MustRefuse['refused'], top: Uint8Array): MustRefuse => ({
  section: '7.1',
  clause,
  refused,
  run: () => readAll(top),
});
const named = (clause: string, name: Uint8Array | string, separator?: number): MustRefuse => ({
  section: '7.2',
  clause,
  refused: 'entryName',
  run: () => decode(entry(name, 4), separator),
});
const tlvs = (clause: string, refused: MustRefuse['refused'], kind: number, ...records: readonly Uint8Array[]): MustRefuse => ({
  section: '7.3',
  clause,
  refused,
  run: () => decode(entry('f', kind, records)),
});
const lists = (clause: string, refused: MustRefuse['refused'], id: Uint8Array, level: number, count: number): MustRefuse => ({
  section: '7.5',
  clause,
  refused,
  run: () => readWhole(id, level, count),
});
const root = (clause: string, kind: 'folder' | 'command', id: Uint8Array): MustRefuse => ({
  section: '7.6',
  clause,
  refused: 'sourceRoot',
  run: () => rootOf(kind, id),
});
const bytesOf = (id: Uint8Array): Buffer => chunks.get(Buffer.from(id).toString('hex')) ?? Buffer.alloc(0);

export const trees: readonly MustRefuse[] = [
  tree('a node above 1 MiB', 'treeNode', put(node('HFT1', 0, [entry('a', 4, [tlv(0x55, Buffer.alloc(2 ** 20))])]))),
  tree('another magic', 'treeNode', put(bent(bytesOf(a), 0, Buffer.from('HFL1')))),
  tree('bytes 5 to 8 that are not zero', 'treeNode', put(bent(bytesOf(a), 7, Buffer.of(1)))),
  tree('more entries than its count', 'treeNode', put(bent(bytesOf(a), 8, u32(1)))),
  tree('fewer entries than its count', 'treeNode', put(bent(bytesOf(a), 8, u32(3)))),
  tree('a node that is cut', 'treeNode', put(bytesOf(a).subarray(0, -1))),
  tree('a level above 7', 'treeLevel', inner(8, ['a', a], ['c', c])),
  tree('names that do not ascend', 'treeOrder', leaf('b', 'a')),
  tree('a name twice', 'treeOrder', leaf('a', 'a')),
  tree('children that do not ascend', 'treeOrder', inner(1, ['c', c], ['a', a])),
  tree('a first name that is not the child’s', 'treeFirstName', inner(1, ['a', a], ['bb', c])),
  tree('names beyond the first name of the next child', 'treeOrder', inner(1, ['a', leaf('a', 'd')], ['c', c])),
  tree(
    'names beyond the next child of a node above',
    'treeOrder',
    inner(2, ['a', inner(1, ['a', a], ['c', leaf('c', 'x')])], ['m', inner(1, ['m', leaf('m')])]),
  ),
  tree('a child of another level', 'treeLevel', inner(2, ['a', a], ['c', c])),
  tree('a top with one child', 'treeNode', inner(1, ['a', a])),
  tree('a node above level 0 without children', 'treeNode', inner(1)),
  tree('an empty node below another', 'treeNode', inner(1, ['a', leaf()], ['c', c])),
  tree('a child that is not there', 'missing', inner(1, ['a', Buffer.alloc(32)], ['c', c])),
  named('an empty name', ''),
  named('the name .', '.'),
  named('the name ..', '..'),
  named('a name with /', 'a/b'),
  named('a name with NUL', 'a\0b'),
  named('a name with the separator of its source', 'a\\b', 0x5c),
  { section: '7.2', clause: 'an unknown kind', refused: 'entryKind', run: () => decode(entry('f', 9)) },
  { section: '7.2', clause: 'a mode above 07777', refused: 'entryContent', run: () => decode(entry('f', 4, [], 0o10000)) },
  { section: '7.2', clause: 'tlvBytes that are others', refused: 'entryTlv', run: () => decode(bent(entry('f', 4), 8, u32(1))) },
  tlvs('a TLV that is cut', 'entryTlv', 4, Buffer.of(1, 12, 0, 0)),
  tlvs('a TLV beyond the entry', 'entryTlv', 4, Buffer.concat([Buffer.of(0x55), u32(9), Buffer.alloc(8)])),
  tlvs('the tag 00', 'entryTlv', 4, tlv(0, Buffer.alloc(0))),
  tlvs('tags that do not ascend', 'entryTlv', 4, tlv(2, Buffer.alloc(12)), tlv(1, Buffer.alloc(12))),
  tlvs('a tag twice', 'entryTlv', 4, time(0), time(0)),
  tlvs('an unknown tag twice', 'entryTlv', 4, tlv(0x55, Buffer.of(1)), tlv(0x55, Buffer.of(2))),
  tlvs('a repeating tag whose values do not ascend', 'entryTlv', 4, tlv(7, Buffer.of(2)), tlv(7, Buffer.of(1))),
  tlvs('an unknown critical tag', 'entryCritical', 4, tlv(0x99, Buffer.alloc(0))),
  tlvs('a critical tag of another kind', 'entryCritical', 4, empty),
  tlvs('a hard-link group of a stream', 'entryCritical', 8, empty, tlv(0x86, u64(1n))),
  tlvs('a further stream of a stream', 'entryCritical', 8, empty, stream('s', 0n, 0, Buffer.alloc(0))),
  tlvs('a hard-link group of a folder', 'entryCritical', 2, tlv(0x85, Buffer.alloc(32)), tlv(0x86, u64(1n))),
  ...[0x01, 0x02, 0x03, 0x06, 0x08].map((tag) =>
    tlvs(`tag ${tag.toString(16)} of another length`, 'entryTlv', 4, tlv(tag, Buffer.alloc(5))),
  ),
  tlvs('tag 81 of another length', 'entryTlv', 1, tlv(0x81, Buffer.alloc(7))),
  tlvs('tag 83 of another length', 'entryTlv', 1, size(1n), tlv(0x83, Buffer.alloc(40))),
  tlvs('tag 85 of another length', 'entryTlv', 2, tlv(0x85, Buffer.alloc(31))),
  tlvs('tag 86 of another length', 'entryTlv', 4, tlv(0x86, Buffer.alloc(4))),
  tlvs('tag 87 of another length', 'entryTlv', 6, tlv(0x87, Buffer.alloc(4))),
  tlvs('nanoseconds of 10^9', 'entryTlv', 4, time(1_000_000_000)),
  tlvs('owner names without a NUL', 'entryTlv', 4, tlv(4, Buffer.from('user'))),
  tlvs('owner names with two NULs', 'entryTlv', 4, tlv(4, Buffer.from('a\0b\0'))),
  tlvs('an attribute whose name is cut', 'entryTlv', 4, tlv(5, Buffer.concat([u16(3), Buffer.from('ab')]))),
  tlvs('two attributes of one name', 'entryTlv', 4, tlv(5, Buffer.from('010061', 'hex')), tlv(5, Buffer.from('01006101', 'hex'))),
  tlvs('an ACL without a form', 'entryTlv', 4, tlv(7, Buffer.alloc(0))),
  tlvs('two ACLs of one form', 'entryTlv', 4, tlv(7, Buffer.of(1, 1)), tlv(7, Buffer.of(1, 2))),
  tlvs('two ACLs of one unknown form', 'entryTlv', 4, tlv(7, Buffer.of(9, 1)), tlv(7, Buffer.of(9, 2))),
  tlvs('two further streams of one name', 'entryTlv', 1, empty, stream('s', 0n, 0, Buffer.alloc(0)), stream('s', 1n, 0, Buffer.alloc(32))),
  tlvs('a file without its size', 'entryContent', 1),
  tlvs('a size of 2^63', 'entryContent', 1, size(2n ** 63n), ids(1)),
  tlvs('a size above what this reader handles', 'entryContent', 1, size(2n ** 53n), ids(1)),
  tlvs('data without chunks', 'entryContent', 1, size(1n)),
  tlvs('chunks without data', 'entryContent', 1, empty, ids(1)),
  tlvs('ids and a list', 'entryContent', 1, size(100n), ids(1), list(0, 65n)),
  tlvs('more than 64 ids', 'entryContent', 1, size(100n), ids(65)),
  tlvs('more ids than bytes', 'entryContent', 1, size(2n), ids(3)),
  tlvs('ids that are cut', 'entryTlv', 1, size(2n), tlv(0x82, Buffer.alloc(33))),
  tlvs('a list of 64 chunks', 'entryContent', 1, size(100n), list(0, 64n)),
  tlvs('a list of more chunks than bytes', 'entryContent', 1, size(70n), list(0, 71n)),
  tlvs('a list above level 4', 'listLevel', 1, size(100n), list(5, 65n)),
  tlvs('a link without its target', 'entryContent', 3),
  tlvs('an empty target', 'entryTlv', 3, tlv(0x84, Buffer.alloc(0))),
  tlvs('a target with a NUL', 'entryTlv', 3, tlv(0x84, Buffer.from('a\0'))),
  tlvs('a folder without its tree', 'entryContent', 2),
  tlvs('extents that are cut', 'entryTlv', 1, size(9n), ids(1), tlv(0x88, Buffer.alloc(15))),
  tlvs('an extent of no bytes', 'entryContent', 1, size(9n), extents([1n, 0n])),
  tlvs('extents that overlap', 'entryContent', 1, size(9n), ids(1), extents([0n, 3n], [2n, 3n])),
  tlvs('extents that do not ascend', 'entryContent', 1, size(9n), ids(1), extents([5n, 1n], [0n, 1n])),
  tlvs('extents beyond the size', 'entryContent', 1, size(9n), ids(1), extents([5n, 5n])),
  tlvs('a hole alone, with chunks', 'entryContent', 1, size(9n), ids(1), extents()),
  tlvs('a further stream that is cut', 'entryTlv', 1, empty, tlv(0x89, Buffer.alloc(10))),
  tlvs('a further stream of an unknown form', 'entryCritical', 1, empty, stream('s', 1n, 2, Buffer.alloc(32))),
  tlvs('a further stream of no bytes in form 1', 'entryContent', 1, empty, stream('s', 0n, 1, Buffer.concat([Buffer.alloc(33), u64(65n)]))),
  tlvs('a further stream of no bytes with ids', 'entryContent', 1, empty, stream('s', 0n, 0, Buffer.alloc(32))),
  tlvs('a further stream of bytes without ids', 'entryContent', 1, empty, stream('s', 1n, 0, Buffer.alloc(0))),
  lists('another magic', 'listNode', put(bent(bytesOf(listLeaf(70)), 0, Buffer.from('HFT1'))), 0, 70),
  lists('bytes 5 to 8 that are not zero', 'listNode', put(bent(bytesOf(listLeaf(70)), 5, Buffer.of(1))), 0, 70),
  lists('a node above 1 MiB', 'listNode', listLeaf(29_127), 0, 29_127),
  lists('a count that is another', 'listNode', put(bent(bytesOf(listLeaf(70)), 8, u32(69))), 0, 70),
  lists('an empty node', 'listNode', listLeaf(0), 0, 70),
  lists('another level than tag 83 says', 'listLevel', listLeaf(70), 1, 70),
  lists('another level than its parent says', 'listLevel', listInner(2, listLeaf(40), listLeaf(30)), 2, 70),
  lists('a top with one child', 'listNode', listInner(1, listLeaf(70)), 1, 70),
  lists('a chunk of no bytes', 'listNode', listLeaf(70, 0), 0, 70),
  lists('a chunk of more than 8 MiB', 'listNode', listLeaf(70, 2 ** 23 + 1), 0, 70),
  lists('more chunks than tag 83 says', 'listCount', listLeaf(71), 0, 70),
  lists('fewer chunks than tag 83 says', 'listCount', listLeaf(69), 0, 70),
  root('a root without an entry', 'folder', leaf()),
  root('a root of two entries', 'folder', rootNode(entry('a', 1, [empty]), folder)),
  root('a root above level 0', 'folder', good),
  root('a folder that is not named root', 'folder', rootNode(entry('other', 2, [tlv(0x85, a)]))),
  root('a link as a folder’s root', 'folder', rootNode(entry('root', 3, [tlv(0x84, Buffer.from('/'))]))),
  root('a stream as a folder’s root', 'folder', rootNode(entry('output', 8, [empty]))),
  root('a folder as a command’s root', 'command', rootNode(folder)),
  root('a command whose entry is not named output', 'command', rootNode(entry('result', 8, [empty]))),
  { section: '7.7', clause: 'a node deeper than 4096', refused: 'treeDepth', run: () => walkAll(deep(2048)) },
  { section: '7.7', clause: 'a node on its own path', refused: 'treeCycle', run: () => walkAll(loop()) },
  { section: '7.7', clause: 'more entries than the reader’s limit', refused: 'entryLimit', run: () => walkAll(good, 3) },
];
