import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { BundleRecord } from '../../catalog/bundleStore.ts';
import type { LedgerObject } from '../../catalog/objectLedger.ts';
import type { OpenLocation } from '../../installation/locationStores.ts';
import { sameBytes } from '../../repository/bytes.ts';

export interface BundlePlace {
  readonly catalog: Catalog;
  readonly at: OpenLocation;
  readonly wallClock: () => Date;
  readonly signal: AbortSignal;
}

/** How long a put whose answer never came may take to show in a listing. */
const settledMs = 3_600_000;

/**
 * Puts a bundle, write-once and locked as its location locks, and reads back that it is there and until when it is locked. Known to the catalog before it is put:
 * what a kill leaves is looked at by `settleBundles`. Resolves to the row of the ledger. Rejects as stores do, and with `lockRefused` where the store does not hold
 * the lock.
 */
export async function putBundle(
  place: BundlePlace,
  bundle: Omit<BundleRecord, 'isWhole'>,
  bytes: Uint8Array,
  sha256: Uint8Array,
): Promise<LedgerObject> {
  const { catalog, at, wallClock, signal } = place;
  const { objectKey } = bundle;
  catalog.transaction(() => {
    catalog.bundles.add({ ...bundle, isWhole: 0 });
    catalog.objects.record({
      locationId: bundle.locationId,
      objectKey,
      policyId: null,
      kind: 'bundle',
      objectId: Buffer.from(bundle.bundleId, 'hex'),
      versionId: null,
      size: bytes.length,
      sha256,
      state: 'missing',
      recordedAt: wallClock().toISOString(),
      readBackAt: null,
      retainUntil: null,
    });
  });
  const { versionId } = await at.store.put(objectKey, bytes, { signal, sha256 });
  return await complete(place, bundle, versionId);
}

/** What runs that were cut short have left: a bundle that arrived is one, and what did not within an hour is forgotten. Rejects as stores do. */
export async function settleBundles(place: BundlePlace): Promise<void> {
  const { catalog, at, wallClock, signal } = place;
  const { locationId } = at.record;
  for (const bundle of catalog.bundles.list(locationId).filter(({ isWhole }) => isWhole === 0)) {
    const known = catalog.objects.get(locationId, bundle.objectKey);
    const found = await at.store.get(bundle.objectKey, { signal });
    if (found !== undefined && known !== undefined && sameBytes(createHash('sha256').update(found.body).digest(), known.sha256)) {
      await complete(place, bundle, found.versionId);
      continue;
    }
    const age = wallClock().getTime() - Date.parse(bundle.created);
    if (age >= 0 && age < settledMs) continue;
    catalog.transaction(() => {
      catalog.bundles.forget(bundle.bundleId);
      catalog.objects.forget(locationId, bundle.objectKey);
    });
  }
}

async function complete(
  place: BundlePlace,
  bundle: Pick<BundleRecord, 'bundleId' | 'objectKey' | 'base'>,
  versionId: string | null,
): Promise<LedgerObject> {
  const { catalog, at, wallClock } = place;
  const { locationId } = at.record;
  const lock = await heldAt(place, bundle.objectKey, versionId);
  // A delta is worth nothing without it.
  const base = bundle.base === null ? undefined : catalog.bundles.get(bundle.base);
  if (base !== undefined) await holdBase(place, base);
  catalog.transaction(() => {
    catalog.objects.change(locationId, bundle.objectKey, {
      state: 'present',
      versionId,
      readBackAt: wallClock().toISOString(),
      ...lock,
    });
    catalog.bundles.complete(bundle.bundleId);
  });
  const row = catalog.objects.get(locationId, bundle.objectKey);
  if (row === undefined) throw gone(bundle.objectKey);
  return row;
}

async function holdBase(place: BundlePlace, { objectKey }: BundleRecord): Promise<void> {
  const { catalog, at } = place;
  const known = catalog.objects.get(at.record.locationId, objectKey);
  if (known === undefined) throw gone(objectKey);
  const lock = await heldAt(place, objectKey, known.versionId);
  catalog.objects.change(at.record.locationId, objectKey, lock);
}

/** The lock as it was read back; at a location that locks nothing, that the object is there. */
async function heldAt(
  { at: { store, locks }, signal }: BundlePlace,
  key: string,
  versionId: string | null,
): Promise<Partial<Pick<LedgerObject, 'retainUntil' | 'lockReadAt'>>> {
  if (locks === undefined) {
    if ((await store.head(key, { signal, versionId })) === undefined) throw gone(key);
    return {};
  }
  if (versionId === null)
    throw HoldfastError.failedTo('lockRefused', `lock ${key}`, 'the store gave it no version', {
      fix: 'Validate the location: "holdfast location validate NAME".',
    });
  const held = await locks.keeper.hold({ key, versionId, retainUntil: null }, { signal });
  if (held === undefined) throw gone(key);
  const readAt = held.readAt ?? (await locks.keeper.now(signal)).earliest;
  return { retainUntil: held.retainUntil.toISOString(), lockReadAt: readAt.toISOString() };
}

function gone(key: string): HoldfastError {
  return HoldfastError.failedTo('objectMissing', 'keep a bundle', `${key} was put and is not there any more`, {
    fix: 'Find out who else writes to this location, then run "holdfast dr backup".',
  });
}
