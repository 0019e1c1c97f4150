import { createHash } from 'node:crypto';
import { damageCodes, HoldfastError } from '../../protocol/errors.ts';
import { idOf, type InstallationId, isUuid, type PolicyId } from '../../protocol/ids.ts';
import type { Finding } from '../../protocol/methods/values.ts';
import type { ReadManifest } from '../installation/manifestRecord.ts';
import type { ListedObject, ObjectStore } from '../locations/objectStore.ts';
import type { ObjectHeader } from '../repository/header.ts';
import { hexOf, sameBytes } from '../repository/bytes.ts';
import { IdSet } from '../repository/idSet.ts';
import { historyFindings } from '../repository/history.ts';
import type { PackRow } from '../repository/indexView.ts';
import type { PolicyKeySource } from '../repository/keySource.ts';
import { manifestReadLength, openManifest } from '../repository/manifest.ts';
import type { LiveRestorePoint } from '../repository/liveList.ts';
import type { Head, PinnedIndex } from '../repository/manifestTypes.ts';
import { parseObjectKey, policiesPrefix } from '../repository/names.ts';
import { loadIndex, RestorePointReader } from '../repository/restorePointReader.ts';
import { StoredDates } from './storedDates.ts';
import { headFindings, type KnownObjects, type NamingObject } from './storedHeads.ts';

/** One authentic manifest of a location. */
export interface StoredManifest extends ReadManifest {
  readonly header: ObjectHeader;
  /** When it was stored, as well as that can be told: see `StoredDates`. */
  readonly storedAt: Date;
}

/** What a location holds of one policy. */
export interface StoredPolicy {
  readonly policyId: PolicyId;
  /** By rising sequence. */
  readonly manifests: readonly StoredManifest[];
  /** Those after the time that was asked for, by rising sequence: not wanted, but their sequences are taken. */
  readonly later: readonly StoredManifest[];
  /** Object ids (hex) of the restore points that were live when the newest one was committed, itself included. */
  readonly live: ReadonlySet<string>;
  /** Object ids (hex) of those that the newest one goes back to and does not list as live: somebody retired them. Of others nobody knows. */
  readonly retired: ReadonlySet<string>;
  readonly indexes: readonly PinnedIndex[];
  readonly packs: readonly PackRow[];
  /** Object ids of the packs that the store lists: an index may name others. */
  readonly listedPacks: IdSet;
  /** The highest index sequence that any name claims. */
  readonly lastIndexSequence: number;
}

export interface StoredPolicies {
  readonly policies: readonly StoredPolicy[];
  readonly findings: readonly Finding[];
}

export interface StoredPoliciesRequest {
  readonly store: ObjectStore;
  readonly installationId: InstallationId;
  readonly keysOf: (policyId: PolicyId) => PolicyKeySource;
  /** Only manifests that were stored at or before, as `StoredDates` tells it. */
  readonly at?: string;
  /** The newest authentic keyring, with what it names. */
  readonly keyring?: (NamingObject & Head) | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (manifests: number) => void;
}

