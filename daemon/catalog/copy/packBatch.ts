import type { IndexedPack } from './expectedPacks.ts';

/** Packs of one policy at one location in columns, since a million small messages would hold up whoever sends them. */
export interface PackBatch {
  readonly locationId: string;
  readonly policyId: string;
  /** 16 bytes each. */
  readonly objectIds: Uint8Array<ArrayBuffer>;
  /** 32 bytes each. */
  readonly hashes: Uint8Array<ArrayBuffer>;
  readonly sizes: Float64Array<ArrayBuffer>;
  readonly versionIds: readonly (string | null)[];
}

const objectIdLength = 16;
const hashLength = 32;
const mostPacks = 2000;

/** In the order in which they come. Rejects with `RangeError` where an id or a hash is none. */
export async function* inBatches(packs: AsyncIterable<IndexedPack>): AsyncGenerator<PackBatch, undefined> {
  let open: IndexedPack[] = [];
  for await (const pack of packs) {
    const [first] = open;
    const isOther = first !== undefined && (first.locationId !== pack.locationId || first.policyId !== pack.policyId);
    if (first !== undefined && (isOther || open.length === mostPacks)) {
      yield batchOf(first, open);
      open = [];
    }
    open.push(pack);
  }
  const [first] = open;
  if (first !== undefined) yield batchOf(first, open);
  return undefined;
}

/** What moves to another thread instead of being copied. */
export function buffersOf({ objectIds, hashes, sizes }: PackBatch): readonly ArrayBuffer[] {
  return [objectIds.buffer, hashes.buffer, sizes.buffer];
}

export function* packsOf({ locationId, policyId, objectIds, hashes, sizes, versionIds }: PackBatch): Generator<IndexedPack> {
  for (const [at, versionId] of versionIds.entries()) {
    yield {
      locationId,
      policyId,
      objectId: objectIds.subarray(at * objectIdLength, (at + 1) * objectIdLength),
      versionId,
      size: sizes[at] ?? 0,
      sha256: hashes.subarray(at * hashLength, (at + 1) * hashLength),
    };
  }
}

function batchOf({ locationId, policyId }: IndexedPack, packs: readonly IndexedPack[]): PackBatch {
  const objectIds = new Uint8Array(packs.length * objectIdLength);
  const hashes = new Uint8Array(packs.length * hashLength);
  for (const [at, { objectId, sha256 }] of packs.entries()) {
    if (objectId.length !== objectIdLength || sha256.length !== hashLength) throw new RangeError('a pack whose id or hash is none');
    objectIds.set(objectId, at * objectIdLength);
    hashes.set(sha256, at * hashLength);
  }
  const sizes = Float64Array.from(packs, ({ size }) => size);
  return { locationId, policyId, objectIds, hashes, sizes, versionIds: packs.map(({ versionId }) => versionId) };
}
