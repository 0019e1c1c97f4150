import { Breather } from '../../../daemon/repository/breather.ts';
import { ChunkMarks } from '../../../daemon/repository/chunkMarks.ts';
import { chunkIdOf } from '../../../daemon/repository/chunkId.ts';
import type { Entry } from '../../../daemon/repository/entry.ts';
import { IndexSet } from '../../../daemon/repository/indexSet.ts';
import { IndexView } from '../../../daemon/repository/indexView.ts';
import { keySourceOf } from '../../../daemon/repository/keySource.ts';
import { checkPlace, openWholePack } from '../../../daemon/repository/packCheck.ts';
import { readPackDirectory } from '../../../daemon/repository/packDirectory.ts';
import { RestorePointReader } from '../../../daemon/repository/restorePointReader.ts';
import { createHash } from 'node:crypto';
import { FixtureRepository } from '../fixtureRepository.ts';
import { MemoryStore } from '../memoryStore.ts';
import { keysNamed } from '../repositoryKeys.ts';
import { bent, type MustRefuse, u32 } from './mustRefuse.ts';
import { openIndexContent } from './openIndexContent.ts';

const keys = keysNamed('conformance of chunks');
const keySource = keySourceOf(keys);
const content = Buffer.from('what is stored outlives the program');
const other = Buffer.from('what else is stored beside the rest');

interface Stored {
  readonly store: MemoryStore;
  readonly reader: RestorePointReader;
  readonly pack: string;
  readonly id: Buffer;
}

/** One pack with a block of one chunk and a block of two, and all that leads there. */
async function stored(falseIds: readonly Buffer[] = []): Promise<Stored> {
  const store = new MemoryStore();
  const fixture = new FixtureRepository(store, keys);
  const [id = Buffer.alloc(0)] = fixture.block([content], 'data', falseIds);
  fixture.block([other, Buffer.from('short')]);
  const pack = await fixture.cutPack();
  const { key } = await fixture.commit([fixture.source([])]);
  return { store, reader: await RestorePointReader.open(store, key, keySource), pack, id };
}

async function readChunk(change: (given: Stored) => void = () => undefined, falseIds: readonly Buffer[] = []): Promise<unknown> {
  const given = await stored(falseIds);
  change(given);
  return given.reader.chunks.read(given.id, 'data');
}

/** Reads a file of these chunks as an entry of this size says it. */
async function readFile(size: number, lengths: readonly number[] | undefined, more: Partial<Entry> = {}): Promise<void> {
  const store = new MemoryStore();
  const fixture = new FixtureRepository(store, keys);
  const chunks = Array.from({ length: 70 }, (_, index) => Buffer.alloc(10, index));
  const file = lengths === undefined ? fixture.ids(...chunks.slice(0, 3)) : fixture.list(chunks, lengths);
  const { key } = await fixture.commit([fixture.source([])]);
  const reader = await RestorePointReader.open(store, key, keySource);
  for await (const piece of reader.readFile({ name: Buffer.from('f'), size, content: file, ...more })) {
    if (piece.length === 0) throw new Error('an empty piece');
  }
}

/** Reads the pack whole and holds it against an index whose content was bent. */
async function compare(change: (index: Buffer) => Buffer): Promise<void> {
  const { store, reader, pack, id } = await stored();
  const [pinned] = reader.manifest.indexes;
  const bytes = store.objects.get(pack)?.[0]?.body ?? Buffer.alloc(0);
  const view = new IndexView(change(openIndexContent(store, pinned?.key ?? '', keys)), 'an index');
  const set = new IndexSet([view]);
  const marks = new ChunkMarks(set);
  marks.reach(id, 'data');
  const place = marks.reachedPacks()[0]?.places[0];
  if (place === undefined) throw new Error('the pack is not reached');
  const breather = new Breather(undefined);
  const opened = await openWholePack(bytes, { type: 'pack' }, () => keys, 'a pack', breather);
  const directory = readPackDirectory(opened.plaintext, 'a pack');
  const sha256 = createHash('sha256').update(bytes).digest();
  checkPlace(place, { opened, directory, sha256, storedLength: bytes.length }, 'a pack');
}

const packs = 40;
const blockOf = (index: Buffer, row: number): number => packs + 104 * index.readUInt32LE(8) + 20 * row;
/** Row of the block of so many raw bytes. */
function rowOf(index: Buffer, rawLength: number): number {
  for (let row = 0; row < index.readUInt32LE(12); row += 1) if (index.readUInt32LE(blockOf(index, row) + 12) === rawLength) return row;
  throw new Error(`no block of ${rawLength} bytes`);
}
const inPack = (at: number) => (index: Buffer) => bent(index, packs + at, Buffer.of((index[packs + at] ?? 0) ^ 2));

