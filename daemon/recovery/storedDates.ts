import { HoldfastError } from '../../protocol/errors.ts';
import { markerName, parseMarker } from '../locations/marker.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { Manifest } from '../repository/manifestTypes.ts';

type DateKind =
  /** The store's own, which nobody can set back. */
  | 'kept'
  /** The store's own, but an extension of a lock sets it anew, as SeaweedFS does. */
  | 'moved'
  /** Of files, whose copies may have lost it. */
  | 'none';

/** By as much the marker has to be younger than it says, before a store's dates are taken for moved. */
const leastMove = 3_600_000;
const longestMarker = 4096;

/**
 * When manifests were stored. A store's own date is believed alone as long as it is one: it tells of a manifest that somebody with the keys has made today that it
 * is of today, whatever it claims. Where extensions move the dates, a manifest was stored at its date at the latest, and when it says otherwise. Whether they do
 * is told by the marker, which is put before all else and whose oldest version is kept locked: there a date and the time that it was made at lie beside each other.
 */
export class StoredDates {
  readonly #kind: DateKind;

  private constructor(kind: DateKind) {
    this.#kind = kind;
  }

  static async of(store: ObjectStore, signal: AbortSignal): Promise<StoredDates> {
    if (store.versions === undefined) return new StoredDates('none');
    return new StoredDates((await isMarkerMoved(store, signal)) ? 'moved' : 'kept');
  }

  storedAt(lastModified: Date, { storeTime, finished }: Manifest['claimed']): Date {
    if (this.#kind === 'kept') return lastModified;
    if (this.#kind === 'none') return new Date(finished);
    return new Date(Math.min(lastModified.getTime(), Date.parse(storeTime ?? finished)));
  }
}

async function isMarkerMoved(store: ObjectStore, signal: AbortSignal): Promise<boolean> {
  const found: string[] = [];
  for await (const page of store.versions?.list(markerName, { signal }) ?? []) {
    for (const { key, versionId, isDeleteMarker } of page) if (key === markerName && !isDeleteMarker) found.push(versionId);
  }
  // The oldest that is one counts: whatever lies over it is somebody else's.
  for (const versionId of found.toReversed()) {
    const read = await store.get(markerName, { versionId, length: longestMarker + 1, signal });
    const createdAt = read === undefined ? undefined : createdAtOf(store, read.body);
    if (read !== undefined && createdAt !== undefined) return read.lastModified.getTime() - createdAt > leastMove;
  }
  return false;
}

function createdAtOf({ storeId }: ObjectStore, bytes: Uint8Array): number | undefined {
  try {
    const marker = parseMarker(bytes);
    return marker.storeId === storeId ? Date.parse(marker.createdAt) : undefined;
  } catch (error) {
    if (HoldfastError.is(error, 'damaged')) return undefined;
    throw error;
  }
}
