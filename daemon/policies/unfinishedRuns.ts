import { createHash } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import { type ActionId, type LocationId, uuidBytes } from '../../protocol/ids.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import type { PinnedIndex, UploadingObject } from '../engine/jobs.ts';
import type { Installation } from '../installation/installation.ts';
import { restorePointRecordOf } from '../installation/manifestRecord.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { openObject, sealObject } from '../repository/container.ts';
import { newObjectId, systemEntropy } from '../repository/entropy.ts';
import { IndexBuilder } from '../repository/indexBuilder.ts';
import { IndexView, type PackRow } from '../repository/indexView.ts';
import { keySourceOf } from '../repository/keySource.ts';
import { openManifest } from '../repository/manifest.ts';
import { indexKey, parseObjectKey } from '../repository/names.ts';
import { readPackDirectory } from '../repository/packDirectory.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';
import { CatalogRunLedger } from './runLedger.ts';

export interface UnfinishedRunsOptions {
  readonly installation: Installation;
  readonly wallClock: () => Date;
  readonly onSettled: (facts: Readonly<Record<string, unknown>>) => void;
  readonly onAdopted: (restorePointId: string) => void;
}

/** A run's work at one location. */
interface Place {
  readonly policy: PolicyRecord;
  readonly locationId: LocationId;
  readonly store: ObjectStore;
  readonly signal: AbortSignal;
}

/**
 * What backups left behind that did not come to their end. A manifest that reached the store is adopted: it was put only after everything that it
 * reaches had passed the gate. Packs that no index names get one, so that the next run need not store their data again; where there is no room even
 * for that, they are removed. Indexes stay pinned until a restore point pins them.
 */
export class UnfinishedRuns {
  readonly #options: UnfinishedRunsOptions;

  constructor(options: UnfinishedRunsOptions) {
    this.#options = options;
  }

  /** Looks at every run of this policy that ended and holds pins. */
  async settle(policy: PolicyRecord, locationId: LocationId, store: ObjectStore, signal: AbortSignal): Promise<void> {
    const place: Place = { policy, locationId, store, signal };
    const left = this.#catalog.runPins.left();
    await this.#sweep(place, left);
    for (const actionId of left) await this.#settleRun(place, actionId);
  }

  /** The same for a run that has just failed; a store that is away is looked at before the next run. */
  async settleAfterFailure(policy: PolicyRecord, locationId: LocationId, store: ObjectStore, actionId: ActionId): Promise<void> {
    try {
      await this.#settleRun({ policy, locationId, store, signal: new AbortController().signal }, actionId);
    } catch (error) {
      this.#options.onSettled({ actionId, error });
    }
  }

  /** Indexes that no restore point pins yet: their packs are there to be relied on. */
  async indexes(policy: PolicyRecord, locationId: LocationId, store: ObjectStore, signal: AbortSignal): Promise<readonly PinnedIndex[]> {
    const place: Place = { policy, locationId, store, signal };
    const found: PinnedIndex[] = [];
    for (const actionId of this.#catalog.runPins.left()) {
      for (const key of this.#uploadsOf(place, actionId, 'index')) {
        const opened = await this.#openIndex(place, key);
        if (opened !== undefined) found.push(opened.pinned);
      }
    }
    return found;
  }

  /** Once a restore point pins them, the pins of all ended runs of the policy can go. */
  release(policy: PolicyRecord): void {
    for (const actionId of this.#catalog.runPins.left()) {
      const isOurs = this.#catalog.runPins.of(actionId).every((pin) => pin.objectKey.includes(policy.policyId));
      if (isOurs) this.#catalog.runPins.release(actionId);
    }
  }

