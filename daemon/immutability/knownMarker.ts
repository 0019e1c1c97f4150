import { createHash } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import { markerName, parseMarker } from '../locations/marker.ts';
import type { ObjectStore } from '../locations/objectStore.ts';

/** Others may put any number upon it: of so many that are the oldest one has to be a marker. */
const mostVersions = 1000;

export interface KnownMarkerOptions {
  readonly catalog: Catalog;
  readonly location: Pick<LocationRecord, 'locationId' | 'storeId'>;
  readonly store: ObjectStore;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/**
 * Sees to it that the ledger has the marker of a location, so that it is kept locked as all else: without it the location can not be opened, and nobody would
 * extend anything there. Others may have made it, and a catalog that was rebuilt does not have it. Rejects as stores do.
 */
export async function knowMarker({ catalog, location, store, now, signal }: KnownMarkerOptions): Promise<void> {
  const { locationId, storeId } = location;
  const { versions } = store;
  if (versions === undefined || catalog.objects.get(locationId, markerName) !== undefined) return;
  let found: string[] = [];
  for await (const page of versions.list(markerName, { signal })) {
    for (const { key, versionId, isDeleteMarker } of page) if (key === markerName && !isDeleteMarker) found.push(versionId);
    found = found.slice(-mostVersions);
    // Keys that only begin so come behind it.
    if (found.length > 0 && page.some(({ key }) => key !== markerName)) break;
  }
  // The oldest that is one counts: whatever lies over it is somebody else's.
  for (const versionId of found.toReversed()) {
    const read = await store.get(markerName, { versionId, signal });
    if (read === undefined || !isOf(storeId, read.body)) continue;
    catalog.objects.record({
      locationId,
      objectKey: markerName,
      policyId: null,
      kind: 'marker',
      objectId: Buffer.from(storeId.replaceAll('-', ''), 'hex'),
      versionId,
      size: read.body.length,
      sha256: createHash('sha256').update(read.body).digest(),
      state: 'present',
      recordedAt: now.toISOString(),
      readBackAt: now.toISOString(),
      retainUntil: null,
    });
    return;
  }
}

function isOf(storeId: LocationRecord['storeId'], bytes: Uint8Array): boolean {
  try {
    return parseMarker(bytes).storeId === storeId;
  } catch (error) {
    if (HoldfastError.is(error, 'damaged')) return false;
    throw error;
  }
}
