import { constants, zstdCompressSync } from 'node:zlib';
import { decodeBlock } from '../../../daemon/repository/blockCodec.ts';
import { readPackDirectory } from '../../../daemon/repository/packDirectory.ts';
import { bent, type MustRefuse, u32 } from './mustRefuse.ts';

const raw = Buffer.from('the same words again and again, '.repeat(100));
const frame = zstdCompressSync(raw, { pledgedSrcSize: raw.length });
const unsized = zstdCompressSync(raw, { params: { [constants.ZSTD_c_contentSizeFlag]: 0, [constants.ZSTD_c_windowLog]: 17 } });
const summed = zstdCompressSync(raw, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });

function chunkRow(offset: number, length: number): Buffer {
  return Buffer.concat([Buffer.alloc(32, offset), u32(offset), u32(length)]);
}

function blockRow(offset: number, stored: number, rawLength: number, codec: number, count: number): Buffer {
  return Buffer.concat([u32(offset), u32(stored), u32(rawLength), Buffer.of(codec, 1, count, 0)]);
}

/** One zstd block of 12 stored and 40 raw bytes with a chunk of each half, and one raw block of 8 bytes with one chunk. */
const rows = Buffer.concat([blockRow(0, 12, 40, 1, 2), chunkRow(0, 20), chunkRow(20, 20), blockRow(12, 8, 8, 0, 1), chunkRow(0, 8)]);
const directoryAt = 20;
const padding = 50;
const trailer = directoryAt + rows.length + padding;

function packOf(blocksLength: number, directory: Uint8Array, blockCount: number): Buffer {
  return Buffer.concat([
    Buffer.alloc(blocksLength, 1),
    directory,
    Buffer.alloc(padding),
    u32(blocksLength),
    u32(directory.length),
    u32(blockCount),
    u32(0),
    Buffer.from('HFPACK01'),
  ]);
}

const pack = packOf(directoryAt, rows, 2);
const secondRow = directoryAt + 16 + 2 * 40;

const decode = (stored: Uint8Array, codec: 'raw' | 'zstd', rawLength = raw.length): unknown =>
  decodeBlock(stored, codec, rawLength, 'a block');

export const goodPacks: readonly (() => unknown)[] = [
  () => readPackDirectory(pack, 'a pack'),
  // Chunks may overlap, and bytes may belong to none.
  () => readPackDirectory(bent(pack, directoryAt + 16 + 40 + 32, u32(3)), 'a pack'),
  () => decode(raw, 'raw'),
  () => decode(frame, 'zstd'),
  () => decode(unsized, 'zstd'),
  () => decode(summed, 'zstd'),
];

const row = (clause: string, refused: MustRefuse['refused'], at: number, change: Uint8Array): MustRefuse => ({
  section: '5.1',
  clause,
  refused,
  run: () => readPackDirectory(bent(pack, at, change), 'a pack'),
});
const block = (clause: string, refused: MustRefuse['refused'], run: () => unknown): MustRefuse => ({
  section: '5.2',
  clause,
  refused,
  run,
});

export const packs: readonly MustRefuse[] = [
  row('another magic of the trailer', 'packDirectory', trailer + 16, Buffer.from('h')),
  row('a trailer whose fourth word is not zero', 'packDirectory', trailer + 12, u32(1)),
  row('a directory beyond the trailer', 'packDirectory', trailer + 4, u32(rows.length + padding + 1)),
  row('zeros before the trailer that are none', 'zeroPadding', trailer - 1, Buffer.of(1)),
  row('more blocks than rows', 'packDirectory', trailer + 8, u32(3)),
  row('fewer blocks than rows', 'packDirectory', trailer + 8, u32(1)),
  row('a block that does not begin where the last one ends', 'packBlock', secondRow, u32(13)),
  {
    section: '5.1',
    clause: 'blocks that do not end at the directory',
    refused: 'packDirectory',
    run: () => readPackDirectory(bent(bent(pack, secondRow + 12, Buffer.of(1)), secondRow + 4, u32(7)), 'a pack'),
  },
  {
    section: '5.1',
    clause: 'a block of no stored bytes',
    refused: 'packBlock',
    run: () => readPackDirectory(packOf(0, Buffer.concat([blockRow(0, 0, 40, 1, 1), chunkRow(0, 20)]), 1), 'a pack'),
  },
  row('a block of no raw bytes', 'packBlock', directoryAt + 8, u32(0)),
  row('a block of more than 8 MiB', 'packBlock', directoryAt + 8, u32(2 ** 23 + 1)),
  row('a raw block whose lengths differ', 'packBlock', secondRow + 8, u32(9)),
  row('an unknown codec', 'packBlock', directoryAt + 12, Buffer.of(2)),
  row('an unknown kind', 'packBlock', directoryAt + 13, Buffer.of(0)),
  row('a block without chunks', 'packBlock', directoryAt + 14, Buffer.of(0)),
  row('a block with more chunks than the directory has', 'packBlock', directoryAt + 14, Buffer.of(0, 1)),
  row('a chunk of no bytes', 'packChunk', directoryAt + 16 + 36, u32(0)),
  row('a chunk beyond its block', 'packChunk', directoryAt + 16 + 32, u32(21)),
  block('a block of more than 8 MiB', 'blockLength', () => decode(frame, 'zstd', 2 ** 23 + 1)),
  block('a raw block of another length', 'blockLength', () => decode(raw, 'raw', raw.length - 1)),
  block('no zstd frame', 'blockCodec', () => decode(raw, 'zstd')),
  block('a dictionary, though its id be zero', 'blockCodec', () =>
    decode(Buffer.concat([bent(unsized.subarray(0, 6), 4, Buffer.of((unsized[4] ?? 0) | 1)), Buffer.of(0), unsized.subarray(6)]), 'zstd'),
  ),
  block('the reserved bit', 'blockCodec', () => decode(bent(frame, 4, Buffer.of((frame[4] ?? 0) | 8)), 'zstd')),
  block('a window above 8 MiB', 'blockCodec', () => decode(bent(unsized, 5, Buffer.of((13 << 3) + 1)), 'zstd')),
  block('a content size that is another', 'blockLength', () => decode(frame, 'zstd', raw.length + 1)),
  block('fewer bytes than its rawLen', 'blockLength', () => decode(unsized, 'zstd', raw.length + 1)),
  block('more bytes than its rawLen', 'blockCodec', () => decode(unsized, 'zstd', raw.length - 1)),
  block('a checksum that does not hold', 'blockCodec', () =>
    decode(bent(summed, summed.length - 1, Buffer.of((summed.at(-1) ?? 0) ^ 1)), 'zstd'),
  ),
  block('a skippable frame before it', 'blockCodec', () => decode(Buffer.concat([Buffer.from('502a4d1800000000', 'hex'), frame]), 'zstd')),
  block('a second frame', 'blockCodec', () => decode(Buffer.concat([frame, frame]), 'zstd')),
  block('a byte after it', 'blockCodec', () => decode(Buffer.concat([frame, Buffer.of(0)]), 'zstd')),
  block('a frame that is cut', 'blockCodec', () => decode(frame.subarray(0, -1), 'zstd')),
];
