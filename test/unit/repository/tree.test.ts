import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import type { Entry } from '../../../daemon/repository/entry.ts';
import { encodeEntry, maxNodeLength } from '../../../daemon/repository/entryEncoder.ts';
import { isLeaf, parseTreeNode } from '../../../daemon/repository/treeNode.ts';
import { TreeBuilder, type TreeTop } from '../../../daemon/repository/treeBuilder.ts';
import { TreeReader, type ReadChunk } from '../../../daemon/repository/treeReader.ts';
import { EntryBudget, namesOf, walkTree, type WalkedItem } from '../../../daemon/repository/treeWalk.ts';
import { assertRefused, assertRejected, assertTyped } from '../../support/refusals.ts';
import { refusal, ruleOf } from '../../../daemon/repository/refusal.ts';

/** Chunks in memory under the SHA-256 of their bytes. */
class Chunks {
  readonly map: Map<string, Buffer> = new Map();

  put(bytes: Uint8Array): Buffer {
    const id = createHash('sha256').update(bytes).digest();
    this.map.set(id.toString('hex'), Buffer.from(bytes));
    return id;
  }

  readonly read: ReadChunk = async (id) => {
    const found = this.map.get(Buffer.from(id).toString('hex'));
    if (found === undefined) throw refusal('a chunk', 'missing', 'it is not there', 'objectMissing');
    return found;
  };

  readonly reader: TreeReader = new TreeReader(this.read);

  folder(names: readonly (string | Buffer)[], entry: (name: Buffer) => Partial<Entry> = () => ({})): TreeTop {
    const builder = new TreeBuilder((node) => this.put(node));
    const sorted = names.map((name) => Buffer.from(name)).toSorted((a, b) => a.compare(b));
    for (const name of sorted) builder.add(encodeEntry({ name, kind: 'fifo', mode: 0o600, ...entry(name) }));
    return builder.finish();
  }

  async names(top: Uint8Array, after?: string): Promise<string[]> {
    const names: string[] = [];
    for await (const entry of this.reader.entries(top, after === undefined ? {} : { after: Buffer.from(after) }))
      names.push(entry.name.toString());
    return names;
  }

  /** A node written by hand: leaf entries by name, or children. */
  node(level: number, items: readonly (string | { readonly first: string; readonly id: Uint8Array })[], count = items.length): Buffer {
    const header = Buffer.alloc(12);
    header.write('HFT1');
    header.writeUInt8(level, 4);
    header.writeUInt32LE(count, 8);
    const parts = items.map((item) => {
      const name = Buffer.from(typeof item === 'string' ? item : item.first);
      const head = Buffer.alloc(2);
      head.writeUInt16LE(name.length);
      const rest = typeof item === 'string' ? Buffer.from('040000000000000000', 'hex') : item.id;
      return Buffer.concat([head, name, rest]);
    });
    return this.put(Buffer.concat([header, ...parts]));
  }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `name ${index * 7}`);
}

const nameSets = fc.uniqueArray(
  fc
    .uint8Array({ minLength: 1, maxLength: 6 })
    .filter((name) => !name.some((byte) => byte === 0 || byte === 0x2f || byte === 0x2e))
    .map((name) => Buffer.from(name).toString('latin1')),
  { maxLength: 60 },
);

function folder(child: Uint8Array): Partial<Entry> {
  return { kind: 'directory', child };
}

async function walk(chunks: Chunks, root: Uint8Array, maxEntries = 1000): Promise<WalkedItem[]> {
  const items: WalkedItem[] = [];
  for await (const item of walkTree(chunks.reader, root, { budget: new EntryBudget(maxEntries) })) items.push(item);
  return items;
}

