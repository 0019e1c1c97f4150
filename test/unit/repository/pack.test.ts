import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { encodeBlock } from '../../../daemon/repository/blockCodec.ts';
import { chunkIdOf, chunkKinds, idKeyOf, type ChunkKind } from '../../../daemon/repository/chunkId.ts';
import { ChunkRows } from '../../../daemon/repository/chunkRows.ts';
import { PackBuilder, type PackBlock } from '../../../daemon/repository/pack.ts';
import { packBlockOf, readPackDirectory } from '../../../daemon/repository/packDirectory.ts';
import { fullPackPlaintextLength, paddingTarget, storedLengthOf } from '../../../daemon/repository/padding.ts';
import { assertRefused, assertTyped } from '../../support/refusals.ts';
import { keysNamed } from '../../support/repositoryKeys.ts';

const keys = keysNamed('pack');
const buffer = new Uint8Array(new SharedArrayBuffer(fullPackPlaintextLength));

function blockOf(kind: ChunkKind, chunks: readonly Uint8Array[]): PackBlock {
  const rows = new ChunkRows();
  let offset = 0;
  for (const chunk of chunks) {
    rows.push(chunkIdOf(idKeyOf(keys, kind), chunk), offset, chunk.length);
    offset += chunk.length;
  }
  const raw = Buffer.concat(chunks);
  return { kind, ...encodeBlock(raw, 1), rawLength: raw.length, chunks: rows };
}

const kinds: fc.Arbitrary<ChunkKind> = fc.constantFrom('data', 'tree', 'list');
const blocks = fc.array(
  fc.record({ kind: kinds, chunks: fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { minLength: 1, maxLength: 5 }) }),
  { maxLength: 8 },
);

/** A small pack to damage: two blocks, three chunks; its directory begins at `directory`. */
function smallPack(): { readonly pack: Buffer; readonly directory: number } {
  const builder = new PackBuilder(buffer);
  builder.append(blockOf('data', [Buffer.from('first'), Buffer.from('second')]));
  builder.append(blockOf('tree', [Buffer.from('a node')]));
  const pack = Buffer.from(builder.finish('tail'));
  return { pack, directory: builder.length };
}

