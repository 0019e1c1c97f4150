import type { ChunkKind } from './chunkId.ts';
import type { IndexSet } from './indexSet.ts';
import type { IndexView, PackRow } from './indexView.ts';
import { hexOf } from './bytes.ts';

const reached = 1;
const bad = 2;

/** What one index says of a pack. */
export interface PackPlace {
  readonly index: IndexView;
  readonly row: PackRow;
  /** Rows of its block table, those without a chunk of the index too. */
  readonly blocks: Uint32Array;
  /** Rows of its id column. */
  readonly chunks: Uint32Array;
}

/** A pack with what every index says of it; the first one says where to look. */
export interface MarkedPack {
  readonly row: PackRow;
  readonly places: readonly PackPlace[];
}

/** Notes for every chunk row of a set of indexes whether it is reached and whether its bytes are good: one byte a row. */
export class ChunkMarks {
  readonly #indexes: IndexSet;
  readonly #marks: ReadonlyMap<IndexView, Uint8Array>;

  constructor(indexes: IndexSet) {
    this.#indexes = indexes;
    this.#marks = new Map(indexes.views.map((view) => [view, new Uint8Array(view.chunkCount)]));
  }

  /** Marks every copy of a chunk; `false` where there is none. */
  reach(id: Uint8Array, kind: ChunkKind): boolean {
    let isThere = false;
    for (const { index, chunk } of this.#indexes.locations(id, kind)) {
      this.#mark(index, chunk, reached);
      isThere = true;
    }
    return isThere;
  }

  markBad(index: IndexView, chunk: number): void {
    this.#mark(index, chunk, bad);
  }

  /** The packs of the copies of a chunk, where every copy is bad; `undefined` where one is good. */
  badPacksOf(id: Uint8Array, kind: ChunkKind): PackRow[] | undefined {
    const packs: PackRow[] = [];
    for (const { index, chunk, pack } of this.#indexes.locations(id, kind)) {
      if (((this.#marks.get(index)?.[chunk] ?? 0) & bad) === 0) return undefined;
      packs.push(pack);
    }
    return packs;
  }

  /** The packs that hold something reached, each once, with all rows that any index has of them. */
  reachedPacks(): MarkedPack[] {
    const packs = new Map<string, { row: PackRow; isReached: boolean; places: PackPlace[] }>();
    for (const [index, marks] of this.#marks) {
      const blocksOf = rowsByPack(index.packCount, index.blockCount, (block) => index.packOf(block));
      const chunksOf = rowsByPack(index.packCount, index.chunkCount, (chunk) => index.packOf(index.blockOf(chunk)));
      for (let pack = 0; pack < index.packCount; pack += 1) {
        const row = index.pack(pack);
        const chunks = chunksOf(pack);
        const key = hexOf(row.objectId);
        const known = packs.get(key) ?? { row, isReached: false, places: [] };
        known.isReached ||= chunks.some((chunk) => ((marks[chunk] ?? 0) & reached) !== 0);
        known.places.push({ index, row, blocks: blocksOf(pack), chunks });
        packs.set(key, known);
      }
    }
    return [...packs.values()].filter((pack) => pack.isReached);
  }

  #mark(index: IndexView, chunk: number, mark: number): void {
    const marks = this.#marks.get(index);
    if (marks !== undefined) marks[chunk] = (marks[chunk] ?? 0) | mark;
  }
}

/** Rows `0..count` grouped by pack, by counting. */
function rowsByPack(packCount: number, count: number, packOf: (row: number) => number): (pack: number) => Uint32Array {
  const starts = new Uint32Array(packCount + 1);
  for (let row = 0; row < count; row += 1) {
    const after = packOf(row) + 1;
    starts[after] = (starts[after] ?? 0) + 1;
  }
  for (let pack = 0; pack < packCount; pack += 1) starts[pack + 1] = (starts[pack + 1] ?? 0) + (starts[pack] ?? 0);
  const filled = starts.slice();
  const rows = new Uint32Array(count);
  for (let row = 0; row < count; row += 1) {
    const pack = packOf(row);
    const at = filled[pack] ?? 0;
    rows[at] = row;
    filled[pack] = at + 1;
  }
  return (pack) => rows.subarray(starts[pack], starts[pack + 1]);
}