describe('tree', () => {
  it('gives back every name in the order of bytes, finds each, and pages from any', async () => {
    await fc.assert(
      fc.asyncProperty(nameSets, async (names) => {
        const chunks = new Chunks();
        const buffers = names.map((name) => Buffer.from(name, 'latin1'));
        const { id } = chunks.folder(buffers);
        const sorted = buffers.toSorted((a, b) => a.compare(b));
        const found: Buffer[] = [];
        for await (const entry of chunks.reader.entries(id)) found.push(entry.name);
        assert.deepEqual(found, sorted);
        for (const name of sorted) assert.deepEqual((await chunks.reader.lookup(id, name))?.name, name);
        assert.equal(await chunks.reader.lookup(id, Buffer.from('not there')), undefined);
      }),
      { numRuns: 50 },
    );
  });

  it('pages and finds names in a folder of several levels', async () => {
    const chunks = new Chunks();
    const names = numbered(20_000);
    const { id, level } = chunks.folder(names);
    assert.ok(level >= 1);
    const sorted = names
      .map((name) => Buffer.from(name))
      .toSorted((a, b) => a.compare(b))
      .map(String);
    assert.deepEqual(await chunks.names(id), sorted);
    for (const at of [0, 1, 9_999, 19_998, 19_999]) assert.deepEqual(await chunks.names(id, sorted[at]), sorted.slice(at + 1));
    assert.deepEqual(await chunks.names(id, 'a'), sorted);
    assert.deepEqual(await chunks.names(id, 'z'), []);
    for (const name of ['name 7', 'name 139993', 'name 0'])
      assert.equal(String((await chunks.reader.lookup(id, Buffer.from(name)))?.name), name);
    for (const name of ['a', 'z', 'name 8', 'name 7 ']) assert.equal(await chunks.reader.lookup(id, Buffer.from(name)), undefined);
  });

  it('changes only the nodes on the path of a new name, even among many', () => {
    const chunks = new Chunks();
    const names = numbered(30_000);
    chunks.folder(names);
    const before = chunks.map.size;
    assert.ok(before > 50 && before < 600, `${before} nodes`);
    let changed = 0;
    for (let added = 0; added < 20; added += 1) {
      const known = new Set(chunks.map.keys());
      chunks.folder([...names, `name ${added * 9_999 + 3} new`]);
      changed += [...chunks.map.keys()].filter((key) => !known.has(key)).length;
    }
    assert.ok(changed / 20 <= 5, `${changed / 20} nodes a new name`);
  });

  it('gives the same tree for the same entries, whatever was built before', () => {
    const chunks = new Chunks();
    const builder = new TreeBuilder((node) => chunks.put(node));
    const add = (count: number): TreeTop => {
      for (const name of numbered(count).toSorted()) builder.add(encodeEntry({ name: Buffer.from(name), kind: 'fifo', mode: 0 }));
      return builder.finish();
    };
    const first = add(3000);
    add(10);
    assert.deepEqual(add(3000), first);
  });

  it('writes an empty folder as one node of no entries', async () => {
    const chunks = new Chunks();
    const { id, level } = chunks.folder([]);
    assert.equal(level, 0);
    assert.equal(chunks.map.get(Buffer.from(id).toString('hex'))?.toString('hex'), '484654310000000000000000');
    assert.deepEqual(await chunks.names(id), []);
  });

  it('C10: keeps nodes to 1 MiB with the largest names and entries', async () => {
    const chunks = new Chunks();
    const names = Array.from({ length: 40 }, (_, index) => Buffer.concat([Buffer.of(65 + index), Buffer.alloc(65_000, 0x61)]));
    const { id } = chunks.folder(names, () => ({ extendedAttributes: [{ name: Buffer.from('a'), value: Buffer.alloc(500_000) }] }));
    for (const node of chunks.map.values()) assert.ok(node.length <= maxNodeLength);
    assert.equal((await chunks.names(id)).length, 40);
  });

  it('refuses names that do not ascend, in a builder and in a node', () => {
    const chunks = new Chunks();
    const builder = new TreeBuilder((node) => chunks.put(node));
    builder.add(encodeEntry({ name: Buffer.from('b'), kind: 'fifo', mode: 0 }));
    for (const name of ['a', 'b'])
      assert.throws(() => builder.add(encodeEntry({ name: Buffer.from(name), kind: 'fifo', mode: 0 })), RangeError);
    for (const items of [
      ['b', 'a'],
      ['a', 'a'],
    ]) {
      const node = chunks.map.get(chunks.node(0, items).toString('hex')) ?? Buffer.alloc(0);
      assertRefused(() => parseTreeNode(node, 'a node'), 'treeOrder');
    }
  });

  it('M4: refuses levels, first names and orders that do not agree between nodes', async () => {
    const chunks = new Chunks();
    const ab = chunks.node(0, ['a', 'b']);
    const cd = chunks.node(0, ['c', 'd']);
    const empty = chunks.node(0, []);
    const top = chunks.node(1, [
      { first: 'a', id: ab },
      { first: 'c', id: cd },
    ]);
    assert.deepEqual(await chunks.names(top), ['a', 'b', 'c', 'd']);
    const cases: readonly (readonly [Buffer, string])[] = [
      [chunks.node(1, [{ first: 'a', id: ab }]), 'treeNode'],
      [chunks.node(1, []), 'treeNode'],
      [
        chunks.node(1, [
          { first: 'a', id: ab },
          { first: 'd', id: cd },
        ]),
        'treeFirstName',
      ],
      [
        chunks.node(1, [
          { first: 'a', id: ab },
          { first: 'b', id: chunks.node(0, ['b', 'c']) },
        ]),
        'treeOrder',
      ],
      [
        chunks.node(1, [
          { first: 'c', id: cd },
          { first: 'a', id: ab },
        ]),
        'treeOrder',
      ],
      [
        chunks.node(2, [
          { first: 'a', id: ab },
          { first: 'c', id: cd },
        ]),
        'treeLevel',
      ],
      [
        chunks.node(1, [
          { first: 'a', id: top },
          { first: 'x', id: cd },
        ]),
        'treeLevel',
      ],
      [
        chunks.node(1, [
          { first: 'a', id: empty },
          { first: 'c', id: cd },
        ]),
        'treeNode',
      ],
      [
        chunks.node(8, [
          { first: 'a', id: ab },
          { first: 'c', id: cd },
        ]),
        'treeLevel',
      ],
      [
        chunks.node(1, [
          { first: 'a', id: Buffer.alloc(32) },
          { first: 'c', id: cd },
        ]),
        'missing',
      ],
    ];
    for (const [id, rule] of cases) {
      await assert.rejects(chunks.names(id), (error) => ruleOf(error) === rule, rule);
    }
    const reach = chunks.node(2, [
      {
        first: 'a',
        id: chunks.node(1, [
          { first: 'a', id: ab },
          { first: 'c', id: chunks.node(0, ['c', 'x']) },
        ]),
      },
      { first: 'm', id: chunks.node(1, [{ first: 'm', id: chunks.node(0, ['m']) }]) },
    ]);
    await assertRejected(() => chunks.names(reach), 'treeOrder');
    await assertRejected(() => chunks.reader.lookup(reach, Buffer.from('c')), 'treeOrder');
  });

  it('M3: refuses counts that a node does not have', () => {
    const chunks = new Chunks();
    const good = chunks.map.get(chunks.node(0, ['a', 'b']).toString('hex')) ?? Buffer.alloc(0);
    const claim = (count: number): Buffer => {
      const copy = Buffer.from(good);
      copy.writeUInt32LE(count, 8);
      return copy;
    };
    for (const count of [1, 3, 0xffff_ffff]) assertRefused(() => parseTreeNode(claim(count), 'a node'), 'treeNode');
    assertRefused(() => parseTreeNode(good.subarray(0, -1), 'a node'), 'treeNode');
    assertRefused(() => parseTreeNode(Buffer.concat([good, Buffer.alloc(1)]), 'a node'), 'treeNode');
    assertRefused(() => parseTreeNode(Buffer.alloc(maxNodeLength + 1), 'a node'), 'treeNode');
    const reserved = Buffer.from(good);
    reserved.writeUInt8(1, 6);
    assertRefused(() => parseTreeNode(reserved, 'a node'), 'treeNode');
    const node = parseTreeNode(good, 'a node');
    assert.ok(isLeaf(node) && node.entries.length === 2);
  });

  it('M4: gives a folder inside itself, and one too deep, as refused, and goes on', async () => {
    const chunks = new Chunks();
    const loopId = Buffer.alloc(32, 9);
    const builder = new TreeBuilder((node) => {
      chunks.map.set(loopId.toString('hex'), Buffer.from(node));
      return loopId;
    });
    for (const name of ['again', 'beside'])
      builder.add(
        encodeEntry({ name: Buffer.from(name), kind: 'directory', mode: 0, child: name === 'again' ? loopId : chunks.folder([]).id }),
      );
    builder.finish();
    const root = chunks.folder(['root'], () => folder(loopId));
    const items = await walk(chunks, root.id);
    assert.deepEqual(
      items.map((item) => item.type),
      ['entry', 'entry', 'unreadable', 'entry'],
    );
    assert.equal(items[2]?.type === 'unreadable' ? ruleOf(items[2].error) : undefined, 'treeCycle');

    let top = chunks.folder([]).id;
    for (let depth = 0; depth < 4100; depth += 1) top = chunks.folder(['d'], () => folder(top)).id;
    const deep = await walk(chunks, top, 10_000);
    const last = deep.at(-1);
    // The root node has depth 0, so 4097 nodes give their one entry.
    assert.equal(deep.length, 4098);
    assert.equal(last?.type === 'unreadable' ? ruleOf(last.error) : undefined, 'treeDepth');
  });

  it('M4: counts every node of a tree into its depth, not only the folders', async () => {
    const chunks = new Chunks();
    const leaf = (name: string, id: Uint8Array): Buffer =>
      chunks.put(
        Buffer.concat([
          Buffer.from('484654310000000001000000', 'hex'),
          encodeEntry({ name: Buffer.from(name), kind: 'directory', mode: 0, child: id }),
        ]),
      );
    /** A folder of two levels: an inner node, and below it the leaf that leads on. */
    const twoLevels = (id: Uint8Array): Buffer =>
      chunks.node(1, [
        { first: 'd', id: leaf('d', id) },
        { first: 'e', id: chunks.node(0, ['e']) },
      ]);
    const walkDeep = async (folders: number): Promise<readonly WalkedItem[]> => {
      let top: Uint8Array = chunks.node(0, ['bottom']);
      for (let count = 0; count < folders; count += 1) top = twoLevels(top);
      return (await walk(chunks, leaf('root', top), 20_000)).filter((item) => item.type === 'unreadable');
    };
    // 2047 folders of two nodes each, and the bottom at depth 4095.
    assert.deepEqual(await walkDeep(2047), []);
    const [first, ...others] = await walkDeep(2048);
    assert.deepEqual([first?.type === 'unreadable' ? ruleOf(first.error) : undefined, others.length], ['treeDepth', 0]);
  });

  it('M3: counts the entries of all sources together', async () => {
    const chunks = new Chunks();
    const { id } = chunks.folder(numbered(30));
    const budget = new EntryBudget(50);
    const walkOne = async (): Promise<number> => {
      let count = 0;
      for await (const item of walkTree(chunks.reader, id, { budget })) count += item.type === 'entry' ? 1 : 0;
      return count;
    };
    assert.equal(await walkOne(), 30);
    await assertRejected(walkOne, 'entryLimit');
  });

  it('M3: ends a walk at the cap of entries', async () => {
    const chunks = new Chunks();
    const { id } = chunks.folder(numbered(50));
    await assertRejected(() => walk(chunks, id, 49), 'entryLimit');
    assert.equal((await walk(chunks, id, 50)).length, 50);
  });

  it('M6: gives hostile names as refused, one by one, and the others as entries', async () => {
    const chunks = new Chunks();
    const id = chunks.node(0, ['', '.', '..', '../x', '/etc', 'a\0', 'good']);
    const items = await walk(chunks, id);
    assert.deepEqual(
      items.map((item) => item.type),
      ['refused', 'refused', 'refused', 'refused', 'refused', 'refused', 'entry'],
    );
    for (const item of items) if (item.type === 'refused') assert.equal(ruleOf(item.error), 'entryName');
  });

  it('goes on after a node that cannot be read', async () => {
    const chunks = new Chunks();
    const lost = { first: 'a', id: Buffer.alloc(32) };
    const id = chunks.node(1, [lost, { first: 'c', id: chunks.node(0, ['c', 'd']) }]);
    const items = await walk(chunks, id);
    assert.deepEqual(
      items.map((item) => item.type),
      ['unreadable', 'entry', 'entry'],
    );
  });

  it('gives the names on the way to an item', async () => {
    const chunks = new Chunks();
    const inner = chunks.folder(['x']);
    const outer = chunks.folder(['sub'], () => ({ kind: 'directory', child: inner.id }));
    const root = chunks.folder(['root'], () => ({ kind: 'directory', child: outer.id }));
    const paths = (await walk(chunks, root.id)).map((item) =>
      item.type === 'entry'
        ? namesOf(item.folder, item.entry.name)
            .map((name) => Buffer.from(name).toString())
            .join('/')
        : '?',
    );
    assert.deepEqual(paths, ['', 'sub', 'sub/x']);
  });

  it('M1: answers any bytes with a typed refusal', () => {
    const chunks = new Chunks();
    chunks.folder(numbered(300));
    const nodes = [...chunks.map.values()];
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assertTyped(() => parseTreeNode(bytes, 'a node'))));
    fc.assert(
      fc.property(fc.constantFrom(...nodes), fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 8 }), (node, at, bytes) => {
        const forged = Buffer.from(node);
        const place = at % forged.length;
        forged.set(bytes.subarray(0, forged.length - place), place);
        assertTyped(() => parseTreeNode(forged, 'a node'));
      }),
    );
  });
});
