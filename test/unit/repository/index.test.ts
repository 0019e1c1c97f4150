import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import type { ChunkKind } from '../../../daemon/repository/chunkId.ts';
import { ChunkRows } from '../../../daemon/repository/chunkRows.ts';
import { IndexBuilder } from '../../../daemon/repository/indexBuilder.ts';
import { IndexSet } from '../../../daemon/repository/indexSet.ts';
import { IndexView, type PackRow } from '../../../daemon/repository/indexView.ts';
import { PackDirectory, type DirectoryBlock } from '../../../daemon/repository/packDirectory.ts';
import { assertRefused, assertTyped } from '../../support/refusals.ts';

function idOf(name: string): Buffer {
  return createHash('sha256').update(name).digest();
}

function packRow(name: string, versionId: string | null = null): PackRow {
  const hash = idOf(`pack ${name}`);
  return {
    objectId: hash.subarray(0, 16),
    salt: idOf(`salt ${name}`),
    keyGeneration: 1,
    keyEpoch: 2,
    storedLength: 65_536,
    sha256: hash,
    versionId,
  };
}

/** A directory of blocks of four chunks each, made from names. */
function directoryOf(chunkNames: readonly string[], kind: ChunkKind = 'data'): PackDirectory {
  const blocks: DirectoryBlock[] = [];
  for (let at = 0; at < chunkNames.length; at += 4) {
    const chunks = new ChunkRows();
    for (const [index, name] of chunkNames.slice(at, at + 4).entries()) chunks.push(idOf(name), index * 10, 10);
    blocks.push({ kind, codec: 'zstd', offset: blocks.length * 20, storedLength: 20, rawLength: 40, chunks });
  }
  return new PackDirectory(blocks);
}

function names(count: number, prefix = 'chunk'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}

function viewOf(builder: IndexBuilder): IndexView {
  const [content] = builder.encode();
  assert.ok(content !== undefined);
  return new IndexView(content, 'an index');
}

function sample(): Buffer {
  const builder = new IndexBuilder();
  builder.addPack(packRow('a', 'version a'), directoryOf(names(6)));
  builder.addPack(packRow('b'), directoryOf(names(5, 'node'), 'tree'));
  const [content] = builder.encode();
  assert.ok(content !== undefined);
  return content;
}

