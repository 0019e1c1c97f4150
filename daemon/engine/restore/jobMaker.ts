import { hexOf, sameBytes } from '../../repository/bytes.ts';
import type { ChunkLocation } from '../../repository/indexSet.ts';
import type { PackRow } from '../../repository/indexView.ts';
import { planRange } from '../../repository/segments.ts';
import type { PackJob } from './messages.ts';
import { type BlockToPlace, type ChunkToPlace, encodeBlocks, type Place } from './packJobCodec.ts';

/** A range is not made longer than this, so that many fit into memory at once; one block alone may be. */
const rangeLength = 8 * 1024 * 1024;
/** What is not wanted between two blocks is fetched along when it is this short. */
export const gapLength: number = 256 * 1024;

interface PackPlan {
  readonly key: string;
  readonly location: ChunkLocation;
  readonly blocks: Map<string, BlockPlan>;
}

/** What one index says of a pack, by its rows: names are made once for each of them, not for each chunk. */
interface RowsOfPack {
  readonly plan: PackPlan;
  readonly blocks: Map<number, BlockPlan>;
}

interface ChunkPlan extends ChunkToPlace {
  readonly places: PlannedPlace[];
}

interface BlockPlan {
  readonly location: ChunkLocation;
  readonly chunks: ChunkPlan[];
  /** By their offset; the first of several. */
  readonly byOffset: Map<number, ChunkPlan>;
}

/** A place, and which copy of its chunk is to come there. */
export interface PlannedPlace extends Place {
  readonly id: Uint8Array;
  readonly location: ChunkLocation;
}

export type UnnumberedJob = Omit<PackJob, 'id'> & { readonly places: readonly PlannedPlace[] };

/** Collects where chunks have to go, and makes of it jobs of one range of one pack each. */
export class JobMaker {
  readonly keyOf: (location: ChunkLocation) => string;
  #packs = new Map<string, PackPlan>();
  #rows = new Map<PackRow, RowsOfPack>();
  #places = 0;
  #bytes = 0;

  constructor(keyOf: (location: ChunkLocation) => string) {
    this.keyOf = keyOf;
  }

  /** Places collected since `take`. */
  get places(): number {
    return this.#places;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(place: PlannedPlace): void {
    const { location } = place;
    const rows = this.#rows.get(location.pack) ?? this.#rowsOf(location);
    const block = rows.blocks.get(location.blockNumber) ?? blockOf(rows, location);
    const known = block.byOffset.get(location.offsetInRaw);
    if (known !== undefined && isChunkOf(known, place)) known.places.push(place);
    else addChunk(block, place);
    this.#places += 1;
    this.#bytes += location.length;
  }

  /** The jobs for all that was collected, pack by pack. */
  take(): UnnumberedJob[] {
    const jobs = [...this.#packs.values()].flatMap((pack) => jobsOf(pack.key, pack));
    this.#packs = new Map();
    this.#rows = new Map();
    this.#places = 0;
    this.#bytes = 0;
    return jobs;
  }

  #rowsOf(location: ChunkLocation): RowsOfPack {
    const key = this.keyOf(location);
    const plan = getOrAdd(this.#packs, packRowName(location, key), () => ({ key, location, blocks: new Map() }));
    const rows: RowsOfPack = { plan, blocks: new Map() };
    this.#rows.set(location.pack, rows);
    return rows;
  }
}

function blockOf({ plan, blocks }: RowsOfPack, location: ChunkLocation): BlockPlan {
  const block = getOrAdd(plan.blocks, blockRowName(location), () => ({ location, chunks: [], byOffset: new Map() }));
  blocks.set(location.blockNumber, block);
  return block;
}

function addChunk({ chunks, byOffset }: BlockPlan, place: PlannedPlace): void {
  const { offsetInRaw, length } = place.location;
  const isFirst = !byOffset.has(offsetInRaw);
  const known = isFirst ? undefined : chunks.find((chunk) => isChunkOf(chunk, place));
  if (known !== undefined) {
    known.places.push(place);
    return;
  }
  const chunk: ChunkPlan = { id: place.id, offsetInRaw, length, places: [place] };
  chunks.push(chunk);
  if (isFirst) byOffset.set(offsetInRaw, chunk);
}

function isChunkOf({ id, offsetInRaw, length }: ChunkPlan, place: PlannedPlace): boolean {
  return offsetInRaw === place.location.offsetInRaw && length === place.location.length && sameBytes(id, place.id);
}

/** Rows of one pack in several indexes meet only where they say the same: one that is wrong must not spoil what another one says. */
function packRowName({ pack }: ChunkLocation, key: string): string {
  return `${key}/${hexOf(pack.salt)}/${pack.keyGeneration}/${pack.keyEpoch}/${pack.storedLength}/${pack.versionId ?? ''}`;
}

function blockRowName({ block }: ChunkLocation): string {
  return `${block.offset}/${block.storedLength}/${block.rawLength}/${block.codec}`;
}

function jobsOf(key: string, pack: PackPlan): UnnumberedJob[] {
  const jobs: UnnumberedJob[] = [];
  let range: BlockPlan[] = [];
  let start = 0;
  let end = 0;
  for (const block of [...pack.blocks.values()].toSorted((a, b) => a.location.block.offset - b.location.block.offset)) {
    const { offset, storedLength } = block.location.block;
    if (range.length > 0 && (offset - end > gapLength || offset + storedLength - start > rangeLength)) {
      jobs.push(jobOf(key, pack, range));
      range = [];
    }
    if (range.length === 0) {
      start = offset;
      end = 0;
    }
    end = Math.max(end, offset + storedLength);
    range.push(block);
  }
  if (range.length > 0) jobs.push(jobOf(key, pack, range));
  return jobs;
}

function jobOf(key: string, { location }: PackPlan, range: readonly BlockPlan[]): UnnumberedJob {
  const blocks = range.map(({ location: { block }, chunks }): BlockToPlace => {
    const { offset, storedLength, rawLength, codec } = block;
    return { offset, storedLength, rawLength, codec, chunks };
  });
  const { objectId, salt, keyGeneration, keyEpoch, storedLength, versionId } = location.pack;
  const first = blocks[0]?.offset ?? 0;
  const length = endOf(blocks) - first;
  const plan = planRange(storedLength, first, length, 'a pack');
  return {
    fetch: { key, versionId, objectSize: storedLength, offset: plan.storedOffset, length: plan.storedLength },
    pack: { objectId: Uint8Array.from(objectId), salt: Uint8Array.from(salt), keyGeneration, keyEpoch, storedLength },
    blocks: encodeBlocks(blocks),
    places: range.flatMap((block) => block.chunks.flatMap((chunk) => chunk.places)),
  };
}

/** Where the last byte of blocks lies, in the pack's plaintext; rows that disagree may overlap. */
export function endOf(blocks: readonly Pick<BlockToPlace, 'offset' | 'storedLength'>[]): number {
  return blocks.reduce((end, { offset, storedLength }) => Math.max(end, offset + storedLength), 0);
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
