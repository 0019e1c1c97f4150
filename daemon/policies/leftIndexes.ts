import { createHash } from 'node:crypto';
import { damageCodes, HoldfastError } from '../../protocol/errors.ts';
import { type ActionId, type LocationId, uuidBytes } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import type { PinnedIndex, UploadingObject } from '../engine/jobs.ts';
import type { OpenLocks } from '../installation/locationStores.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { openObject, sealObject } from '../repository/container.ts';
import { newObjectId, systemEntropy } from '../repository/entropy.ts';
import { IndexBuilder } from '../repository/indexBuilder.ts';
import { IndexView, type PackRow } from '../repository/indexView.ts';
import { keySourceOf } from '../repository/keySource.ts';
import { indexKey, parseObjectKey } from '../repository/names.ts';
import { type PackDirectory, readPackDirectory } from '../repository/packDirectory.ts';
import { maxPackStoredLength } from '../repository/padding.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';
import { CatalogRunLedger } from './runLedger.ts';

/** A policy's objects at one location. */
export interface RunPlace {
  readonly policy: PolicyRecord;
  readonly locationId: LocationId;
  readonly store: ObjectStore;
  /** At a location with locks. */
  readonly locks: OpenLocks | undefined;
  /** Of every generation, newest first. */
  readonly keys: readonly PolicyKeys[];
  readonly signal: AbortSignal;
}

/** An index that a cut-short run put. */
export interface LeftIndex {
  readonly pinned: PinnedIndex;
  /** Object ids of the packs that it names, in hex. */
  readonly packs: readonly string[];
}

/** `undefined` where the index is not there, or is not what was put: its packs get another one then. Rejects as stores do. */
export async function openLeftIndex(place: RunPlace, key: string): Promise<LeftIndex | undefined> {
  const { policy, store, signal } = place;
  const object = await store.get(key, { signal });
  const name = parseObjectKey(key);
  if (object === undefined || name?.type !== 'index') return undefined;
  return unlessDamaged(() => {
    const { header, content } = openObject(
      object.body,
      { type: 'index', scopeId: uuidBytes(policy.policyId), storeId: store.storeId, objectId: name.objectId, sequence: name.sequence },
      (found) => keysFor(place, found).index,
      'an index',
    );
    const view = new IndexView(content, 'an index');
    const packs = Array.from({ length: view.packCount }, (_value, row) => Buffer.from(view.pack(row).objectId).toString('hex'));
    const sha256 = createHash('sha256').update(object.body).digest();
    return {
      pinned: { key, versionId: object.versionId, length: object.body.length, sha256, objectId: header.objectId, salt: header.salt },
      packs,
    };
  });
}

export interface NamePacksRequest {
  readonly catalog: Catalog;
  readonly wallClock: () => Date;
  /** The run that put the packs; the indexes are pinned for it. */
  readonly actionId: ActionId;
  /** Keys of packs that no index names. */
  readonly packs: readonly string[];
}

/**
 * Reads the directories of packs and puts indexes that name them; gives their count. A pack that is damaged is missing from then on. Rejects as stores
 * do: after `storeFull` some of the indexes may be there.
 */
export async function namePacks(place: RunPlace, request: NamePacksRequest): Promise<number> {
  const { policy, locationId, store, signal } = place;
  const { catalog, wallClock, actionId } = request;
  const { installationId, keyGeneration, masterKeyId, index } = newestKeys(place);
  const builder = new IndexBuilder();
  for (const key of request.packs) {
    const read = await readPack(place, key);
    if (read === undefined) catalog.objects.change(locationId, key, { state: 'missing' });
    else builder.addPack(read.row, read.directory);
  }
  if (builder.packCount === 0) return 0;
  const { policyId } = policy;
  const ledger = new CatalogRunLedger({ catalog, actionId, installationId, locationId, policyId, wallClock });
  for (const content of builder.encode()) {
    const sequence = catalog.sequences.next(`index/${policyId}`);
    const objectId = newObjectId(systemEntropy);
    const identity = { type: 'index', keyGeneration, installationId, masterKeyId, objectId, sequence, storeId: store.storeId } as const;
    const sealed = sealObject(index, { ...identity, scopeId: uuidBytes(policyId) }, content, systemEntropy);
    const object: UploadingObject = {
      key: indexKey(installationId, policyId, sequence, objectId),
      kind: 'index',
      objectId,
      length: sealed.bytes.length,
      sha256: sealed.sha256,
    };
    await ledger.uploading(object);
    const { versionId } = await store.put(object.key, sealed.bytes, { signal });
    await ledger.uploaded({ ...object, versionId });
  }
  return builder.packCount;
}

async function readPack(place: RunPlace, key: string): Promise<{ readonly row: PackRow; readonly directory: PackDirectory } | undefined> {
  const { policy, store, signal } = place;
  const object = await store.get(key, { length: maxPackStoredLength + 1, signal });
  const name = parseObjectKey(key);
  if (object === undefined || name?.type !== 'pack') return undefined;
  return unlessDamaged(() => {
    const { header, content } = openObject(
      object.body,
      { type: 'pack', scopeId: uuidBytes(policy.policyId), storeId: store.storeId, objectId: name.objectId },
      (found) => keysFor(place, found).pack,
      'a pack',
    );
    const { objectId, salt, keyGeneration } = header;
    const { keyEpoch } = keysFor(place, header);
    const sha256 = createHash('sha256').update(object.body).digest();
    const row = { objectId, salt, keyGeneration, keyEpoch, storedLength: object.body.length, sha256, versionId: object.versionId };
    return { row, directory: readPackDirectory(content, 'a pack') };
  });
}

function newestKeys({ keys }: RunPlace): PolicyKeys {
  const [newest] = keys;
  if (newest === undefined) throw new HoldfastError('locked', 'Failed to look at unfinished runs: no key is held.');
  return newest;
}

function keysFor({ keys }: RunPlace, header: { readonly masterKeyId: Uint8Array; readonly keyGeneration: number }): PolicyKeys {
  const held = keySourceOf(...keys).byMasterKeyId(header.masterKeyId, header.keyGeneration);
  if (held === undefined) throw new HoldfastError('tampered', 'Failed to read what an unfinished run left: its key is not held.');
  return held;
}

function unlessDamaged<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (!HoldfastError.is(error, ...damageCodes)) throw error;
    return undefined;
  }
}
