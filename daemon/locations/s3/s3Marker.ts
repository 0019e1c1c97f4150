import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { markerBytes, markerName, parseMarker, type StoreMarker } from '../marker.ts';
import type { ObjectStore } from '../objectStore.ts';

const largestMarker = 4096;
/** Others may put any number of versions upon it: of so many that are the oldest one has to be a marker. */
const mostVersions = 1000;

/** The marker of a store: of its versions the oldest that is a marker. `undefined` where there is none; `damaged` where none of what is there is one. */
export async function readS3Marker(store: ObjectStore, signal: AbortSignal | undefined): Promise<StoreMarker | undefined> {
  const options = signal === undefined ? {} : { signal };
  let damage: unknown;
  for (const versionId of await markerVersions(store, options)) {
    const found = await store.get(markerName, { ...options, length: largestMarker + 1, ...(versionId === null ? {} : { versionId }) });
    if (found === undefined) continue;
    try {
      return parseMarker(found.body);
    } catch (error) {
      if (!HoldfastError.is(error, 'damaged')) throw error;
      damage ??= error;
    }
  }
  if (damage !== undefined) throw damage;
  return undefined;
}

/** Makes the marker, or takes the one that is there. */
export async function initialiseS3Marker(
  store: ObjectStore,
  { storeId, now }: { readonly storeId: StoreId; readonly now: Date },
  signal: AbortSignal | undefined,
): Promise<StoreMarker> {
  const existing = await readS3Marker(store, signal);
  if (existing !== undefined) return existing;
  const marker: StoreMarker = { format: 'holdfast-store/1', storeId, createdAt: now.toISOString() };
  try {
    await store.put(markerName, markerBytes(marker), signal === undefined ? {} : { signal });
  } catch (error) {
    if (!HoldfastError.is(error, 'objectExists')) throw error;
  }
  // Somebody else may have made one in the same moment: the oldest counts.
  const winner = await readS3Marker(store, signal);
  if (winner === undefined)
    throw new HoldfastError('storeFailed', 'Failed to make the marker of the store: it is not there after it was put.');
  return winner;
}

/** Oldest first; `null` where the store has no versions. */
async function markerVersions(store: ObjectStore, options: { readonly signal?: AbortSignal }): Promise<readonly (string | null)[]> {
  if (store.versions === undefined) return [null];
  let found: string[] = [];
  for await (const page of store.versions.list(markerName, options)) {
    for (const { key, versionId, isDeleteMarker } of page) if (key === markerName && !isDeleteMarker) found.push(versionId);
    found = found.slice(-mostVersions);
    // Keys that only begin so come behind it.
    if (found.length > 0 && page.some(({ key }) => key !== markerName)) break;
  }
  return found.toReversed();
}
