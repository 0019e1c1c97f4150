import type { StoreId } from '../../../protocol/ids.ts';
import type { OwnershipRow, OwnershipStore } from '../../catalog/ownershipStore.ts';
import { asRestored, nothingKnown, type OwnershipMemories, type OwnershipMemory } from './ownershipMemory.ts';

/** The memory of one store, in the catalog. */
export function catalogMemories(ownerships: OwnershipStore, storeId: StoreId): OwnershipMemories {
  return {
    get: () => memoryOf(ownerships.get(storeId)),
    change: (change) => {
      const row = ownerships.change(storeId, (before) => {
        const memory = memoryOf(before);
        const after = change(memory);
        return after === memory ? before : rowOf(storeId, after);
      });
      return memoryOf(row);
    },
  };
}

/**
 * Makes a catalog that came out of a bundle one that owns nothing: at none of these stores, known there or not, anything is committed before it is taken. To be
 * called before the catalog is used.
 */
export function markRestored(ownerships: OwnershipStore, storeIds: Iterable<StoreId>): void {
  for (const storeId of storeIds) catalogMemories(ownerships, storeId).change(asRestored);
}

function memoryOf(row: OwnershipRow | undefined): OwnershipMemory {
  if (row === undefined) return nothingKnown;
  const { highest, highestSha256, own, ownSha256, ownVersionId, setAside } = row;
  return {
    highest: highest === null || highestSha256 === null ? null : { n: highest, sha256: highestSha256 },
    mine: own === null || ownSha256 === null ? null : { n: own, sha256: ownSha256, versionId: ownVersionId },
    setAside,
  };
}

function rowOf(storeId: StoreId, { highest, mine, setAside }: OwnershipMemory): OwnershipRow {
  return {
    storeId,
    highest: highest?.n ?? null,
    highestSha256: highest?.sha256 ?? null,
    own: mine?.n ?? null,
    ownSha256: mine?.sha256 ?? null,
    ownVersionId: mine?.versionId ?? null,
    setAside,
  };
}
