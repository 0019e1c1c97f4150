import { createHash } from 'node:crypto';
import { damageCodes, HoldfastError } from '../../protocol/errors.ts';
import type { ActionId, LocationId } from '../../protocol/ids.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import { noDetails } from '../catalog/restorePointDetails.ts';
import type { RestorePointRecord } from '../catalog/restorePointStore.ts';
import type { PinnedIndex } from '../engine/jobs.ts';
import type { Installation } from '../installation/installation.ts';
import { restorePointRecordOf } from '../installation/manifestRecord.ts';
import type { ObjectFacts } from '../locations/objectStore.ts';
import type { OpenLocation, OpenLocks } from '../installation/locationStores.ts';
import { keySourceOf } from '../repository/keySource.ts';
import { manifestReadLength, type OpenedManifest, openManifest } from '../repository/manifest.ts';
import { indexesPrefix, parseObjectKey, restorePointsPrefix } from '../repository/names.ts';
import { namedIn } from './garbage/condemnedLists.ts';
import { bookToRead } from './garbage/reliance.ts';
import { namePacks, openLeftIndex, type RunPlace } from './leftIndexes.ts';

export interface UnfinishedRunsOptions {
  readonly installation: Installation;
  readonly wallClock: () => Date;
  readonly onSettled: (facts: Readonly<Record<string, unknown>>) => void;
  readonly onAdopted: (restorePointId: string) => void;
}

/**
 * What backups left behind that did not come to their end. A manifest that reached the store is adopted: it was put only after everything that it
 * reaches had passed the gate. Packs that no index names get one, so that the next run need not store their data again; where there is no room even
 * for that, they are removed, unless somebody else may rely on them. Indexes stay pinned until a restore point pins them.
 */
export class UnfinishedRuns {
  readonly #options: UnfinishedRunsOptions;

  constructor(options: UnfinishedRunsOptions) {
    this.#options = options;
  }

  /** Looks at every run of this policy that ended and holds pins. */
  async settle(policy: PolicyRecord, at: OpenLocation, signal: AbortSignal): Promise<void> {
    const place = this.#place(policy, at, signal);
    const left = this.#catalog.runPins.left();
    await this.#sweep(place, left);
    for (const actionId of left) await this.#settleRun(place, actionId);
  }

  /** The same for a run that has just failed; a store that is away is looked at before the next run. */
  async settleAfterFailure(policy: PolicyRecord, at: OpenLocation, actionId: ActionId): Promise<void> {
    try {
      await this.#settleRun(this.#place(policy, at, new AbortController().signal), actionId);
    } catch (error) {
      this.#options.onSettled({ actionId, error });
    }
  }

  /** Takes back the manifests of a run that the gate refused after they were put: a second attempt gives their sequence to another one. */
  async withdraw(policy: PolicyRecord, at: OpenLocation, actionId: ActionId, signal: AbortSignal): Promise<void> {
    const place = this.#place(policy, at, signal);
    for (const key of this.#uploadsOf(place, actionId, 'manifest')) await this.#withdraw(place, actionId, key);
  }

  /**
   * One that is locked stays in the store for as long: it takes its place in the chain of its policy as a restore point that nobody wants, so that the next
   * manifest goes on from it and a later collection takes it.
   */
  async #withdraw(place: RunPlace, actionId: ActionId, key: string): Promise<void> {
    if ((await this.#takeBack(place, actionId, key)) !== 'locked') return;
    const opened = await this.#openManifest(place, key);
    if (opened === undefined || this.#catalog.restorePoints.get(opened.record.id) !== undefined) return;
    const { record, manifest } = opened;
    const warnings = [...manifest.warnings, 'It was not acknowledged: something that it needs was gone.'];
    const details = { ...noDetails, warnings, statistics: manifest.statistics };
    this.#catalog.transaction(() => {
      this.#catalog.restorePoints.add({ ...record, outcome: 'completeWithWarnings', state: 'retired', details });
      this.#catalog.sequences.raise(`manifest/${record.policyId}`, record.sequence);
    });
  }

  /** Indexes that no restore point pins yet: their packs are there to be relied on. */
  async indexes(policy: PolicyRecord, at: OpenLocation, signal: AbortSignal): Promise<readonly PinnedIndex[]> {
    const place = this.#place(policy, at, signal);
    const found: PinnedIndex[] = [];
    for (const actionId of this.#catalog.runPins.left()) {
      for (const key of this.#uploadsOf(place, actionId, 'index')) {
        const opened = await openLeftIndex(place, key);
        if (opened !== undefined) found.push(opened.pinned);
      }
    }
    return found;
  }

  /** Once a restore point pins them, the pins of ended runs of the policy at this location can go; those at another one are looked at when it is back there. */
  release(policy: PolicyRecord, locationId: LocationId): void {
    for (const actionId of this.#catalog.runPins.left()) {
      const pins = this.#catalog.runPins.of(actionId);
      const isOurs = pins.every((pin) => pin.locationId === locationId && pin.objectKey.includes(policy.policyId));
      if (isOurs) this.#catalog.runPins.release(actionId);
    }
  }

  get #catalog(): Installation['catalog'] {
    return this.#options.installation.catalog;
  }

