import { ChunkRows } from '../../../daemon/repository/chunkRows.ts';
import { IndexBuilder } from '../../../daemon/repository/indexBuilder.ts';
import { IndexView } from '../../../daemon/repository/indexView.ts';
import { PackDirectory } from '../../../daemon/repository/packDirectory.ts';
import { bent, type MustRefuse, u16, u32, u64 } from './mustRefuse.ts';

/** Two packs with one block of two chunks each; ids 01…, 02…, 03…, 04…. */
function sample(): Buffer {
  const builder = new IndexBuilder();
  for (const pack of [0, 1]) {
    const chunks = new ChunkRows();
    for (const chunk of [0, 1]) chunks.push(Buffer.alloc(32, 1 + pack * 2 + chunk), chunk * 10, 10);
    builder.addPack(
      {
        objectId: Buffer.alloc(16, pack),
        salt: Buffer.alloc(32, pack),
        keyGeneration: 1,
        keyEpoch: 1,
        storedLength: 65_536,
        sha256: Buffer.alloc(32, pack),
        versionId: 'v1',
      },
      new PackDirectory([{ kind: 'data', codec: 'zstd', offset: 0, storedLength: 15, rawLength: 20, chunks }]),
    );
  }
  const [content = Buffer.alloc(0)] = builder.encode();
  return content;
}

const content = sample();
const packs = 40;
const blocks = packs + 2 * 104;
const ids = blocks + 2 * 20;
const locators = ids + 4 * 32;
const strings = locators + 4 * 12;
/** The most that a block of a pack of 65,536 stored bytes can reach: header and tag are no plaintext. */
const room = 65_536 - 192 - 16;

export const goodIndexes: readonly (() => unknown)[] = [
  () => new IndexView(content, 'an index'),
  () => new IndexView(bent(content, blocks + 4, u32(room - 15)), 'an index'),
  // All ids begin with five zero bits.
  () => new IndexView(bent(content, 24, Buffer.of(5)), 'an index'),
];

function row(clause: string, refused: MustRefuse['refused'], at: number, change: Uint8Array): MustRefuse {
  return { section: '6', clause, refused, run: () => new IndexView(bent(content, at, change), 'an index') };
}

export const indexes: readonly MustRefuse[] = [
  row('another magic', 'indexCounts', 0, Buffer.from('HFIX0002')),
  {
    section: '6',
    clause: 'fewer bytes than its head',
    refused: 'indexCounts',
    run: () => new IndexView(content.subarray(0, 39), 'an index'),
  },
  {
    section: '6',
    clause: 'bytes after its strings',
    refused: 'indexCounts',
    run: () => new IndexView(Buffer.concat([content, Buffer.of(0)]), 'i'),
  },
  row('a count of packs that it does not have', 'indexCounts', 8, u32(3)),
  row('a count of blocks that it does not have', 'indexCounts', 12, u32(0xffff_ffff)),
  row('a count of chunks that it does not have', 'indexCounts', 16, u32(5)),
  {
    section: '6',
    clause: 'more than 2^20 chunks',
    refused: 'indexCounts',
    run: () => {
      const many = Buffer.alloc(40 + (2 ** 20 + 1) * 44);
      many.set(content.subarray(0, 8));
      many.writeUInt32LE(2 ** 20 + 1, 16);
      return new IndexView(many, 'an index');
    },
  },
  row('a length of strings that is another', 'indexCounts', 20, u32(0)),
  row('more than 64 prefix bits', 'indexPrefix', 24, Buffer.of(65)),
  row('bytes 25 to 32 that are not zero', 'indexPrefix', 31, Buffer.of(1)),
  row('a prefix with bits below prefixBits', 'indexPrefix', 32, u64(1n)),
  row('an id outside its prefix', 'indexPrefix', 24, Buffer.of(6)),
  row('a pack of keyGeneration 0', 'indexPack', packs + 48, u32(0)),
  row('a pack of keyEpoch 0', 'indexPack', packs + 52, u32(0)),
  row('a pack of a length that no body has', 'indexPack', packs + 56, u64(192n + 15n)),
  row('a pack above 256 MiB', 'indexPack', packs + 56, u64(2n ** 28n + 1n)),
  row('a version id beyond the strings', 'indexPack', packs + 96, u32(1_000)),
  row('a version id that is not UTF-8', 'indexPack', strings, Buffer.of(0xff)),
  row('a block in no pack', 'indexBlock', blocks, u32(2)),
  row('a block beyond the plaintext of its pack', 'indexBlock', blocks + 4, u32(room - 14)),
  row('a block of no stored bytes', 'indexBlock', blocks + 8, u32(0)),
  row('a block of no raw bytes', 'indexBlock', blocks + 12, u32(0)),
  row('a block of more than 8 MiB', 'indexBlock', blocks + 12, u32(2 ** 23 + 1)),
  row('a raw block whose lengths differ', 'indexBlock', blocks + 16, Buffer.of(0)),
  row('an unknown codec', 'indexBlock', blocks + 16, Buffer.of(2)),
  row('an unknown kind', 'indexBlock', blocks + 17, Buffer.of(4)),
  row('bytes 18 and 19 of a block that are not zero', 'indexBlock', blocks + 18, u16(1)),
  row('ids that do not ascend', 'indexOrder', ids, Buffer.alloc(32, 2)),
  row('a chunk in no block', 'indexLocator', locators, u32(2)),
  row('a chunk beyond its block', 'indexLocator', locators + 4, u32(11)),
  row('a chunk of no bytes', 'indexLocator', locators + 8, u32(0)),
];