export const goodChunks: readonly (() => unknown)[] = [
  () => readChunk(),
  () => readFile(30, undefined),
  () => readFile(700, []),
  () => compare((index) => index),
];

const pack = (clause: string, change: (index: Buffer) => Buffer): MustRefuse => ({
  section: '5.4',
  clause,
  refused: 'indexPackMismatch',
  run: () => compare(change),
});

export const storedChunks: readonly MustRefuse[] = [
  {
    section: '4.7',
    clause: 'a pack that is shorter than recorded',
    refused: 'storedLength',
    run: () => readChunk(({ store, pack: key }) => store.damage(key, (bytes) => bytes.slice(0, -1))),
  },
  {
    section: '4.7',
    clause: 'a pack that is longer than recorded',
    refused: 'storedLength',
    run: () => readChunk(({ store, pack: key }) => store.damage(key, (bytes) => Buffer.concat([bytes, Buffer.of(0)]))),
  },
  {
    section: '4.7',
    clause: 'a touched segment that is not authentic',
    refused: 'segmentTag',
    run: () => readChunk(({ store, pack: key }) => store.damage(key, (bytes) => bent(bytes, 200, Buffer.of((bytes[200] ?? 0) ^ 1)))),
  },
  {
    section: '6',
    clause: 'a pack that is gone',
    refused: 'missing',
    run: () => readChunk(({ store, pack: key }) => store.objects.delete(key)),
  },
  {
    section: '5.3',
    clause: 'a chunk with another id',
    refused: 'chunkId',
    run: () => readChunk(undefined, [chunkIdOf(keys.idData, other)]),
  },
  {
    section: '5.3',
    clause: 'a chunk under the id that it has as another kind',
    refused: 'chunkId',
    run: () => readChunk(undefined, [chunkIdOf(keys.idTree, content)]),
  },
  {
    section: '5.3',
    clause: 'a chunk of another kind than is asked for',
    refused: 'missing',
    run: async () => {
      const { reader, id } = await stored();
      return reader.chunks.read(id, 'tree');
    },
  },
  pack('another keyGeneration', (index) => bent(index, packs + 48, u32(2))),
  pack('another keyEpoch', (index) => bent(index, packs + 52, u32(2))),
  pack('another salt', inPack(16)),
  pack('another stored length', (index) => bent(index, packs + 56, u32(index.readUInt32LE(packs + 56) + 65_536))),
  pack('another SHA-256', inPack(64)),
  pack('a block that is elsewhere', (index) => bent(index, blockOf(index, rowOf(index, content.length)) + 4, u32(1))),
  pack('a block of another kind', (index) => bent(index, blockOf(index, rowOf(index, other.length + 5)) + 17, Buffer.of(3))),
  pack('a block without chunks of its own that is elsewhere', (index) => {
    // All chunks of the second block go to the first, so that nothing but the block table speaks of the second.
    const second = rowOf(index, other.length + 5);
    const chunks = index.readUInt32LE(16);
    const locators = blockOf(index, index.readUInt32LE(12)) + 32 * chunks;
    const moved = Buffer.from(index);
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      if (moved.readUInt32LE(locators + 12 * chunk) !== second) continue;
      moved.writeUInt32LE(rowOf(index, content.length), locators + 12 * chunk);
      moved.writeUInt32LE(0, locators + 12 * chunk + 4);
      moved.writeUInt32LE(1, locators + 12 * chunk + 8);
    }
    return bent(moved, blockOf(index, second) + 4, u32(2));
  }),
  pack('a chunk that is elsewhere', (index) => {
    const chunks = index.readUInt32LE(16);
    const locators = blockOf(index, index.readUInt32LE(12)) + 32 * chunks;
    const at = Array.from({ length: chunks }, (_, chunk) => locators + 12 * chunk).find(
      (place) => index.readUInt32LE(place + 8) === content.length,
    );
    return bent(index, (at ?? 0) + 8, u32(content.length - 1));
  }),
  { section: '7.3', clause: 'chunks with fewer bytes than the size', refused: 'fileLength', run: () => readFile(31, undefined) },
  { section: '7.3', clause: 'chunks with more bytes than the size', refused: 'fileLength', run: () => readFile(29, undefined) },
  {
    section: '7.3',
    clause: 'chunks with other bytes than the extents',
    refused: 'fileLength',
    run: () => readFile(100, undefined, { extents: [{ offset: 5, length: 31 }] }),
  },
  {
    section: '7.5',
    clause: 'a length in a list that is not that of the chunk',
    refused: 'fileLength',
    run: () =>
      readFile(
        700,
        Array.from({ length: 70 }, (_, index) => (index === 3 ? 11 : index === 4 ? 9 : 10)),
      ),
  },
];
