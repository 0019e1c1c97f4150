import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { maxNodeLength } from '../../../daemon/repository/entryEncoder.ts';
import { ListBuilder, parseListNode, readList, type ListContent } from '../../../daemon/repository/list.ts';
import { compareLive, decodeLiveList, encodeLiveList, type LiveRestorePoint } from '../../../daemon/repository/liveList.ts';
import type { ReadChunk } from '../../../daemon/repository/treeReader.ts';
import { assertRefused, assertRejected, assertTyped } from '../../support/refusals.ts';

interface Row {
  readonly id: Buffer;
  readonly length: number;
}

function rowsOf(count: number, seed = ''): Row[] {
  return Array.from({ length: count }, (_, index) => ({
    id: createHash('sha256').update(`${seed}${index}`).digest(),
    length: 1 + (index % 1000),
  }));
}

class Lists {
  readonly map: Map<string, Buffer> = new Map();

  readonly read: ReadChunk = async (id) => this.map.get(Buffer.from(id).toString('hex')) ?? Buffer.alloc(0);

  build(rows: readonly Row[]): ListContent {
    const builder = new ListBuilder((node) => {
      const id = createHash('sha256').update(node).digest();
      this.map.set(id.toString('hex'), Buffer.from(node));
      return id;
    });
    for (const { id, length } of rows) builder.push(id, length);
    return builder.finish();
  }

  async rows(list: ListContent): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const leaf of readList(list, this.read)) {
      for (let row = 0; row < leaf.count; row += 1) rows.push({ id: leaf.id(row), length: leaf.length(row) });
    }
    return rows;
  }
}

describe('list', () => {
  it('gives back its chunks in order, whatever their number', async () => {
    for (const count of [1, 63, 64, 65, 66, 5000, 40_000]) {
      const lists = new Lists();
      const rows = rowsOf(count);
      const list = lists.build(rows);
      assert.equal(list.chunks, count);
      assert.deepEqual(await lists.rows(list), rows);
      for (const node of lists.map.values()) assert.ok(node.length <= maxNodeLength);
    }
  });

  it('holds the same chunk many times over, also one that is always a cut', async () => {
    const zeros: Row = { id: Buffer.alloc(32), length: 5 };
    const lists = new Lists();
    const rows = Array.from({ length: 10_000 }, () => zeros);
    const list = lists.build(rows);
    assert.deepEqual(await lists.rows(list), rows);
    assert.ok(list.level <= 2);
  });

  it('keeps the nodes around a change in the middle', () => {
    const lists = new Lists();
    const rows = rowsOf(40_000);
    lists.build(rows);
    const before = lists.map.size;
    lists.build([...rows.slice(0, 20_000), ...rowsOf(1, 'new'), ...rows.slice(20_000)]);
    assert.ok(before >= 8 && lists.map.size - before <= 3, `${before} nodes, ${lists.map.size - before} new`);
  });

  it('M4: refuses levels and counts that do not agree with the entry', async () => {
    const lists = new Lists();
    const list = lists.build(rowsOf(10_000));
    assert.ok(list.level > 0);
    await assertRejected(() => lists.rows({ ...list, level: list.level + 1 }), 'listLevel');
    await assertRejected(() => lists.rows({ ...list, level: 0 }), 'listLevel');
    await assertRejected(() => lists.rows({ ...list, level: 5 }), 'listLevel');
    await assertRejected(() => lists.rows({ ...list, chunks: 9_999 }), 'listCount');
    await assertRejected(() => lists.rows({ ...list, chunks: 10_001 }), 'listCount');
  });

  it('M3: reads no more than the entry counts, whatever the list claims', async () => {
    const lists = new Lists();
    const leaf = lists.build(rowsOf(64));
    const children = Array.from({ length: 1000 }, () => Buffer.from(leaf.id));
    const header = Buffer.from('48464c3101000000e8030000', 'hex');
    lists.map.set('bb'.repeat(32), Buffer.concat([header, ...children]));
    let reads = 0;
    const counting: ReadChunk = async (id, kind) => {
      reads += 1;
      return lists.read(id, kind);
    };
    const list: ListContent = { form: 'list', id: Buffer.alloc(32, 0xbb), level: 1, chunks: 100 };
    await assertRejected(async () => {
      for await (const { count } of readList(list, counting)) assert.equal(count, 64);
    }, 'listCount');
    assert.equal(reads, 3);
  });

  it('names the rule that a node breaks', () => {
    const lists = new Lists();
    lists.build(rowsOf(3));
    const [good = Buffer.alloc(0)] = lists.map.values();
    const forge = (change: (bytes: Buffer) => unknown): (() => unknown) => {
      const copy = Buffer.from(good);
      change(copy);
      return () => parseListNode(copy, 0, 'a node');
    };
    assert.equal(parseListNode(good, 0, 'a node').count, 3);
    assertRefused(
      forge((b) => b.writeUInt8(0, 0)),
      'listNode',
    );
    assertRefused(
      forge((b) => b.writeUInt8(1, 4)),
      'listLevel',
    );
    assertRefused(
      forge((b) => b.writeUInt8(1, 5)),
      'listNode',
    );
    for (const count of [0, 2, 4, 0xffff_ffff])
      assertRefused(
        forge((b) => b.writeUInt32LE(count, 8)),
        'listNode',
      );
    for (const length of [0, 8 * 1024 * 1024 + 1])
      assertRefused(
        forge((b) => b.writeUInt32LE(length, 12 + 32)),
        'listNode',
      );
    assertRefused(() => parseListNode(good.subarray(0, -1), 0, 'a node'), 'listNode');
    assertRefused(() => parseListNode(Buffer.alloc(maxNodeLength + 1), 0, 'a node'), 'listNode');
    assert.throws(() => new ListBuilder(() => Buffer.alloc(32)).finish(), RangeError);
  });

  it('M1: answers any bytes with a typed refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(5), (bytes, level) => assertTyped(() => parseListNode(bytes, level, 'a node'))),
    );
    const header = fc
      .tuple(fc.nat(5), fc.nat(4))
      .map(([level, count]) => Buffer.concat([Buffer.from('HFL1'), Buffer.of(level, 0, 0, 0, count, 0, 0, 0)]));
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 150 }), (head, rest) => {
        assertTyped(() => parseListNode(Buffer.concat([head, rest]), head[4] ?? 0, 'a node'));
      }),
    );
  });
});

