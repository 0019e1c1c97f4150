import { HoldfastError } from '../../../protocol/errors.ts';
import type { BundleRecord } from '../../catalog/bundleStore.ts';
import type { LockUntil, VersionedObjects } from '../../locations/objectStore.ts';
import type { BundlePlace } from './putBundle.ts';

export interface SweptBundles {
  readonly deletedBundles: number;
  readonly freedBytes: number;
}

const dayMs = 86_400_000;
/** How far back bundles reach at a location that locks nothing, in days. */
export const softPeriodDays = 30;

/**
 * The bundles of a location that nobody needs any more, deltas before what they build on: those before the last one from before the protection period. What is the newest
 * stays while disaster recovery is on.
 */
export function unneededBundles(bundles: readonly BundleRecord[], now: Date, periodDays: number, isOn: boolean): readonly BundleRecord[] {
  const begin = new Date(now.getTime() - periodDays * dayMs).toISOString();
  const newestFirst = bundles.toSorted((a, b) => b.sequence - a.sequence);
  const isOlder = ({ created, isWhole }: BundleRecord): boolean => isWhole === 1 && created < begin;
  const lastOfBefore = isOn ? newestFirst.find(isOlder) : undefined;
  const unneeded = newestFirst.filter((bundle) => isOlder(bundle) && bundle !== lastOfBefore);
  const kept = new Set(newestFirst.filter((bundle) => !unneeded.includes(bundle)).map(({ base }) => base));
  return unneeded.filter(({ bundleId }) => !kept.has(bundleId));
}

/** Deletes those whose locks have ended, by version id and as the store tells of the lock. One that it still holds stays, and so does what it builds on. Rejects as stores do. */
export async function sweepBundles(place: BundlePlace): Promise<SweptBundles> {
  const { catalog, at, wallClock, signal } = place;
  const { locationId, protectionPeriodDays } = at.record;
  const now = at.locks === undefined ? wallClock() : (await at.locks.keeper.now(signal)).earliest;
  const bundles = catalog.bundles.list(locationId);
  const isOn = catalog.recovery.get()?.locationId === locationId;
  const neededBases = new Set<string>();
  const swept = { deletedBundles: 0, freedBytes: 0 };
  for (const bundle of unneededBundles(bundles, now, protectionPeriodDays ?? softPeriodDays, isOn)) {
    signal.throwIfAborted();
    const size = neededBases.has(bundle.bundleId) ? undefined : await sweepOne(place, bundle, now);
    if (size === undefined) {
      if (bundle.base !== null) neededBases.add(bundle.base);
      continue;
    }
    swept.deletedBundles += 1;
    swept.freedBytes += size;
  }
  return swept;
}

/** Its size; `undefined` where it has to stay. */
async function sweepOne(
  { catalog, at: { record, store }, signal }: BundlePlace,
  { bundleId, objectKey }: BundleRecord,
  now: Date,
): Promise<number | undefined> {
  const { locationId } = record;
  const known = catalog.objects.get(locationId, objectKey);
  if (known !== undefined) {
    const { versionId, retainUntil } = known;
    if (retainUntil !== null && Date.parse(retainUntil) > now.getTime()) return undefined;
    if (store.versions !== undefined && record.lockMode !== null && versionId !== null) {
      const lock = await lockOf(store.versions, objectKey, versionId, signal);
      if (lock !== null && lock.until > now) return undefined;
    }
    catalog.condemn(locationId, objectKey);
    if (!catalog.beginDelete(locationId, objectKey)) return undefined;
    await store.delete(objectKey, versionId, { signal });
  }
  catalog.transaction(() => {
    catalog.bundles.forget(bundleId);
    catalog.objects.forget(locationId, objectKey);
  });
  return known?.size ?? 0;
}

async function lockOf(versions: VersionedObjects, key: string, versionId: string, signal: AbortSignal): Promise<LockUntil | null> {
  try {
    return await versions.lockOf(key, versionId, { signal });
  } catch (error) {
    if (HoldfastError.is(error, 'objectMissing')) return null;
    throw error;
  }
}
