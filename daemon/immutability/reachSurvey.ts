import { createHash } from 'node:crypto';
import type { InstallationId, LocationId, RestorePointId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ObjectKind, RecordedObject } from '../catalog/objectLedger.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { sameBytes } from '../repository/bytes.ts';
import { isUnreadable } from '../repository/chunkReader.ts';
import type { PackRow } from '../repository/indexView.ts';
import type { PolicyKeySource } from '../repository/keySource.ts';
import { manifestReadLength, type OpenedManifest, openManifest } from '../repository/manifest.ts';
import { packKey } from '../repository/names.ts';
import { PointReach } from '../repository/pointReach.ts';
import { refusal } from '../repository/refusal.ts';

export interface ReachSurveyOptions {
  readonly catalog: Catalog;
  readonly installationId: InstallationId;
  readonly locationId: LocationId;
  readonly store: ObjectStore;
  readonly keys: PolicyKeySource;
  /** Of one policy: those of which nobody knows what they reach. */
  readonly points: readonly RestorePointRecord[];
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** From here on its reach is known. */
  readonly onKnown: (restorePointId: RestorePointId) => void;
}

/** A restore point whose reach stays unknown, and why: everything of its policy goes on to be kept. */
export interface UnknownReach {
  readonly restorePointId: RestorePointId;
  readonly error: unknown;
}

interface ReachedObject {
  readonly key: string;
  readonly kind: ObjectKind;
  readonly objectId: Uint8Array;
  readonly sha256: Uint8Array;
}

/** Their manifests lie in memory together. */
const atOnce = 64;

/**
 * Finds out what restore points reach that came without it, by an import or from before their location was immutable, and writes it into the catalog, one by
 * one: whoever is cut short goes on with the rest. Rejects where the store can not be reached, and with the signal's reason.
 */
export async function surveyReach(options: ReachSurveyOptions): Promise<readonly UnknownReach[]> {
  const unknown: UnknownReach[] = [];
  for (let at = 0; at < options.points.length; at += atOnce) {
    unknown.push(...(await surveyTogether(options, options.points.slice(at, at + atOnce))));
  }
  return unknown;
}

async function surveyTogether(options: ReachSurveyOptions, points: readonly RestorePointRecord[]): Promise<readonly UnknownReach[]> {
  const { store, keys, signal } = options;
  const unknown: UnknownReach[] = [];
  const opened = new Map<RestorePointRecord, OpenedManifest>();
  for (const point of points) {
    await orUnknown(point, unknown, async () => void opened.set(point, await open(options, point)));
  }
  const manifests = [...opened.values()];
  if (manifests.length === 0) return unknown;
  let reach: PointReach;
  try {
    reach = await PointReach.open({ store, keys, manifests, isThere: (packId) => isThere(options, manifests, packId), signal });
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    // One index is no good: of those that do not pin it all can be known.
    for (const point of opened.keys()) {
      if (opened.size === 1) unknown.push({ restorePointId: point.id, error });
      else unknown.push(...(await surveyTogether(options, [point])));
    }
    return unknown;
  }
  for (const [point, manifest] of opened) {
    await orUnknown(point, unknown, async () => await record(options, point, manifest, await reach.packsOf(manifest)));
  }
  return unknown;
}

async function orUnknown(point: RestorePointRecord, unknown: UnknownReach[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    unknown.push({ restorePointId: point.id, error });
  }
}

async function open({ store, keys, signal }: ReachSurveyOptions, point: RestorePointRecord): Promise<OpenedManifest> {
  const { manifestKey: key, versionId, policyId, sha256 } = point;
  const subject = `restore point ${point.id}`;
  const stored = await store.get(key, { versionId, length: manifestReadLength, signal });
  if (stored === undefined) throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
  if (!sameBytes(createHash('sha256').update(stored.body).digest(), sha256)) {
    throw refusal(subject, 'storedHash', 'its bytes are not those that were recorded');
  }
  return openManifest(stored.body, keys, { key, policyId, storeId: store.storeId }, subject);
}

/** By the ledger; what it does not know may be there. */
function isThere(
  { catalog, installationId, locationId }: ReachSurveyOptions,
  [first]: readonly OpenedManifest[],
  packId: Uint8Array,
): boolean {
  if (first === undefined) return true;
  const state = catalog.objects.get(locationId, packKey(installationId, first.manifest.policyId, packId))?.state;
  return state !== 'missing' && state !== 'deleting';
}

async function record(
  options: ReachSurveyOptions,
  point: RestorePointRecord,
  { manifest, header }: OpenedManifest,
  packs: readonly PackRow[],
): Promise<void> {
  const { catalog, installationId, locationId, store, now, signal, onKnown } = options;
  const { policyId } = point;
  const reached: readonly ReachedObject[] = [
    { key: point.manifestKey, kind: 'manifest', objectId: header.objectId, sha256: point.sha256 },
    ...manifest.indexes.map(({ key, objectId, sha256 }) => ({ key, kind: 'index' as const, objectId, sha256 })),
    ...packs.map(({ objectId, sha256 }) => ({
      key: packKey(installationId, policyId, objectId),
      kind: 'pack' as const,
      objectId,
      sha256,
    })),
  ];
  const fresh: RecordedObject[] = [];
  for (const { key, ...object } of reached) {
    if (catalog.objects.get(locationId, key) !== undefined) continue;
    const facts = await store.head(key, { signal });
    const { versionId = null, size = 0 } = facts ?? {};
    const recordedAt = now().toISOString();
    const state = facts === undefined ? 'missing' : 'present';
    fresh.push({
      locationId,
      objectKey: key,
      policyId,
      ...object,
      versionId,
      size,
      state,
      recordedAt,
      readBackAt: null,
      retainUntil: null,
    });
  }
  const isKept = catalog.transaction(() => {
    // Either may be gone by now: the location was removed, the restore point collected.
    if (catalog.locations.get(locationId) === undefined || catalog.restorePoints.get(point.id) === undefined) return false;
    for (const row of fresh) if (catalog.objects.get(locationId, row.objectKey) === undefined) catalog.objects.record(row);
    const numbers = reached.flatMap(({ key }) => catalog.objects.get(locationId, key)?.number ?? []);
    catalog.reaches.record({ restorePointId: point.id, locationId, policyId }, numbers);
    return true;
  });
  if (isKept) onKnown(point.id);
}