describe('pack', () => {
  it('names chunks by HMAC-SHA-256 under the key of their kind', () => {
    const chunk = Buffer.from('chunk');
    const ids = (['data', 'tree', 'list'] as const).map((kind) => chunkIdOf(idKeyOf(keys, kind), chunk).toString('hex'));
    assert.equal(new Set(ids).size, 3);
    assert.equal(ids[0], createHmac('sha256', keys.idData.export()).update(chunk).digest('hex'));
    assert.deepEqual(chunkKinds, { data: 1, tree: 2, list: 3 });
  });

  it('describes itself: the directory gives back every block and chunk', () => {
    fc.assert(
      fc.property(blocks, (wanted) => {
        const builder = new PackBuilder(buffer);
        const made = wanted.map(({ kind, chunks }) => blockOf(kind, chunks));
        for (const block of made) builder.append(block);
        const pack = builder.finish('tail');
        const directory = readPackDirectory(pack, 'a pack');
        assert.equal(directory.chunkCount, builder.chunkCount);
        assert.equal(directory.blocks.length, made.length);
        for (const [index, block] of directory.blocks.entries()) {
          const { stored, chunks } = packBlockOf(pack, block);
          assert.deepEqual(Buffer.from(stored), Buffer.from(made[index]?.stored ?? []));
          assert.deepEqual(chunks.bytes(), made[index]?.chunks.bytes());
          assert.deepEqual([block.kind, block.codec, block.rawLength], [made[index]?.kind, made[index]?.codec, made[index]?.rawLength]);
        }
      }),
    );
  });

  it('C10: a full pack has exactly the full length, a tail the padding rule’s', () => {
    const builder = new PackBuilder(buffer);
    builder.append(blockOf('data', [Buffer.alloc(100_000, 1), Buffer.from('x')]));
    assert.equal(builder.finish('full').length, fullPackPlaintextLength);
    const tail = builder.finish('tail');
    assert.equal(paddingTarget(storedLengthOf(tail.length)), storedLengthOf(tail.length));
    assert.equal(storedLengthOf(tail.length), 65_536);
    readPackDirectory(builder.finish('full'), 'a pack');
  });

  it('fills to the last byte and refuses one more', () => {
    const builder = new PackBuilder(buffer);
    const row = (length: number): PackBlock => {
      const chunks = new ChunkRows();
      chunks.push(Buffer.alloc(32, 3), 0, length);
      return { kind: 'data', codec: 'raw', rawLength: length, stored: builder.tail().subarray(0, length), chunks };
    };
    const eight = 8 * 1024 * 1024;
    for (let count = 0; count < 3; count += 1) builder.append(row(eight));
    const room = builder.roomFor(1);
    assert.throws(() => builder.append(row(room + 1)), RangeError);
    builder.append(row(room));
    assert.ok(builder.roomFor(1) < 0);
    assert.throws(() => builder.append(row(1)), RangeError);
    for (const size of ['full', 'tail'] as const) assert.equal(builder.finish(size).length, fullPackPlaintextLength);
    assert.equal(readPackDirectory(builder.finish('tail'), 'a pack').blocks.length, 4);
    builder.reset();
    assert.deepEqual([builder.length, builder.blockCount, builder.chunkCount], [0, 0, 0]);
  });

  it('moves blocks to another pack unchanged, and a buffer used again leaves nothing behind', () => {
    const first = new PackBuilder(new Uint8Array(fullPackPlaintextLength));
    for (const word of ['alpha', 'beta', 'gamma']) first.append(blockOf('data', [Buffer.from(word)]));
    const pack = first.finish('tail');
    const second = new PackBuilder(buffer);
    buffer.fill(0xff);
    second.append(blockOf('list', [Buffer.from('before')]));
    for (const block of readPackDirectory(pack, 'a pack').blocks) second.append(packBlockOf(pack, block));
    const merged = second.finish('tail');
    const directory = readPackDirectory(merged, 'a pack');
    assert.deepEqual(
      directory.blocks.map((block) => Buffer.from(packBlockOf(merged, block).stored).toString()),
      ['before', 'alpha', 'beta', 'gamma'],
    );
  });

  it('refuses to append what no reader would take', () => {
    const builder = new PackBuilder(buffer);
    const good = blockOf('data', [Buffer.from('chunk')]);
    assert.throws(() => builder.append({ ...good, chunks: new ChunkRows() }), RangeError);
    assert.throws(() => builder.append({ ...good, rawLength: 0 }), RangeError);
    assert.throws(() => builder.append({ ...good, rawLength: 6 }), RangeError);
    assert.throws(() => builder.append({ ...good, codec: 'zstd', rawLength: 8 * 1024 * 1024 + 1 }), RangeError);
    assert.throws(() => new PackBuilder(new Uint8Array(100)), RangeError);
    assert.equal(builder.length, 0);
  });

  it('names the rule that a directory breaks', () => {
    const { pack, directory } = smallPack();
    const footer = pack.length - 24;
    const rows = { first: directory, chunk: directory + 16, second: directory + 16 + 80 };
    const forge = (change: (bytes: Buffer) => unknown): (() => unknown) => {
      const copy = Buffer.from(pack);
      change(copy);
      return () => readPackDirectory(copy, 'a pack');
    };
    assert.equal(readPackDirectory(pack, 'a pack').chunkCount, 3);
    assertRefused(() => readPackDirectory(pack.subarray(0, 23), 'a pack'), 'packDirectory');
    assertRefused(
      forge((b) => b.writeUInt8(0x30, footer + 23)),
      'packDirectory',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(1, footer + 12)),
      'packDirectory',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(directory - 1, footer)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(b.readUInt32LE(footer + 4) - 40, footer + 4)),
      'zeroPadding',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0xffff_ffff, footer)),
      'packDirectory',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0xffff_ffff, footer + 4)),
      'packDirectory',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0xffff_ffff, footer + 8)),
      'packDirectory',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(1, footer + 8)),
      'packDirectory',
    );
    assertRefused(
      forge((b) => b.writeUInt8(1, footer - 1)),
      'zeroPadding',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(1, rows.first)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(10, rows.second)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(7, rows.second + 4)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt8(2, rows.first + 12)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt8(0, rows.first + 13)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt8(4, rows.first + 13)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt16LE(0, rows.first + 14)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt16LE(65_535, rows.first + 14)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(8 * 1024 * 1024 + 1, rows.first + 8)),
      'packBlock',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(7, rows.chunk + 32)),
      'packChunk',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0, rows.chunk + 36)),
      'packChunk',
    );
    assertRefused(
      forge((b) => b.writeUInt32LE(0xffff_ffff, rows.chunk + 36)),
      'packChunk',
    );
    const shorter = Buffer.from(pack);
    shorter.writeUInt8(1, rows.second + 12);
    shorter.writeUInt32LE(5, rows.second + 4);
    assertRefused(() => readPackDirectory(shorter, 'a pack'), 'packDirectory');
  });

  it('M1: answers any bytes with a typed refusal', () => {
    const { pack, directory } = smallPack();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.nat(220), fc.boolean(), (bytes, at, inFooter) => {
        const forged = Buffer.from(pack);
        forged.set(bytes, inFooter ? Math.max(0, pack.length - bytes.length - at) : directory + at);
        assertTyped(() => readPackDirectory(forged, 'a pack'));
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assertTyped(() => readPackDirectory(bytes, 'a pack'))));
  });
});