describe('index', () => {
  it('finds every chunk with its block and pack, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(fc.string(), { maxLength: 30 }), { maxLength: 5 }), (packs) => {
        const builder = new IndexBuilder();
        for (const [index, chunks] of packs.entries())
          builder.addPack(packRow(`${index}`, index % 2 === 0 ? `v${index}` : null), directoryOf(chunks));
        const view = viewOf(builder);
        const all = new Set(packs.flat());
        assert.equal(view.chunkCount, all.size);
        for (const name of all) {
          const row = view.find(idOf(name));
          const pack = packs.findIndex((chunks) => chunks.includes(name));
          const place = packs[pack]?.indexOf(name) ?? -1;
          const block = view.block(view.blockOf(row));
          assert.deepEqual(view.id(row), idOf(name));
          assert.deepEqual(view.pack(block.pack), packRow(`${pack}`, pack % 2 === 0 ? `v${pack}` : null));
          assert.deepEqual([block.offset, view.offsetInRaw(row), view.lengthOf(row)], [Math.floor(place / 4) * 20, (place % 4) * 10, 10]);
        }
        assert.equal(view.find(idOf('not there')), all.has('not there') ? view.find(idOf('not there')) : -1);
        assert.equal(view.find(Buffer.alloc(32)), -1);
        assert.equal(view.find(Buffer.alloc(31)), -1);
      }),
    );
  });

  it('merges many indexes into one, keeps the first place of an id, and leaves packs out where told', () => {
    const views = [names(50), names(80), names(20, 'other')].map((chunks, index) => {
      const builder = new IndexBuilder();
      builder.addPack(packRow(`${index}`), directoryOf(chunks));
      return viewOf(builder);
    });
    const merged = new IndexBuilder();
    for (const view of views) merged.addIndex(view);
    const all = viewOf(merged);
    assert.equal(all.chunkCount, 100);
    assert.deepEqual(all.pack(all.block(all.blockOf(all.find(idOf('chunk 3')))).pack).objectId, packRow('0').objectId);
    const some = new IndexBuilder();
    for (const view of views) some.addIndex(view, (pack) => !pack.objectId.every((byte, at) => byte === packRow('0').objectId[at]));
    const rest = viewOf(some);
    assert.equal(rest.packCount, 2);
    assert.deepEqual(rest.pack(rest.block(rest.blockOf(rest.find(idOf('chunk 3')))).pack).objectId, packRow('1').objectId);
  });

  it('cuts into shards by prefix where there are more chunks than one may hold, and finds all of them in the set', () => {
    const builder = new IndexBuilder();
    const chunks = names(500);
    builder.addPack(packRow('a', 'version'), directoryOf(chunks));
    const views = builder.encode(100).map((content) => new IndexView(content, 'a shard'));
    assert.ok(views.length > 4 && views.every((view) => view.prefixBits > 0 && view.chunkCount <= 100));
    const set = new IndexSet(views);
    for (const name of chunks) assert.equal([...set.locations(idOf(name), 'data')].length, 1);
    assert.equal(set.chunkCount, 500);
    assert.equal(views.filter((view) => view.covers(idOf('chunk 0'))).length, 1);
  });

  it('offers every copy of a chunk, of the kind asked for only', () => {
    const builders = [new IndexBuilder(), new IndexBuilder()];
    for (const [index, builder] of builders.entries()) builder.addPack(packRow(`${index}`), directoryOf(names(9)));
    const set = new IndexSet(builders.map(viewOf));
    const found = [...set.locations(idOf('chunk 7'), 'data')];
    assert.deepEqual(
      found.map(({ pack }) => pack.objectId),
      [packRow('0').objectId, packRow('1').objectId],
    );
    assert.deepEqual([...set.locations(idOf('chunk 7'), 'tree')], []);
    assert.equal(set.has(idOf('chunk 8')), true);
    assert.equal(set.has(idOf('chunk 9')), false);
  });

  it('sorts ids that agree in their first bytes', () => {
    const builder = new IndexBuilder();
    const chunks = new ChunkRows();
    const ids = Array.from({ length: 60 }, (_, index) =>
      Buffer.concat([Buffer.alloc(5, 7), Buffer.of((index * 37) % 60), Buffer.alloc(26)]),
    );
    for (const id of [...ids, ...ids]) chunks.push(id, 0, 1);
    builder.addPack(packRow('a'), new PackDirectory([{ kind: 'data', codec: 'raw', offset: 0, storedLength: 1, rawLength: 1, chunks }]));
    const view = viewOf(builder);
    assert.equal(view.chunkCount, 60);
    for (const id of ids) assert.deepEqual(view.id(view.find(id)), id);
  });

  it('names the rule that an index breaks', () => {
    const content = sample();
    const at = { pack: 40, block: 40 + 2 * 104, ids: 40 + 2 * 104 + 4 * 20, locators: 40 + 2 * 104 + 4 * 20 + 11 * 32 };
    const forge = (change: (bytes: Buffer) => unknown): (() => unknown) => {
      const copy = Buffer.from(content);
      change(copy);
      return () => new IndexView(copy, 'an index');
    };
    assert.equal(new IndexView(content, 'an index').chunkCount, 11);
    assertRefused(
      forge((b) => b.writeUInt8(0x30, 7 - 7)),
      'indexCounts',
    );
    assertRefused(() => new IndexView(content.subarray(0, 39), 'an index'), 'indexCounts');
    assertRefused(() => new IndexView(content.subarray(0, -1), 'an index'), 'indexCounts');
    for (const count of [8, 12, 16, 20]) {
      assertRefused(
        forge((b) => b.writeUInt32LE(0xffff_ffff, count)),
        'indexCounts',
      );
      assertRefused(
        forge((b) => b.writeUInt32LE(b.readUInt32LE(count) + 1, count)),
        'indexCounts',
      );
    }
    assertRefused(
      forge((b) => b.writeUInt8(65, 24)),
      'indexPrefix',
    );
    assertRefused(
      forge((b) => b.writeUInt8(1, 25)),
      'indexPrefix',
    );
    assertRefused(
      forge((b) => b.writeUInt8(1, 32)),
      'indexPrefix',
    );
    assertRefused(
      forge((b) => b.writeUInt8(1, 24)),
      'indexPrefix',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0, at.pack + 48)),
      'indexPack',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0, at.pack + 52)),
      'indexPack',
    );
    assertRefused(
      forge((b) => b.writeBigUInt64LE(2n ** 28n + 1n, at.pack + 56)),
      'indexPack',
    );
    assertRefused(
      forge((b) => b.writeBigUInt64LE(100n, at.pack + 56)),
      'indexPack',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(1, at.pack + 96)),
      'indexPack',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(10, at.pack + 100)),
      'indexPack',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(2, at.block)),
      'indexBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(65_530, at.block + 4)),
      'indexBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0, at.block + 8)),
      'indexBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(8 * 1024 * 1024 + 1, at.block + 12)),
      'indexBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt8(2, at.block + 16)),
      'indexBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt8(0, at.block + 16)),
      'indexBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt8(4, at.block + 17)),
      'indexBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt16LE(1, at.block + 18)),
      'indexBlock',
    );
    assertRefused(
      forge((b) => b.copy(b, at.ids + 32, at.ids, at.ids + 32)),
      'indexOrder',
    );
    assertRefused(
      forge((b) => b.fill(0xff, at.ids, at.ids + 32)),
      'indexOrder',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(4, at.locators)),
      'indexLocator',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(35, at.locators + 4)),
      'indexLocator',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0, at.locators + 8)),
      'indexLocator',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0xffff_ffff, at.locators + 8)),
      'indexLocator',
    );
  });

  it('M1 M3: answers any bytes with a typed refusal, and claims allocate nothing', () => {
    const content = sample();
    const before = process.memoryUsage().arrayBuffers;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(content.length - 1), (bytes, at) => {
        const forged = Buffer.from(content);
        forged.set(bytes.subarray(0, forged.length - at), at);
        assertTyped(() => new IndexView(forged, 'an index'));
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assertTyped(() => new IndexView(bytes, 'an index'))));
    assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024);
  });
});
