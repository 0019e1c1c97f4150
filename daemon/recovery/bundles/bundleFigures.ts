import type { Bundle } from '../../../protocol/methods/disasterRecovery.ts';
import type { BundleRecord } from '../../catalog/bundleStore.ts';
import type { Catalog } from '../../catalog/catalog.ts';

const dayMs = 86_400_000;
const daysAMonth = 30;
/** Of a catalog that no bundle was made of yet: what it is compressed to, and what changes of it between two bundles, as parts of its size. */
const guessedFull = 0.3;
const guessedDelta = 0.02;
/** A bundle without anything in it, with its slot, keyring and padding. */
const leastBundle = 16 * 1024;

/** As clients see it. */
export function shownBundle(catalog: Catalog, { bundleId, created, base, locationId, objectKey, restorePoints }: BundleRecord): Bundle {
  const { size = 0, retainUntil = null } = catalog.objects.get(locationId, objectKey) ?? {};
  return { bundleId, time: created, kind: base === null ? 'full' : 'delta', bytes: size, restorePoints, lockedUntil: retainUntil };
}

/** What thirty days of bundles take, one each `gapMs`, in bytes: by those that are there, or else by the size of the catalog. */
export function bytesPerMonth(bundles: readonly Bundle[], catalogBytes: number, gapMs: number): number {
  const average = (kind: Bundle['kind'], guess: number): number => {
    const sizes = bundles.flatMap((bundle) => (bundle.kind === kind ? [bundle.bytes] : []));
    return sizes.length === 0 ? Math.max(leastBundle, guess * catalogBytes) : sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  };
  const aDay = Math.max(1, dayMs / gapMs);
  return Math.round(daysAMonth * (average('full', guessedFull) + (aDay - 1) * average('delta', guessedDelta)));
}
