import assert from 'node:assert/strict';
import { endOf, JobMaker } from '../../../../daemon/engine/restore/jobMaker.ts';
import { decodeBlocks, type Place } from '../../../../daemon/engine/restore/packJobCodec.ts';
import { ChunkRows } from '../../../../daemon/repository/chunkRows.ts';
import { IndexBuilder } from '../../../../daemon/repository/indexBuilder.ts';
import { type ChunkLocation, IndexSet } from '../../../../daemon/repository/indexSet.ts';
import { IndexView, type PackRow } from '../../../../daemon/repository/indexView.ts';
import { PackDirectory } from '../../../../daemon/repository/packDirectory.ts';

interface Chunk {
  readonly id: Buffer;
  readonly offset: number;
  readonly length: number;
}

const pack: PackRow = {
  objectId: Buffer.alloc(16, 1),
  salt: Buffer.alloc(32, 2),
  keyGeneration: 1,
  keyEpoch: 1,
  storedLength: 65_536,
  sha256: Buffer.alloc(32, 3),
  versionId: null,
};

/** An index of one pack with one block of these chunks. */
function indexOf(row: PackRow, chunks: readonly Chunk[], block: { readonly storedLength: number } = { storedLength: 50 }): IndexView {
  const rows = new ChunkRows();
  for (const { id, offset, length } of chunks) rows.push(id, offset, length);
  const builder = new IndexBuilder();
  builder.addPack(row, new PackDirectory([{ kind: 'data', codec: 'zstd', offset: 0, rawLength: 100, chunks: rows, ...block }]));
  const [content = Buffer.alloc(0)] = builder.encode();
  return new IndexView(content, 'an index');
}

function placeOf(file: number): Place {
  const target = { temporary: 't', path: 'p', size: 1, mode: 0, uid: -1, gid: -1, mtime: undefined, mayReplace: false };
  return { file, part: 0, pieces: [], isWhole: false, target };
}

function makerOf(locations: readonly (readonly [Buffer, ChunkLocation])[]): JobMaker {
  const maker = new JobMaker(() => 'the pack');
  for (const [file, [id, location]] of locations.entries()) maker.add({ ...placeOf(file), id, location });
  return maker;
}

function locate(views: readonly IndexView[], id: Buffer): ChunkLocation[] {
  return [...new IndexSet(views).locations(id, 'data')];
}

const one = Buffer.alloc(32, 1);
const two = Buffer.alloc(32, 2);

describe('the jobs of a restore', () => {
  it('C5: keep apart what two indexes say differently of one pack', () => {
    const chunk = { id: one, offset: 0, length: 10 };
    const others: readonly Partial<PackRow>[] = [
      { salt: Buffer.alloc(32, 9) },
      { keyGeneration: 2 },
      { keyEpoch: 2 },
      { storedLength: 131_072 },
      { versionId: 'another' },
    ];
    for (const other of [...others, {}]) {
      const locations = locate([indexOf(pack, [chunk]), indexOf({ ...pack, ...other }, [chunk])], one);
      assert.equal(locations.length, 2);
      const jobs = makerOf(locations.map((location) => [one, location])).take();
      const isSame = Object.keys(other).length === 0;
      assert.equal(jobs.length, isSame ? 1 : 2, JSON.stringify(other));
      assert.deepEqual(
        jobs.map((job) => job.places.length),
        isSame ? [2] : [1, 1],
      );
    }
  });

  it('C5: keep apart chunks that overlap, and chunks of one place that have two ids', () => {
    const view = indexOf(pack, [
      { id: one, offset: 0, length: 10 },
      { id: two, offset: 0, length: 20 },
    ]);
    const alike = indexOf(pack, [{ id: two, offset: 0, length: 10 }]);
    for (const second of [locate([view], two), locate([alike], two)]) {
      const jobs = makerOf([
        ...locate([view], one).map((location) => [one, location] as const),
        ...second.map((at) => [two, at] as const),
      ]).take();
      const [block, ...more] = [...decodeBlocks(jobs[0]?.blocks ?? Buffer.alloc(0))];
      assert.deepEqual([jobs.length, more.length], [1, 0]);
      assert.deepEqual(
        block?.chunks.map(({ id, length, places }) => [id[0], length, places.map(({ file }) => file)]),
        [
          [1, 10, [0]],
          [2, second[0]?.length, [1]],
        ],
      );
    }
  });

  it('C5: fetch all of blocks that two indexes record with other lengths', () => {
    const chunk = { id: one, offset: 0, length: 10 };
    const views = [indexOf(pack, [chunk], { storedLength: 60_000 }), indexOf(pack, [chunk], { storedLength: 40 })];
    const jobs = makerOf(locate(views, one).map((location) => [one, location])).take();
    const blocks = jobs.flatMap((job) => [...decodeBlocks(job.blocks)]);
    assert.deepEqual([jobs.length, blocks.length, endOf(blocks)], [1, 2, 60_000]);
    assert.equal(jobs[0]?.fetch.length, 65_536 - 192);
  });
});