/** Reads every manifest of an installation and the indexes that they pin. What cannot be read is a finding; the rest is given. */
export async function readStoredPolicies(request: StoredPoliciesRequest): Promise<StoredPolicies> {
  const { store, installationId, signal } = request;
  const findings: Finding[] = [];
  const listed = new Map<PolicyId, { manifests: ListedObject[]; listedPacks: IdSet; lastIndexSequence: number }>();
  for await (const page of store.list(policiesPrefix(installationId), { signal })) {
    for (const object of page) {
      const name = parseObjectKey(object.key);
      if (name === undefined || name.type === 'keyring' || !isUuid(name.policyId)) {
        if (isInRestorePoints(object.key)) findings.push({ path: object.key, reason: 'Its name is none of a restore point.' });
        continue;
      }
      const policyId = idOf<PolicyId>(name.policyId);
      const policy = listed.get(policyId) ?? { manifests: [], listedPacks: new IdSet(), lastIndexSequence: 0 };
      listed.set(policyId, policy);
      if (name.type === 'manifest') policy.manifests.push(object);
      if (name.type === 'pack') policy.listedPacks.add(name.objectId);
      if (name.type === 'index') policy.lastIndexSequence = Math.max(policy.lastIndexSequence, name.sequence);
    }
  }
  const dates = await StoredDates.of(store, signal);
  const policies: StoredPolicy[] = [];
  const authentic = new Map<PolicyId, readonly StoredManifest[]>();
  let read = 0;
  for (const [policyId, { manifests, listedPacks, lastIndexSequence }] of listed) {
    const keys = request.keysOf(policyId);
    const opened: StoredManifest[] = [];
    for (const object of manifests) {
      signal.throwIfAborted();
      const manifest = await openStored(request, policyId, object, keys, dates, findings);
      if (manifest !== undefined) opened.push(manifest);
      request.onProgress((read += 1));
    }
    opened.sort((a, b) => a.manifest.sequence - b.manifest.sequence);
    authentic.set(policyId, opened);
    reportHistory(opened, findings);
    reportLive(opened, findings);
    const isWanted = ({ storedAt }: StoredManifest): boolean => request.at === undefined || storedAt.toISOString() <= request.at;
    const wanted = opened.filter((stored) => isWanted(stored));
    const later = opened.filter((stored) => !isWanted(stored));
    if (wanted.length === 0) continue;
    const reached = await reachedBy(request, wanted, keys, findings);
    policies.push({ policyId, manifests: wanted, later, listedPacks, lastIndexSequence, ...reached });
  }
  findings.push(...headFindings(namingObjects(request, authentic), knownObjects(request, authentic)));
  return { policies, findings };
}

/** Names that begin with a dot are ignored everywhere. */
function isInRestorePoints(key: string): boolean {
  return key.includes('/restore-points/') && !key.slice(key.lastIndexOf('/') + 1).startsWith('.');
}

function namingObjects({ keyring }: StoredPoliciesRequest, authentic: ReadonlyMap<PolicyId, readonly StoredManifest[]>): NamingObject[] {
  const manifests = [...authentic.values()].flatMap((stored) => stored.map(({ key, manifest }) => ({ key, heads: manifest.heads })));
  return keyring === undefined ? manifests : [...manifests, keyring];
}

function knownObjects({ keyring }: StoredPoliciesRequest, authentic: ReadonlyMap<PolicyId, readonly StoredManifest[]>): KnownObjects {
  const heads = [...authentic].map(
    ([policyId, stored]) => [policyId, stored.map(({ manifest: { sequence }, sha256 }) => ({ sequence, sha256 }))] as const,
  );
  return { policies: new Map(heads), keyrings: keyring === undefined ? [] : [keyring] };
}

/** What short lists of live restore points say; the newest long list is read with its restore point. */
function reportLive(manifests: readonly StoredManifest[], findings: Finding[]): void {
  for (const { key, header, manifest } of manifests) {
    if (!('count' in manifest.live)) findings.push(...liveFindings(key, header, manifest.live, manifests));
  }
}

/** One that is not there was collected; itself, or another one under the same name, is a fault (docs/format.md, live). */
function liveFindings(
  key: string,
  { sequence, objectId }: Pick<ObjectHeader, 'sequence' | 'objectId'>,
  live: readonly LiveRestorePoint[],
  manifests: readonly StoredManifest[],
): readonly Finding[] {
  return live.flatMap((point) => {
    if (point.sequence === sequence && sameBytes(point.objectId, objectId)) return [{ path: key, reason: 'It lists itself as live.' }];
    const found = manifests.find(({ header }) => header.sequence === point.sequence && sameBytes(header.objectId, point.objectId));
    if (found === undefined || sameBytes(found.sha256, point.sha256)) return [];
    return [{ path: key, reason: `Restore point ${point.sequence} is not the one that it lists as live.` }];
  });
}

async function openStored(
  { store, signal }: StoredPoliciesRequest,
  policyId: PolicyId,
  { key, versionId }: ListedObject,
  keys: PolicyKeySource,
  dates: StoredDates,
  findings: Finding[],
): Promise<StoredManifest | undefined> {
  const object = await store.get(key, { versionId, length: manifestReadLength, signal });
  if (object === undefined) return undefined;
  try {
    const { manifest, header } = openManifest(object.body, keys, { key, policyId, storeId: store.storeId }, `restore point ${key}`);
    const sha256 = createHash('sha256').update(object.body).digest();
    const storedAt = dates.storedAt(object.lastModified, manifest.claimed);
    return { key, versionId: object.versionId, sha256, length: object.body.length, manifest, header, storedAt };
  } catch (error) {
    findings.push({ path: key, reason: reasonOf(error) });
    return undefined;
  }
}