  get #catalog(): Installation['catalog'] {
    return this.#options.installation.catalog;
  }

  #keys(policy: PolicyRecord): readonly PolicyKeys[] {
    return this.#options.installation.keys.policyKeysOfAllGenerations(policy.policyId, policy.keyGeneration);
  }

  #uploadsOf({ policy, locationId }: Place, actionId: ActionId, type: 'manifest' | 'index' | 'pack'): readonly string[] {
    return this.#catalog.runPins
      .of(actionId)
      .filter((pin) => pin.reason === 'upload' && pin.locationId === locationId)
      .map((pin) => pin.objectKey)
      .filter((key) => {
        const name = parseObjectKey(key);
        return name?.type === type && name.policyId === policy.policyId;
      });
  }

  /** Gives back the space of puts that a crash cut short. Nobody else puts into the folders of a policy, and no run of it is under way. */
  async #sweep(place: Place, runs: readonly ActionId[]): Promise<void> {
    const { store, signal } = place;
    const types = ['manifest', 'index', 'pack'] as const;
    const keys = runs.flatMap((actionId) => types.flatMap((type) => this.#uploadsOf(place, actionId, type)));
    const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)));
    for (const folder of folders) await store.sweepTemporaries?.(folder, { signal });
  }

  async #settleRun(place: Place, actionId: ActionId): Promise<void> {
    const manifests = this.#uploadsOf(place, actionId, 'manifest');
    const indexes = this.#uploadsOf(place, actionId, 'index');
    const packs = this.#uploadsOf(place, actionId, 'pack');
    if (manifests.length + indexes.length + packs.length === 0) return;
    for (const key of manifests) {
      if (await this.#adopt(place, key)) {
        this.#catalog.runPins.release(actionId);
        return;
      }
    }
    const named = new Set<string>();
    for (const key of indexes) {
      const name = parseObjectKey(key);
      // A sequence that a run has used is never given again, whether or not its put came through.
      if (name?.type === 'index') this.#catalog.sequences.raise(`index/${place.policy.policyId}`, name.sequence);
      const opened = await this.#openIndex(place, key);
      for (const objectId of opened?.packs ?? []) named.add(objectId);
    }
    const unnamed: string[] = [];
    for (const key of packs) {
      if (named.has(key.slice(-32))) continue;
      if (await this.#isStored(place, key)) unnamed.push(key);
    }
    if (unnamed.length === 0) return;
    try {
      await this.#nameIn(place, actionId, unnamed);
    } catch (error) {
      if (!HoldfastError.is(error, 'storeFull')) throw error;
      for (const key of unnamed) await this.#remove(place, key);
      this.#options.onSettled({ actionId, removedPacks: unnamed.length });
    }
  }

  /** Brings the ledger up to date for an object whose put may or may not have come through. */
  async #isStored({ locationId, store, signal }: Place, key: string): Promise<boolean> {
    const known = this.#catalog.objects.get(locationId, key);
    const facts = await store.head(key, { signal });
    const isThere = facts !== undefined && facts.size === known?.size;
    if (known !== undefined) this.#catalog.objects.change(locationId, key, { state: isThere ? 'present' : 'missing' });
    return isThere;
  }

  async #adopt(place: Place, key: string): Promise<boolean> {
    const { policy, locationId, store, signal } = place;
    const object = await store.get(key, { signal });
    if (object === undefined) return false;
    const known = this.#catalog.objects.get(locationId, key);
    const sha256 = createHash('sha256').update(object.body).digest();
    if (known !== undefined && !sha256.equals(known.sha256)) return false;
    const { manifest, header } = openManifest(
      object.body,
      keySourceOf(...this.#keys(policy)),
      { key, policyId: policy.policyId, storeId: store.storeId },
      'a manifest',
    );
    const { versionId } = object;
    const record = restorePointRecordOf({ key, versionId, sha256, length: object.body.length, manifest, header }, store.storeId);
    this.#catalog.transaction(() => {
      this.#catalog.objects.change(locationId, key, { state: 'present', versionId });
      if (this.#catalog.restorePoints.get(record.id) === undefined) this.#catalog.restorePoints.add(record);
      for (const index of manifest.indexes) {
        const name = parseObjectKey(index.key);
        if (name?.type === 'index') this.#catalog.sequences.raise(`index/${policy.policyId}`, name.sequence);
      }
      this.#catalog.sequences.raise(`manifest/${policy.policyId}`, manifest.sequence);
    });
    this.#options.onAdopted(record.id);
    return true;
  }

  async #openIndex(
    { policy, store, signal }: Place,
    key: string,
  ): Promise<{ readonly pinned: PinnedIndex; readonly packs: readonly string[] } | undefined> {
    const object = await store.get(key, { signal });
    const name = parseObjectKey(key);
    if (object === undefined || name?.type !== 'index') return undefined;
    const keys = keySourceOf(...this.#keys(policy));
    const { header, content } = openObject(
      object.body,
      { type: 'index', scopeId: uuidBytes(policy.policyId), storeId: store.storeId, objectId: name.objectId, sequence: name.sequence },
      (found) => {
        const held = keys.byMasterKeyId(found.masterKeyId, found.keyGeneration);
        if (held === undefined) throw new HoldfastError('wrongSecret', 'Failed to read an index: its key is not held.');
        return held.index;
      },
      'an index',
    );
    const view = new IndexView(content, 'an index');
    const packs = Array.from({ length: view.packCount }, (_value, row) => Buffer.from(view.pack(row).objectId).toString('hex'));
    const sha256 = createHash('sha256').update(object.body).digest();
    return {
      pinned: { key, versionId: object.versionId, length: object.body.length, sha256, objectId: header.objectId, salt: header.salt },
      packs,
    };
  }

  /** Reads the directories of packs and puts an index that names them. */
  async #nameIn({ policy, locationId, store, signal }: Place, actionId: ActionId, packs: readonly string[]): Promise<void> {
    const { installation, wallClock } = this.#options;
    const [newest] = this.#keys(policy);
    const keys = keySourceOf(...this.#keys(policy));
    if (newest === undefined) return;
    const builder = new IndexBuilder();
    for (const key of packs) {
      const object = await store.get(key, { signal });
      const name = parseObjectKey(key);
      if (object === undefined || name?.type !== 'pack') continue;
      const { header, content } = openObject(
        object.body,
        { type: 'pack', scopeId: uuidBytes(policy.policyId), storeId: store.storeId, objectId: name.objectId },
        (found) => (keys.byMasterKeyId(found.masterKeyId, found.keyGeneration) ?? newest).pack,
        'a pack',
      );
      const row: PackRow = {
        objectId: header.objectId,
        salt: header.salt,
        keyGeneration: header.keyGeneration,
        keyEpoch: newest.keyEpoch,
        storedLength: object.body.length,
        sha256: createHash('sha256').update(object.body).digest(),
        versionId: object.versionId,
      };
      builder.addPack(row, readPackDirectory(content, 'a pack'));
    }
    const ledger = new CatalogRunLedger({
      catalog: installation.catalog,
      actionId,
      installationId: newest.installationId,
      locationId,
      policyId: policy.policyId,
      wallClock,
    });
    for (const content of builder.encode()) {
      const sequence = installation.catalog.sequences.next(`index/${policy.policyId}`);
      const objectId = newObjectId(systemEntropy);
      const sealed = sealObject(
        newest.index,
        {
          type: 'index',
          keyGeneration: newest.keyGeneration,
          installationId: newest.installationId,
          masterKeyId: newest.masterKeyId,
          scopeId: uuidBytes(policy.policyId),
          objectId,
          sequence,
          storeId: store.storeId,
        },
        content,
        systemEntropy,
      );
      const object: UploadingObject = {
        key: indexKey(newest.installationId, policy.policyId, sequence, objectId),
        kind: 'index',
        objectId,
        length: sealed.bytes.length,
        sha256: sealed.sha256,
      };
      await ledger.uploading(object);
      const { versionId } = await store.put(object.key, sealed.bytes, { signal });
      await ledger.uploaded({ ...object, versionId });
    }
    this.#options.onSettled({ actionId, namedPacks: packs.length });
  }

  /** Only what a run of this installation put itself and nothing names: nobody else can rely on it. */
  async #remove({ locationId, store, signal }: Place, key: string): Promise<void> {
    const object = this.#catalog.objects.get(locationId, key);
    if (object === undefined) return;
    this.#catalog.objects.change(locationId, key, { state: 'deleting' });
    await store.delete(key, object.versionId, { signal });
    this.#catalog.objects.change(locationId, key, { state: 'missing' });
  }
}
