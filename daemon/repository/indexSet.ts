import type { ChunkKind } from './chunkId.ts';
import type { BlockRow, IndexView, PackRow } from './indexView.ts';

/** Where one copy of a chunk lies. */
export interface ChunkLocation {
  readonly index: IndexView;
  /** Place of the index in its set. */
  readonly indexNumber: number;
  /** Row of the index's id column. */
  readonly chunk: number;
  /** Row of the index's block table. */
  readonly blockNumber: number;
  readonly block: BlockRow;
  readonly pack: PackRow;
  readonly offsetInRaw: number;
  readonly length: number;
}

/** Several indexes looked up together. Where more than one holds an id, any is good. */
export class IndexSet {
  readonly views: readonly IndexView[];

  constructor(views: readonly IndexView[]) {
    this.views = views;
  }

  get chunkCount(): number {
    return this.views.reduce((sum, view) => sum + view.chunkCount, 0);
  }

  has(id: Uint8Array): boolean {
    return this.views.some((view) => view.find(id) >= 0);
  }

  /** The places of a chunk of this kind, in the order of the indexes; a next one serves where a pack is damaged. */
  *locations(id: Uint8Array, kind: ChunkKind): Generator<ChunkLocation> {
    for (const [indexNumber, index] of this.views.entries()) {
      const chunk = index.find(id);
      if (chunk < 0) continue;
      const blockNumber = index.blockOf(chunk);
      const block = index.block(blockNumber);
      if (block.kind !== kind) continue;
      yield {
        index,
        indexNumber,
        chunk,
        blockNumber,
        block,
        pack: index.pack(block.pack),
        offsetInRaw: index.offsetInRaw(chunk),
        length: index.lengthOf(chunk),
      };
    }
  }
}