const points: fc.Arbitrary<LiveRestorePoint> = fc.record({
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  objectId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  versionId: fc.option(fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }), { nil: null }),
  sha256: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

function point(sequence: number): LiveRestorePoint {
  return { sequence, objectId: Buffer.alloc(16, 1), versionId: null, sha256: Buffer.alloc(32) };
}

describe('live list', () => {
  it('decodes to what was encoded, by sequence and object id', () => {
    fc.assert(
      fc.property(fc.uniqueArray(points, { selector: ({ sequence }) => sequence, maxLength: 20 }), (live) => {
        const decoded = decodeLiveList(encodeLiveList(live), live.length, 'a list');
        assert.deepEqual(
          decoded.map((each) => ({ ...each, objectId: Uint8Array.from(each.objectId), sha256: Uint8Array.from(each.sha256) })),
          live.map((each) => ({ ...each })).toSorted(compareLive),
        );
      }),
    );
  });

  it('refuses other counts, another order, sequence 0 and cut rows', () => {
    const good = encodeLiveList([point(1), point(2)]);
    assertRefused(() => decodeLiveList(good, 3, 'a list'), 'liveList');
    assertRefused(() => decodeLiveList(good.subarray(0, -1), 2, 'a list'), 'liveList');
    assertRefused(() => decodeLiveList(Buffer.concat([good, Buffer.alloc(1)]), 2, 'a list'), 'liveList');
    assertRefused(() => decodeLiveList(encodeLiveList([point(1), point(1)]), 2, 'a list'), 'liveList');
    assertRefused(() => decodeLiveList(encodeLiveList([point(0), point(1)]), 2, 'a list'), 'liveList');
    const magic = Buffer.from(good);
    magic.write('HFL1');
    assertRefused(() => decodeLiveList(magic, 2, 'a list'), 'liveList');
  });

  it('M1 M3: answers any bytes with a typed refusal', () => {
    const good = encodeLiveList([]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(4), (bytes, count) => {
        const forged = Buffer.concat([good.subarray(0, 4), Buffer.of(count, 0, 0, 0), bytes]);
        assertTyped(() => decodeLiveList(forged, count, 'a list'));
        assertTyped(() => decodeLiveList(bytes, 0xffff_ffff, 'a list'));
      }),
    );
  });
});
