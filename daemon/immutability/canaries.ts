import { createHash, randomBytes } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, LocationId } from '../../protocol/ids.ts';
import type { LedgerObject, ObjectLedger } from '../catalog/objectLedger.ts';
import type { ListedVersion, LockUntil, ObjectStore, VersionedObjects } from '../locations/objectStore.ts';

const canaryLength = 1024;
/** How long a put whose answer never came may take to show in a listing. */
const settledMs = 3_600_000;
const pageSize = 500;
const mostAdopted = 1000;
/** Others may put any number of versions upon one key. */
const mostVersions = 1000;

/** Where lock proofs put: docs/format.md, Names in the store. Whatever lies under the key of a canary of the ledger is a proof's own. */
export function canariesPrefix(installationId: InstallationId): string {
  return `${installationId}/canaries/`;
}

/** A store that has versions. */
export interface CanaryStore extends ObjectStore {
  readonly versions: VersionedObjects;
}

export interface CanaryPlace {
  readonly store: CanaryStore;
  readonly objects: ObjectLedger;
  readonly installationId: InstallationId;
  readonly locationId: LocationId;
  readonly now: () => Date;
  readonly signal?: AbortSignal;
}

export function hasVersions(store: ObjectStore): store is CanaryStore {
  return store.versions !== undefined;
}

/** An object of random bytes that a proof may do anything to. */
export interface Canary {
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** As the ledger has a canary before its put has come to an end. */
const unput = {
  policyId: null,
  kind: 'canary',
  versionId: null,
  sha256: new Uint8Array(32),
  state: 'missing',
  readBackAt: null,
  retainUntil: null,
} as const;

/** Makes one that the ledger knows, and that is put nowhere yet. */
export function makeCanary({ objects, installationId, locationId, now }: CanaryPlace): Canary {
  const objectId = randomBytes(16);
  const bytes = randomBytes(canaryLength);
  const key = `${canariesPrefix(installationId)}${objectId.toString('hex')}`;
  const sha256 = createHash('sha256').update(bytes).digest();
  objects.record({ ...unput, locationId, objectKey: key, objectId, size: bytes.length, sha256, recordedAt: now().toISOString() });
  return { key, bytes };
}

/** What the ledger is told of the canary: it is there, and its lock as it was read back. */
export function noteCanary(
  { objects, locationId }: CanaryPlace,
  key: string,
  versionId: string,
  lock: LockUntil | null,
  readAt: Date,
): void {
  objects.change(locationId, key, {
    state: 'present',
    versionId,
    retainUntil: lock === null ? null : lock.until.toISOString(),
    lockReadAt: lock === null ? null : readAt.toISOString(),
  });
}

/**
 * Deletes, by version id and without bypass, what proofs have left whose lock has ended, and lets the ledger forget it; resolves to how many canaries are
 * left. What the store refuses to delete is left for the next time.
 */
export async function sweepCanaries({ store, ...rest }: Omit<CanaryPlace, 'store'> & { readonly store: ObjectStore }): Promise<number> {
  const { objects, locationId } = rest;
  if (!hasVersions(store)) return 0;
  const place: CanaryPlace = { ...rest, store };
  const time = await store.versions.time(signalOf(place));
  let left = 0;
  for (const canary of allCanaries(objects, locationId)) if (!(await sweepCanary(place, canary, time))) left += 1;
  return left;
}

/**
 * After a catalog was rebuilt from the store: takes what was put at the place of canaries `before` the catalog knew of the location for what proofs of this
 * installation have left, so that it is swept and no audit reports it. What came later and is not in the ledger is nobody's of ours. At most a thousand, since
 * anybody may have put them; resolves to how many there are.
 */
export async function adoptCanaries(place: CanaryPlace & { readonly before: Date }): Promise<number> {
  const { store, objects, installationId, locationId, now, signal, before } = place;
  const prefix = canariesPrefix(installationId);
  let adopted = 0;
  for await (const page of store.versions.list(prefix, signal === undefined ? {} : { signal })) {
    for (const { key, size, lastModified } of page) {
      if (adopted === mostAdopted) return adopted;
      const hex = key.slice(prefix.length);
      if (lastModified >= before || !/^[0-9a-f]{32}$/.test(hex) || objects.get(locationId, key) !== undefined) continue;
      objects.record({ ...unput, locationId, objectKey: key, objectId: Buffer.from(hex, 'hex'), size, recordedAt: now().toISOString() });
      adopted += 1;
    }
  }
  return adopted;
}

/** The versions and markers of one key, the newest thousand, whatever other keys begin so. */
export async function versionsOf({ store, ...place }: CanaryPlace, key: string): Promise<readonly ListedVersion[]> {
  const found: ListedVersion[] = [];
  for await (const page of store.versions.list(key, signalOf(place))) {
    found.push(...page.filter((version) => version.key === key));
    // Keys that only begin so come behind it.
    if (found.length >= mostVersions || page.some((version) => version.key > key)) break;
  }
  return found.slice(0, mostVersions);
}

/** `false` where the store refused it, by a lock or for want of a permission. */
export async function deleteIfAllowed({ store, ...place }: CanaryPlace, key: string, versionId: string): Promise<boolean> {
  try {
    await store.delete(key, versionId, signalOf(place));
    return true;
  } catch (error) {
    if (HoldfastError.is(error, 'lockRefused', 'storeRefused')) return false;
    throw error;
  }
}

export const signalOf = ({ signal }: { readonly signal?: AbortSignal }): { readonly signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

/** `true` where nothing is left of it. */
async function sweepCanary(place: CanaryPlace, canary: LedgerObject, time: Date): Promise<boolean> {
  const { objects, locationId, now } = place;
  const { objectKey, retainUntil, recordedAt, versionId } = canary;
  if (retainUntil !== null && Date.parse(retainUntil) > time.getTime()) return false;
  const versions = await versionsOf(place, objectKey);
  let isGone = versions.length < mostVersions;
  for (const version of versions) {
    const isHeld = !version.isDeleteMarker && (await isLocked(place, version, time));
    if (isHeld || !(await deleteIfAllowed(place, objectKey, version.versionId))) isGone = false;
  }
  // A put that was cut short may still come to its end.
  const isUnsure = versions.length === 0 && versionId === null && now().getTime() - Date.parse(recordedAt) < settledMs;
  if (!isGone || isUnsure) return false;
  objects.forget(locationId, objectKey);
  return true;
}

async function isLocked({ store, ...place }: CanaryPlace, { key, versionId }: ListedVersion, time: Date): Promise<boolean> {
  try {
    const lock = await store.versions.lockOf(key, versionId, signalOf(place));
    return lock !== null && lock.until > time;
  } catch (error) {
    // What it can not tell, the delete will: it asks for no bypass.
    if (HoldfastError.is(error, 'objectMissing', 'storeRefused', 'storeFailed', 'notInThisVersion')) return false;
    throw error;
  }
}

function allCanaries(objects: ObjectLedger, locationId: LocationId): readonly LedgerObject[] {
  const found: LedgerObject[] = [];
  let after: string | undefined;
  do {
    const page = objects.list({ locationId, kind: 'canary', limit: pageSize, ...(after === undefined ? {} : { after }) });
    found.push(...page.items);
    after = page.next ?? undefined;
  } while (after !== undefined);
  return found;
}