  #place(policy: PolicyRecord, { record: { locationId }, store, locks }: OpenLocation, signal: AbortSignal): RunPlace {
    const keys = this.#options.installation.keys.policyKeysOfAllGenerations(policy.policyId, policy.keyGeneration);
    return { policy, locationId, store, locks, keys, signal };
  }

  #uploadsOf({ policy, locationId }: RunPlace, actionId: ActionId, type: 'manifest' | 'index' | 'pack'): readonly string[] {
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
  async #sweep(place: RunPlace, runs: readonly ActionId[]): Promise<void> {
    const { store, signal } = place;
    const types = ['manifest', 'index', 'pack'] as const;
    const keys = runs.flatMap((actionId) => types.flatMap((type) => this.#uploadsOf(place, actionId, type)));
    const folders = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('/') + 1)));
    for (const folder of folders) await store.sweepTemporaries?.(folder, { signal });
  }

  async #settleRun(place: RunPlace, actionId: ActionId): Promise<void> {
    const manifests = this.#uploadsOf(place, actionId, 'manifest');
    const indexes = this.#uploadsOf(place, actionId, 'index');
    const packs = this.#uploadsOf(place, actionId, 'pack');
    if (manifests.length + indexes.length + packs.length === 0) return;
    for (const key of manifests) {
      if (await this.#adopt(place, actionId, key)) {
        this.#catalog.runPins.release(actionId);
        return;
      }
    }
    const named = await this.#namedBy(place, indexes);
    const unnamed: string[] = [];
    for (const key of packs) {
      if (named.has(key.slice(-32))) continue;
      if (this.#catalog.objects.get(place.locationId, key)?.state === 'deleting') await this.#takeBack(place, actionId, key);
      else if (await this.#isStored(place, key)) unnamed.push(key);
    }
    if (unnamed.length === 0) return;
    const { wallClock, onSettled } = this.#options;
    try {
      const namedPacks = await namePacks(place, { catalog: this.#catalog, wallClock, actionId, packs: unnamed });
      onSettled({ actionId, namedPacks });
    } catch (error) {
      if (!HoldfastError.is(error, 'storeFull')) throw error;
      if (!(await this.#knowsAllReaders(place))) {
        onSettled({ actionId, keptPacks: unnamed.length });
        return;
      }
      // One of several indexes may have come through, and what it names is relied on.
      const namedNow = await this.#namedBy(place, this.#uploadsOf(place, actionId, 'index'));
      let removedPacks = 0;
      for (const key of unnamed) {
        if (!namedNow.has(key.slice(-32)) && (await this.#takeBack(place, actionId, key)) === 'gone') removedPacks += 1;
      }
      onSettled({ actionId, removedPacks });
    }
  }

  /**
   * Whether the catalog knows every index and manifest of the policy in the store. Where it does not, it is older than the store, or a copy: then the run
   * that it calls cut short may have come to its end there, and restore points may reach what it put.
   */
  async #knowsAllReaders({ policy, locationId, store, keys, signal }: RunPlace): Promise<boolean> {
    const [newest] = keys;
    if (newest === undefined) return false;
    for (const prefix of [indexesPrefix, restorePointsPrefix]) {
      for await (const page of store.list(prefix(newest.installationId, policy.policyId), { signal })) {
        for (const { key } of page) if (this.#catalog.objects.get(locationId, key) === undefined) return false;
      }
    }
    return true;
  }

  /** Object ids (hex) of the packs that these indexes name. */
  async #namedBy(place: RunPlace, indexes: readonly string[]): Promise<ReadonlySet<string>> {
    const named = new Set<string>();
    for (const key of indexes) {
      const name = parseObjectKey(key);
      // A sequence that a run has used is never given again, whether or not its put came through.
      if (name?.type === 'index') this.#catalog.sequences.raise(`index/${place.policy.policyId}`, name.sequence);
      const opened = await openLeftIndex(place, key);
      for (const objectId of opened?.packs ?? []) named.add(objectId);
    }
    return named;
  }

  /**
   * The gate marks what it did not find: a manifest whose reach it refused must not come to be listed. Since nobody knows how far the gate came, it is
   * passed again: the lists of condemned objects first, then every object that the run put or relied on.
   */
  async #reachIsThere({ locationId, store, locks, keys, signal }: RunPlace, actionId: ActionId): Promise<boolean> {
    const condemned = namedIn(await bookToRead(store, keys[0], locks !== undefined).read(signal));
    for (const pin of this.#catalog.runPins.of(actionId)) {
      const name = parseObjectKey(pin.objectKey);
      if (pin.locationId !== locationId || name === undefined || name.type === 'manifest') continue;
      const known = this.#catalog.objects.get(locationId, pin.objectKey);
      if ((known !== undefined && known.state !== 'present') || condemned.has(name.objectId)) return false;
      const facts = await store.head(pin.objectKey, { signal });
      if (facts === undefined || (known !== undefined && facts.size !== known.size)) return false;
      if (locks !== undefined && !(await this.#isHeld(locks, locationId, facts, signal))) return false;
    }
    return true;
  }

  /** Also of a lock that the run before its end had not read back. */
  async #isHeld({ keeper }: OpenLocks, locationId: LocationId, { key, versionId }: ObjectFacts, signal: AbortSignal): Promise<boolean> {
    const held = versionId === null ? undefined : await keeper.hold({ key, versionId, retainUntil: null }, { signal });
    if (held?.readAt === undefined || held.readAt === null) return false;
    const lock = { retainUntil: held.retainUntil.toISOString(), lockReadAt: held.readAt.toISOString() };
    return this.#catalog.objects.change(locationId, key, { versionId, ...lock });
  }

  /** Brings the ledger up to date for an object whose put may or may not have come through. */
  async #isStored({ locationId, store, signal }: RunPlace, key: string): Promise<boolean> {
    const known = this.#catalog.objects.get(locationId, key);
    const facts = await store.head(key, { signal });
    const isThere = facts !== undefined && facts.size === known?.size;
    if (known !== undefined) this.#catalog.objects.change(locationId, key, { state: isThere ? 'present' : 'missing' });
    return isThere;
  }

  /** `undefined` where it is not there, or is not what was put. */
  async #openManifest(
    place: RunPlace,
    key: string,
  ): Promise<(OpenedManifest & { readonly object: ObjectFacts; readonly record: RestorePointRecord }) | undefined> {
    const { policy, locationId, store, keys, signal } = place;
    const object = await store.get(key, { length: manifestReadLength, signal });
    if (object === undefined) return undefined;
    const known = this.#catalog.objects.get(locationId, key);
    const sha256 = createHash('sha256').update(object.body).digest();
    if (known !== undefined && !sha256.equals(known.sha256)) return undefined;
    const expected = { key, policyId: policy.policyId, storeId: store.storeId };
    try {
      const opened = openManifest(object.body, keySourceOf(...keys), expected, 'a manifest');
      const read = { key, versionId: object.versionId, sha256, length: object.body.length, ...opened };
      return { ...opened, object, record: restorePointRecordOf(read, store.storeId) };
    } catch (error) {
      if (!HoldfastError.is(error, ...damageCodes)) throw error;
      this.#options.onSettled({ manifest: key, error });
      return undefined;
    }
  }

  async #adopt(place: RunPlace, actionId: ActionId, key: string): Promise<boolean> {
    const { policy, locationId, locks, signal } = place;
    const opened = await this.#openManifest(place, key);
    // A retired one was withdrawn before, and is locked.
    if (opened === undefined || this.#catalog.restorePoints.get(opened.record.id)?.state === 'retired') return false;
    if (!(await this.#reachIsThere(place, actionId))) {
      await this.#withdraw(place, actionId, key);
      return false;
    }
    const { manifest, record, object } = opened;
    const { versionId } = object;
    if (locks !== undefined && !(await this.#isHeld(locks, locationId, object, signal))) return false;
    this.#catalog.transaction(() => {
      this.#catalog.objects.change(locationId, key, { state: 'present', versionId });
      if (this.#catalog.restorePoints.get(record.id) === undefined) this.#catalog.restorePoints.add(record);
      if (locks !== undefined) {
        // The run pinned all that it put and relied on.
        const numbers = this.#catalog.runPins
          .of(actionId)
          .flatMap((pin) => (pin.locationId === locationId ? (this.#catalog.objects.get(locationId, pin.objectKey)?.number ?? []) : []));
        this.#catalog.reaches.record({ restorePointId: record.id, locationId, policyId: policy.policyId }, numbers);
      }
      for (const index of manifest.indexes) {
        const name = parseObjectKey(index.key);
        if (name?.type === 'index') this.#catalog.sequences.raise(`index/${policy.policyId}`, name.sequence);
      }
      this.#catalog.sequences.raise(`manifest/${policy.policyId}`, manifest.sequence);
    });
    this.#options.onAdopted(record.id);
    return true;
  }

  /** Only what a run of this installation put itself and nothing names. `pinned` by another run it stays; `locked` it is what it was before. */
  async #takeBack({ locationId, store, signal }: RunPlace, actionId: ActionId, key: string): Promise<'gone' | 'pinned' | 'locked'> {
    const object = this.#catalog.objects.get(locationId, key);
    if (object === undefined || !this.#catalog.beginTakingBack(actionId, locationId, key)) return 'pinned';
    try {
      await store.delete(key, object.versionId, { signal });
    } catch (error) {
      if (!HoldfastError.is(error, 'lockRefused')) throw error;
      this.#catalog.objects.change(locationId, key, { state: 'present' });
      return 'locked';
    }
    this.#catalog.objects.change(locationId, key, { state: 'missing' });
    return 'gone';
  }
}