function reportHistory(manifests: readonly StoredManifest[], findings: Finding[]): void {
  const points = manifests.map(({ manifest, header, sha256 }) => ({
    sequence: manifest.sequence,
    objectId: header.objectId,
    sha256,
    previous: manifest.previous,
  }));
  for (const { kind, sequence } of historyFindings(points, [])) {
    const key = manifests.find((stored) => stored.manifest.sequence === sequence)?.key ?? '';
    findings.push({
      path: key,
      reason:
        kind === 'fork'
          ? 'Two restore points have this sequence: two machines wrote them.'
          : 'The restore point before it is not the one that it names.',
    });
  }
}

async function reachedBy(
  { store, signal }: StoredPoliciesRequest,
  manifests: readonly StoredManifest[],
  keys: PolicyKeySource,
  findings: Finding[],
): Promise<Pick<StoredPolicy, 'live' | 'retired' | 'indexes' | 'packs'>> {
  const indexes = new Map<string, PinnedIndex>();
  const packs = new Map<string, PackRow>();
  for (const { manifest, header } of manifests) {
    for (const pinned of manifest.indexes) {
      if (indexes.has(pinned.key)) continue;
      try {
        const view = await loadIndex(store, pinned, header, keys, signal);
        for (let row = 0; row < view.packCount; row += 1) {
          const pack = view.pack(row);
          packs.set(hexOf(pack.objectId), {
            ...pack,
            objectId: Uint8Array.from(pack.objectId),
            sha256: Uint8Array.from(pack.sha256),
          });
        }
        indexes.set(pinned.key, pinned);
      } catch (error) {
        findings.push({ path: pinned.key, reason: reasonOf(error) });
      }
    }
  }
  const live = await liveOf(store, manifests, keys, findings, signal);
  return { live, retired: retiredOf(manifests, live), indexes: [...indexes.values()], packs: [...packs.values()] };
}

/**
 * Down the chain of `previous` from the newest manifest, as far as the store has it: what its writer knew. One beside the chain is of a machine that went
 * its own way from a copy of the catalog, and was retired by nobody; below a gap no difference can be seen.
 */
function retiredOf(manifests: readonly StoredManifest[], live: ReadonlySet<string>): ReadonlySet<string> {
  const bySha256 = new Map(manifests.map((stored) => [hexOf(stored.sha256), stored]));
  const retired = new Set<string>();
  let at = manifests.at(-1);
  while (at !== undefined) {
    const objectId = hexOf(at.header.objectId);
    if (!live.has(objectId)) retired.add(objectId);
    const { previous } = at.manifest;
    at = previous === null ? undefined : bySha256.get(hexOf(previous));
  }
  return retired;
}

/** By the newest manifest; where its list cannot be read, all of them. */
async function liveOf(
  store: ObjectStore,
  manifests: readonly StoredManifest[],
  keys: PolicyKeySource,
  findings: Finding[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const newest = manifests.at(-1);
  if (newest === undefined) return new Set();
  try {
    const reader = await RestorePointReader.open(store, newest.key, keys, { storeId: store.storeId, sha256: newest.sha256 }, { signal });
    const live = await reader.live(signal);
    if ('count' in newest.manifest.live) findings.push(...liveFindings(newest.key, newest.header, live, manifests));
    return new Set([hexOf(newest.header.objectId), ...live.map((point) => hexOf(point.objectId))]);
  } catch (error) {
    findings.push({ path: newest.key, reason: reasonOf(error) });
    return new Set(manifests.map(({ header }) => hexOf(header.objectId)));
  }
}

/** Damage is a finding; a store that is away, a signal or a fault of the program is not. */
function reasonOf(error: unknown): string {
  if (HoldfastError.is(error, ...damageCodes, 'wrongSecret')) return error.message;
  throw error;
}
