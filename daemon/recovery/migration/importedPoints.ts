import { createHash } from 'node:crypto';
import { damageCodes, HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId, PolicyId } from '../../../protocol/ids.ts';
import type { Finding } from '../../../protocol/methods/values.ts';
import type { RestorePointRecord } from '../../catalog/restorePointStore.ts';
import type { ReadManifest } from '../../installation/manifestRecord.ts';
import type { ListedObject, ObjectStore } from '../../locations/objectStore.ts';
import { hexOf } from '../../repository/bytes.ts';
import type { PolicyKeySource } from '../../repository/keySource.ts';
import { manifestReadLength, openManifest, restorePointIdOf } from '../../repository/manifest.ts';
import { parseObjectKey, restorePointsPrefix } from '../../repository/names.ts';
import { RestorePointReader } from '../../repository/restorePointReader.ts';

export interface ImportedPointsRequest {
  readonly store: ObjectStore;
  /** Whose policy it is. */
  readonly installationId: InstallationId;
  readonly policyId: PolicyId;
  readonly keys: PolicyKeySource;
  /** What the catalog has of the policy already. */
  readonly known: readonly RestorePointRecord[];
  readonly signal: AbortSignal;
}

export interface ImportedPoints {
  /** On the owner's list, and not known yet. */
  readonly added: readonly ReadManifest[];
  /** Known, and off the owner's list. What is only not to be seen in the store any more is not among them: somebody may hide it. */
  readonly gone: readonly RestorePointRecord[];
  /** The newest manifest, where one could be read. */
  readonly newest: ReadManifest | undefined;
  /** Manifests that could not be used. */
  readonly damaged: readonly Finding[];
}

interface Listed {
  readonly object: ListedObject;
  readonly sequence: number;
  readonly objectId: string;
}

/**
 * Looks for the restore points of an imported policy: below its own folder of the store, under its own keys, and nowhere else. On the list is what the newest
 * manifest says, so of the others only those are read.
 */
export async function findImportedPoints(request: ImportedPointsRequest): Promise<ImportedPoints> {
  const { known, signal } = request;
  const damaged: Finding[] = [];
  const listed = await listManifests(request, damaged);
  const knownIds = new Set<string>(known.map(({ id }) => id));
  const opened = new Map<string, ReadManifest>();
  const read = async (one: Listed): Promise<ReadManifest | undefined> => {
    const manifest = opened.get(one.object.key) ?? (await openOne(request, one.object, damaged));
    if (manifest !== undefined) opened.set(one.object.key, manifest);
    return manifest;
  };
  let newest: ReadManifest | undefined;
  const tried = new Set<string>();
  for (const one of listed) {
    signal.throwIfAborted();
    tried.add(one.object.key);
    newest = await read(one);
    if (newest !== undefined) break;
  }
  if (newest === undefined) return { added: [], gone: [], newest, damaged };
  const live = await liveOf(request, newest, damaged);
  const top = newest.manifest.sequence;
  const isLive = ({ sequence, objectId }: Pick<Listed, 'sequence' | 'objectId'>): boolean =>
    // Two of the highest sequence are a fork: both are kept.
    live === undefined || live.has(objectId) || sequence === top;
  const added: ReadManifest[] = [];
  for (const one of listed) {
    signal.throwIfAborted();
    if (!isLive(one) || (tried.has(one.object.key) && !opened.has(one.object.key))) continue;
    if (knownIds.has(restorePointIdOf(Buffer.from(one.objectId, 'hex')))) continue;
    const manifest = await read(one);
    if (manifest !== undefined) added.push(manifest);
  }
  const gone = known.filter(({ id, sequence }) => sequence < top && !isLive({ sequence, objectId: id.replaceAll('-', '') }));
  return { added: added.toReversed(), gone, newest, damaged };
}

/** Newest first. */
async function listManifests({ store, installationId, policyId, signal }: ImportedPointsRequest, damaged: Finding[]): Promise<Listed[]> {
  const listed: Listed[] = [];
  for await (const page of store.list(restorePointsPrefix(installationId, policyId), { signal })) {
    for (const object of page) {
      const name = parseObjectKey(object.key);
      if (name?.type === 'manifest') listed.push({ object, sequence: name.sequence, objectId: hexOf(name.objectId) });
      else if (!object.key.slice(object.key.lastIndexOf('/') + 1).startsWith('.')) {
        damaged.push({ path: object.key, reason: 'Its name is none of a restore point.' });
      }
    }
  }
  return listed.toSorted((one, other) => other.sequence - one.sequence || (one.objectId < other.objectId ? 1 : -1));
}

async function openOne(
  { store, policyId, keys, signal }: ImportedPointsRequest,
  { key, versionId }: ListedObject,
  damaged: Finding[],
): Promise<ReadManifest | undefined> {
  const object = await store.get(key, { versionId, length: manifestReadLength, signal });
  if (object === undefined) return undefined;
  try {
    const subject = `restore point ${key.slice(key.lastIndexOf('/') + 1)}`;
    const { manifest, header } = openManifest(object.body, keys, { key, policyId, storeId: store.storeId }, subject);
    const sha256 = createHash('sha256').update(object.body).digest();
    return { key, versionId: object.versionId, sha256, length: object.body.length, manifest, header };
  } catch (error) {
    damaged.push({ path: key, reason: damageOf(error) });
    return undefined;
  }
}

/** Object ids in hex of what was live when the newest one was made; `undefined` where its list can't be read: then all of them are taken. */
async function liveOf(
  { store, keys, policyId, signal }: ImportedPointsRequest,
  { key, sha256, manifest }: ReadManifest,
  damaged: Finding[],
): Promise<ReadonlySet<string> | undefined> {
  const { live } = manifest;
  if (!('count' in live)) return new Set(live.map(({ objectId }) => hexOf(objectId)));
  try {
    const reader = await RestorePointReader.open(store, key, keys, { policyId, storeId: store.storeId, sha256 }, { signal });
    return new Set((await reader.live(signal)).map(({ objectId }) => hexOf(objectId)));
  } catch (error) {
    damaged.push({ path: key, reason: damageOf(error) });
    return undefined;
  }
}

/** Damage is a finding; a store that is away, a signal or a fault of the program is not. */
function damageOf(error: unknown): string {
  if (HoldfastError.is(error, ...damageCodes, 'wrongSecret')) return error.message;
  throw error;
}
