import { createSecretKey } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { Catalog } from '../../daemon/catalog/catalog.ts';
import type { RecordedObject } from '../../daemon/catalog/objectLedger.ts';
import { migrate } from '../../daemon/catalog/migrate.ts';
import { migrations } from '../../daemon/catalog/schema.ts';
import type { PinnedIndex, RunLedger, UploadedObject, UploadingObject } from '../../daemon/engine/jobs.ts';
import type { ObjectStore } from '../../daemon/locations/objectStore.ts';
import { passCommitGate } from '../../daemon/policies/commitGate.ts';
import { type CondemnedBook, CondemnedLists, namedIn } from '../../daemon/policies/garbage/condemnedLists.ts';
import { type Reliance, relyOn, takeCondemned } from '../../daemon/policies/garbage/reliance.ts';
import { type ReachReader, sweep } from '../../daemon/policies/garbage/sweep.ts';
import { applyRetention } from '../../daemon/policies/retention/retention.ts';
import { CatalogRunLedger } from '../../daemon/policies/runLedger.ts';
import { IdSet } from '../../daemon/repository/idSet.ts';
import { restorePointIdOf } from '../../daemon/repository/manifest.ts';
import { indexKey, packKey, parseObjectKey, restorePointKey } from '../../daemon/repository/names.ts';
import { refusal } from '../../daemon/repository/refusal.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { Retention } from '../../protocol/methods/policies.ts';
import { type ActionId, idOf, type InstallationId, type PolicyId, type RestorePointId, uuidText } from '../../protocol/ids.ts';
import { someAction, someLocation, somePoint, somePolicy } from './catalog.ts';
import { MemoryStore } from './memoryStore.ts';
import { LockedModelStore, withoutKeys } from './modelLocks.ts';
import { facts, packsNeeded, type ModelIndex, type ModelManifest, ModelReach, parsed, pinned } from './modelRepository.ts';
import { SeededRandom } from './random.ts';
import { Crashed, Task, TurnStore } from './turns.ts';

const hour = 3_600_000;
/** Chunks that a run finds again at most: histories stay short. */
const knownMost = 5;
/** Indexes that a run goes on with at most. */
const indexesMost = 4;

/** The parts of the product that a mutant replaces. Each gets the real one. */
export interface Seams {
  readonly ledger?: (real: RunLedger, owner: Owner, actionId: ActionId) => RunLedger;
  readonly pinHits?: (owner: Owner, actionId: ActionId, keys: readonly string[]) => readonly string[];
  readonly condemn?: (owner: Owner, key: string, isReached: () => boolean, found?: RecordedObject) => boolean;
  readonly beginDelete?: (owner: Owner, key: string, isReached: () => boolean) => boolean;
  readonly reliance?: (real: Reliance, indexes: readonly PinnedIndex[]) => Reliance;
  readonly writersBook?: (real: CondemnedBook) => CondemnedBook;
  readonly sweepersBook?: (real: CondemnedBook, owner: Owner) => CondemnedBook;
  readonly sweepersStore?: (real: ObjectStore, owner: Owner) => ObjectStore;
  readonly reach?: (real: ReachReader, owner: Owner) => ReachReader;
  readonly atRestart?: (owner: Owner) => void;
  readonly adoptsAnything?: boolean;
}

export interface World {
  readonly owners: 1 | 2;
  readonly seams: Seams;
  /**
   * A location with locks. What keeps two owners apart there: the gate extends what it lets pass, and collections need no lists; or, as it was not built, it
   * looks alone. Without lists a collection goes by the ends of locks.
   */
  readonly locks?: { readonly gate: 'extends' | 'looks'; readonly lists: boolean };
}

interface Acknowledged {
  readonly key: string;
  readonly manifest: ModelManifest;
}

class ModelCatalog extends Catalog {
  readonly database: DatabaseSync;
  owner: Owner | undefined;
  seams: Seams = {};

  constructor(database: DatabaseSync) {
    super(database);
    this.database = database;
  }

  realCondemn(key: string, isReached: () => boolean, found?: RecordedObject): boolean {
    return super.condemn(ofOwner(this.owner).locationId, key, isReached, found);
  }

  realBeginDelete(key: string, isReached: () => boolean): boolean {
    return super.beginDelete(ofOwner(this.owner).locationId, key, isReached);
  }

  realPinHits(actionId: ActionId, keys: readonly string[]): readonly string[] {
    return super.pinHits(actionId, ofOwner(this.owner).locationId, keys);
  }

  override condemn(_location: Owner['locationId'], key: string, isReached: () => boolean = () => false, found?: RecordedObject): boolean {
    return this.seams.condemn?.(ofOwner(this.owner), key, isReached, found) ?? this.realCondemn(key, isReached, found);
  }

  override beginDelete(_location: Owner['locationId'], key: string, isReached: () => boolean = () => false): boolean {
    return this.seams.beginDelete?.(ofOwner(this.owner), key, isReached) ?? this.realBeginDelete(key, isReached);
  }

  override pinHits(actionId: ActionId, _location: Owner['locationId'], keys: readonly string[]): readonly string[] {
    return this.seams.pinHits?.(ofOwner(this.owner), actionId, keys) ?? this.realPinHits(actionId, keys);
  }
}

function ofOwner(owner: Owner | undefined): Owner {
  if (owner === undefined) throw new Error('the catalog has no owner yet');
  return owner;
}

/** One installation: its catalog outlives its crashes. */
export class Owner {
  readonly catalog: ModelCatalog;
  readonly locationId: ReturnType<typeof someLocation>['locationId'];
  /** Restore points that its user retired. */
  readonly retired: Set<RestorePointId> = new Set();
  tasks: Task[] = [];

  constructor(catalog: ModelCatalog, locationId: Owner['locationId']) {
    this.catalog = catalog;
    this.locationId = locationId;
    catalog.owner = this;
  }

  is(name: string): boolean {
    return this.tasks.some((task) => task.name === name && !task.isDone);
  }
}

/** A store, one or two installations, and a clock; what happens when is up to the seed. */
export class GarbageModel {
  readonly store: MemoryStore;
  readonly owners: Owner[] = [];
  readonly acknowledged: Map<RestorePointId, Acknowledged> = new Map();
  /** Of sweeps and runs that ended with one that nobody foresaw. */
  readonly unforeseen: unknown[] = [];
  readonly counts: { runs: number; sweeps: number; freed: number; crashes: number; retries: number } = {
    runs: 0,
    sweeps: 0,
    freed: 0,
    crashes: 0,
    retries: 0,
  };
  readonly #random: SeededRandom;
  readonly #world: World;
  readonly #installationId: InstallationId;
  readonly #policyId: PolicyId;
  readonly #locked: LockedModelStore | undefined;
  /** Manifests that were withdrawn while they were locked: they stay, and count for nobody. */
  readonly #withdrawn: Set<string> = new Set();
  readonly #ownerKey = createSecretKey(Buffer.alloc(32, 7));
  #now = Date.UTC(2026, 0, 1);
  #skew = 0;
  #chunk = 0;
  /** Requests of processes that are gone. */
  #onTheWay: (() => Promise<void>)[] = [];
  /** Manifests and indexes that cannot be read for now. */
  readonly #unreadable: Set<string> = new Set();

  constructor(seed: number, world: World) {
    this.#random = new SeededRandom(seed);
    this.#world = world;
    this.#installationId = idOf(uuidText(this.#random.bytes(16)));
    const storeId = idOf<ReturnType<typeof someLocation>['storeId']>(uuidText(this.#random.bytes(16)));
    this.store = new MemoryStore({ now: () => this.#now, storeId });
    if (world.locks !== undefined) this.#locked = new LockedModelStore(this.store, () => this.#now);
    const catalog = newCatalog();
    const location = someLocation({ storeId });
    catalog.locations.add(location);
    const policy = somePolicy(location.locationId);
    catalog.policies.add(policy);
    this.#policyId = policy.policyId;
    this.owners.push(new Owner(catalog, location.locationId));
  }

  /** Lives for so many steps, lets everything come to its end, and gives what is wrong then. */
  async live(steps: number): Promise<readonly string[]> {
    const [first] = this.owners;
    if (first === undefined) throw new Error('nobody lives here');
    for (let run = 0; run < 3; run += 1) {
      await this.#begin(first, 'run');
      await this.#drain();
    }
    if (this.#world.owners === 2) this.owners.push(new Owner(cloneOf(first.catalog), first.locationId));
    for (const { catalog } of this.owners) catalog.seams = this.#world.seams;
    for (let step = 0; step < steps; step += 1) {
      const before = this.#now;
      await this.#step();
      if (this.#now > before) this.#keepLocked();
    }
    await this.#drain();
    return this.losses();
  }

  /** One installation runs every so many hours; retention and a collection follow each run. Gives what is live afterwards, and how many manifests are stored. */
  async runAndCollect(hours: number, rules: Retention, timeZone: string): Promise<{ readonly live: number; readonly manifests: number }> {
    const [owner] = this.owners;
    if (owner === undefined) throw new Error('nobody lives here');
    this.#now += hours * hour;
    await this.#begin(owner, 'run');
    await this.#drain();
    const { restorePoints } = owner.catalog;
    const live = restorePoints.live(this.#policyId);
    const points = live.map(({ id, sequence, startedAt }) => ({ id, sequence, startedAt, pinned: false, damaged: false }));
    const gone = new Set(applyRetention(points, rules, timeZone).flatMap(({ id, keep }) => (keep ? [] : [id])));
    for (const { id } of live.filter((point) => gone.has(point.id))) {
      restorePoints.setState(id, 'retired');
      owner.retired.add(id);
    }
    await this.#begin(owner, 'sweep');
    await this.#drain();
    const manifests = this.store.keys().filter((key) => parseObjectKey(key)?.type === 'manifest').length;
    return { live: live.length - gone.size, manifests };
  }

  /** Restore points that were acknowledged, that nobody retired, and of which something is not there. */
  losses(): readonly string[] {
    const lost: string[] = [];
    for (const [id, { key, manifest }] of this.acknowledged) {
      if (this.owners.some(({ retired }) => retired.has(id))) continue;
      const missing = [key, ...manifest.indexes.map((index) => index.key)].filter((each) => this.#bytes(each) === undefined);
      const packs = manifest.indexes.flatMap((index) => Object.entries(this.#index(index.key) ?? {}));
      for (const chunk of manifest.needs) {
        const isThere = packs.some(([name, ids]) => name === chunk && ids.some((pack) => this.#bytes(this.#packKey(pack)) !== undefined));
        if (!isThere) missing.push(`chunk ${chunk}`);
      }
      if (missing.length > 0) lost.push(`${id}: ${missing.join(', ')}`);
    }
    return lost;
  }

  async #step(): Promise<void> {
    const owner = this.#pick(this.owners);
    const roll = this.#random.below(100);
    if (roll < 5) this.#now += (this.#locked === undefined ? this.#random.between(4, 50) : this.#random.between(40, 70)) * hour;
    else if (roll === 5) this.#now -= this.#random.between(1, 60) * hour;
    else if (roll === 6) this.#skew = this.#random.between(-60, 60) * 24 * hour;
    else if (roll === 7) this.#crash(owner);
    else if (roll === 8 && this.#random.below(2) === 0) this.#spoilOrHeal();
    else if (roll < 13) this.#stall();
    else if (roll === 13) await this.#arrive();
    else if (roll < 17) this.#retire(owner);
    else if (roll < 22 && !owner.is('run')) await this.#begin(owner, 'run');
    else if (roll < 30 && !owner.is('sweep')) await this.#begin(owner, 'sweep');
    else await this.#advance();
  }

  /** What the monitors of all owners keep: what is live, with all that it reaches, and what a run has put or relies on. */
  #keepLocked(): void {
    for (const { catalog } of this.owners) {
      const live = catalog.restorePoints.live(this.#policyId).flatMap(({ id }) => this.acknowledged.get(id) ?? []);
      const packs = live.flatMap(({ manifest }) => manifest.indexes.flatMap(({ key }) => packsNeeded(manifest, this.#index(key) ?? {})));
      const pinnedKeys = catalog.database.prepare('SELECT DISTINCT objectKey FROM runPins').all();
      this.#locked?.keep(live.flatMap(({ key, manifest }) => [key, ...manifest.indexes.map((index) => index.key)]));
      this.#locked?.keep(packs.map((hex) => this.#packKey(hex)));
      this.#locked?.keep(pinnedKeys.map(({ objectKey }) => String(objectKey)));
    }
  }

  /** One stands still for long, and a day passes. */
  #stall(): void {
    const tasks = this.owners.flatMap((owner) => owner.tasks);
    if (tasks.length === 0) return;
    this.#pick(tasks).stalled = this.#random.between(5, 60);
    if (this.#random.below(2) === 0) this.#now += (this.#locked === undefined ? 25 : 70) * hour;
  }

  async #arrive(): Promise<void> {
    const arriving = this.#onTheWay;
    this.#onTheWay = [];
    for (const arrive of arriving) {
      await arrive().catch((error: unknown) => {
        if (!HoldfastError.is(error, 'lockRefused')) throw error;
      });
    }
  }

  async #advance(): Promise<void> {
    const all = this.owners.flatMap((owner) => owner.tasks);
    for (const task of all) task.stalled = Math.max(0, task.stalled - 1);
    const tasks = all.filter(({ stalled }) => stalled === 0);
    if (tasks.length === 0) return;
    const task = this.#pick(tasks);
    // Now and then one gets far while another stands still.
    for (let steps = this.#random.below(4) === 0 ? 30 : 1; steps > 0 && !task.isDone && task.stalled === 0; steps -= 1) await task.step();
    for (const owner of this.owners) owner.tasks = owner.tasks.filter(({ isDone }) => !isDone);
  }

  async #drain(): Promise<void> {
    this.#unreadable.clear();
    for (const task of this.owners.flatMap(({ tasks }) => tasks)) task.stalled = 0;
    for (let left = 5000; left > 0 && this.owners.some(({ tasks }) => tasks.length > 0); left -= 1) await this.#advance();
    await this.#arrive();
  }

  async #begin(owner: Owner, what: 'run' | 'sweep'): Promise<void> {
    const task = new Task(what);
    owner.tasks.push(task);
    const work = what === 'run' ? (): Promise<void> => this.#run(owner, task) : (): Promise<void> => this.#sweep(owner, task);
    await task.start(work, (error) => {
      const isForeseen = error === undefined || error instanceof Crashed || HoldfastError.is(error, 'objectMissing', 'damaged');
      if (!isForeseen) this.unforeseen.push(error);
    });
  }

  #crash(owner: Owner): void {
    this.counts.crashes += 1;
    for (const task of owner.tasks) task.kill();
    const { catalog } = owner;
    catalog.actions.failInterrupted(new Date(this.#now).toISOString());
    this.#world.seams.atRestart?.(owner);
  }

  #spoilOrHeal(): void {
    if (this.#unreadable.size > 0) {
      this.#unreadable.clear();
      return;
    }
    const keys = this.store.keys().filter((key) => ['manifest', 'index'].includes(parseObjectKey(key)?.type ?? ''));
    if (keys.length > 0) this.#unreadable.add(this.#pick(keys));
  }

  #retire(owner: Owner): void {
    const live = owner.catalog.restorePoints.live(this.#policyId);
    if (live.length < 2) return;
    const { id } = live[this.#random.below(live.length - 1)] ?? this.#pick(live);
    owner.catalog.restorePoints.setState(id, 'retired');
    owner.retired.add(id);
  }

  async #sweep(owner: Owner, task: Task): Promise<void> {
    const { seams } = this.#world;
    const { catalog, locationId } = owner;
    const turns = this.#turns(task);
    const store = seams.sweepersStore?.(turns, owner) ?? turns;
    const reach = withoutKeys(new ModelReach((key) => this.#readable(key, turns)), this.#withdrawn);
    const book = this.#book(turns);
    try {
      const { freedObjects } = await sweep({
        catalog,
        store,
        book: seams.sweepersBook?.(book, owner) ?? book,
        reach: seams.reach?.(reach, owner) ?? reach,
        installationId: this.#installationId,
        locationId,
        policyId: this.#policyId,
        isDeleted: false,
        ...(this.#world.locks?.lists === false ? { storeTime: () => Promise.resolve(new Date(this.#now)) } : {}),
        wallClock: () => this.#wall(),
        signal: new AbortController().signal,
        // The moment at which a sweep that stands still is the most dangerous.
        onProgress: ({ phase }) => {
          if (phase === 'deleting' && this.#random.below(2) === 0) task.stalled = this.#random.between(10, 60);
        },
      });
      this.counts.sweeps += 1;
      this.counts.freed += freedObjects;
    } catch (error) {
      // What another installation's user retired is lost to this one too; its user sees to it.
      const missing = HoldfastError.is(error, 'objectMissing') ? error.details?.['objectKey'] : undefined;
      const lost = catalog.restorePoints.live(this.#policyId).find(({ manifestKey }) => manifestKey === missing);
      if (lost === undefined || !this.owners.some(({ retired }) => retired.has(lost.id))) throw error;
      catalog.restorePoints.setState(lost.id, 'retired');
    }
  }

  async #run(owner: Owner, task: Task): Promise<void> {
    const { catalog } = owner;
    const store = this.#turns(task);
    const actionId = idOf<ActionId>(uuidText(this.#random.bytes(16)));
    await this.#settle(owner, store);
    catalog.actions.insert(someAction({ actionId }), uuidText(this.#random.bytes(16)));
    try {
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        try {
          await this.#attempt(owner, store, actionId);
          this.counts.runs += 1;
          break;
        } catch (error) {
          if (!HoldfastError.is(error, 'objectMissing') || attempt === 3) throw error;
          this.counts.retries += 1;
          for (const pin of catalog.runPins.of(actionId)) {
            if (parseObjectKey(pin.objectKey)?.type === 'manifest') await this.#takeBack(owner, store, actionId, pin.objectKey);
          }
        }
      }
      catalog.actions.update(someAction({ actionId, state: 'complete', finishedAt: this.#wall().toISOString() }));
    } catch (error) {
      if (!(error instanceof Crashed)) {
        catalog.actions.update(someAction({ actionId, state: 'failed', finishedAt: this.#wall().toISOString() }));
      }
      throw error;
    }
  }

  async #attempt(owner: Owner, store: ObjectStore, actionId: ActionId): Promise<void> {
    const { catalog, locationId } = owner;
    const { seams } = this.#world;
    const installationId = this.#installationId;
    const policyId = this.#policyId;
    const signal = new AbortController().signal;
    const real = this.#book(store);
    const writing = this.#locked?.locking(store) ?? store;
    const keeper = this.#world.locks?.gate === 'extends' ? this.#locked?.keeper(store) : undefined;
    const book = seams.writersBook?.(real) ?? real;
    const parents = await this.#parentIndexes(owner, store);
    const condemned = await takeCondemned(catalog, { locationId, policyId, installationId }, book, signal);
    const relied = relyOn({ catalog, actionId, locationId, policyId, indexes: parents, gone: [], condemned });
    const { indexes, unusablePacks } = seams.reliance?.(relied, parents) ?? relied;
    const unusable = new Set(unusablePacks.map((id) => Buffer.from(id).toString('hex')));
    const options = { catalog, actionId, installationId, locationId, policyId, wallClock: () => this.#wall() };
    const ledger = seams.ledger?.(new CatalogRunLedger(options), owner, actionId) ?? new CatalogRunLedger(options);
    const uploaded: UploadedObject[] = [];
    const put = async (object: UploadingObject, body: Buffer): Promise<void> => {
      await ledger.uploading(object);
      const { versionId } = await writing.put(object.key, body);
      uploaded.push({ ...object, versionId });
      await ledger.uploaded({ ...object, versionId });
    };
    // Half of what the parent has is still there; the rest of it is new.
    const known = new Map<string, string>();
    for (const { key } of indexes.toReversed()) {
      for (const [chunk, packs] of Object.entries(this.#index(key) ?? {})) {
        const usable = packs.find((pack) => !unusable.has(pack));
        if (usable !== undefined && known.size < knownMost && this.#random.below(2) === 0) known.set(chunk, usable);
      }
    }
    const hits = [...new Set(known.values())].map((pack) => Buffer.from(pack, 'hex'));
    for (const hit of hits) await ledger.hits([hit]);
    const added: Record<string, string[]> = {};
    for (let pack = this.#random.between(1, 2); pack > 0; pack -= 1) {
      const objectId = this.#random.bytes(16);
      const hex = Buffer.from(objectId).toString('hex');
      for (let chunk = this.#random.between(1, 2); chunk > 0; chunk -= 1) added[`c${(this.#chunk += 1)}`] = [hex];
      const body = Buffer.from(`pack ${hex}`);
      await put({ ...facts('pack', objectId, body), key: packKey(installationId, policyId, objectId) }, body);
    }
    const indexId = this.#random.bytes(16);
    const indexBody = Buffer.from(JSON.stringify(added));
    const newIndexKey = indexKey(installationId, policyId, catalog.sequences.next(`index/${policyId}`), indexId);
    await put({ ...facts('index', indexId, indexBody), key: newIndexKey }, indexBody);
    const index = pinned(newIndexKey, indexId, indexBody);
    const pins = [...indexes, index];
    const gate = async (): Promise<void> => {
      await passCommitGate(
        {
          ...options,
          store,
          ...(keeper === undefined ? {} : { keeper }),
          signal,
          condemned: async (stop) => namedIn(await book.read(stop)),
        },
        { uploaded, hits, indexes: pins },
      );
    };
    await gate();
    const manifest: ModelManifest = {
      needs: [...known.keys(), ...Object.keys(added)],
      indexes: pins.map(({ key, objectId }) => ({ key, objectId: Buffer.from(objectId).toString('hex') })),
    };
    const manifestId = this.#random.bytes(16);
    const sequence = (catalog.restorePoints.head(policyId)?.sequence ?? 0) + 1;
    const key = restorePointKey(installationId, policyId, sequence, this.#wall().toISOString(), manifestId);
    const body = Buffer.from(JSON.stringify(manifest));
    await put({ ...facts('manifest', manifestId, body), key }, body);
    await gate();
    this.#acknowledge(owner, key, manifest, actionId);
  }

  #acknowledge(owner: Owner, key: string, manifest: ModelManifest, actionId: ActionId): void {
    const { catalog } = owner;
    const name = parseObjectKey(key);
    if (name?.type !== 'manifest') throw new Error(key);
    const id = restorePointIdOf(name.objectId);
    catalog.transaction(() => {
      catalog.restorePoints.add(
        somePoint(this.#policyId, name.sequence, {
          startedAt: this.#wall().toISOString(),
          id,
          manifestKey: key,
          storeId: this.store.storeId,
          sha256: Buffer.alloc(32),
        }),
      );
      catalog.runPins.release(actionId);
      for (const left of catalog.runPins.left()) catalog.runPins.release(left);
    });
    this.acknowledged.set(id, { key, manifest });
  }

  /** As the daemon does before a run: a manifest that reached the store is adopted if all that it reaches passes the gate again. */
  async #settle(owner: Owner, store: ObjectStore): Promise<void> {
    const { catalog, locationId } = owner;
    const { seams } = this.#world;
    const signal = new AbortController().signal;
    for (const actionId of catalog.runPins.left()) {
      const pins = catalog.runPins.of(actionId);
      for (const { objectKey } of pins.filter((pin) => parseObjectKey(pin.objectKey)?.type === 'manifest')) {
        const object = await store.get(objectKey);
        if (object === undefined) continue;
        const condemned = seams.adoptsAnything === true ? new IdSet() : namedIn(await this.#book(store).read(signal));
        let isWhole = true;
        for (const pin of pins) {
          const name = parseObjectKey(pin.objectKey);
          if (name === undefined || name.type === 'manifest') continue;
          const state = catalog.objects.get(locationId, pin.objectKey)?.state;
          if ((state !== undefined && state !== 'present') || condemned.has(name.objectId)) isWhole = false;
          else if (seams.adoptsAnything !== true && (await store.head(pin.objectKey)) === undefined) isWhole = false;
        }
        const known = catalog.runPins.of(actionId).length > 0;
        if (isWhole && known) this.#acknowledge(owner, objectKey, parsed<ModelManifest>(object.body), actionId);
        else if (known) await this.#takeBack(owner, store, actionId, objectKey);
      }
    }
  }

  async #parentIndexes(owner: Owner, store: ObjectStore): Promise<readonly PinnedIndex[]> {
    const parent = owner.catalog.restorePoints.live(this.#policyId).at(-1);
    const object = parent === undefined ? undefined : await store.get(parent.manifestKey);
    if (object === undefined) return [];
    return parsed<ModelManifest>(object.body)
      .indexes.slice(-indexesMost)
      .flatMap(({ key, objectId }) => {
        const body = this.#bytes(key);
        return body === undefined ? [] : [pinned(key, Buffer.from(objectId, 'hex'), body)];
      });
  }

  async #takeBack({ catalog, locationId }: Owner, store: ObjectStore, actionId: ActionId, key: string): Promise<void> {
    if (catalog.objects.get(locationId, key) === undefined || !catalog.beginTakingBack(actionId, locationId, key)) return;
    try {
      await store.delete(key, null);
    } catch (error) {
      if (!HoldfastError.is(error, 'lockRefused')) throw error;
      this.#withdrawn.add(key);
    }
    catalog.objects.change(locationId, key, { state: 'missing' });
  }

  #turns(task: Task): TurnStore {
    return new TurnStore(this.#locked ?? this.store, task, (arrive) => void this.#onTheWay.push(arrive));
  }

  #book(store: ObjectStore): CondemnedBook {
    const entropy = { randomBytes: (length: number): Uint8Array => this.#random.bytes(length), now: () => 0n };
    return new CondemnedLists({ store, installationId: this.#installationId, policyId: this.#policyId, owner: this.#ownerKey, entropy });
  }

  async #readable(key: string, store: ObjectStore): Promise<Uint8Array> {
    const object = await store.get(key);
    if (object === undefined) throw refusal(key, 'missing', 'it is not there', 'objectMissing');
    if (this.#unreadable.has(key)) throw refusal(key, 'segmentTag', 'it is spoiled for now');
    return object.body;
  }

  #wall(): Date {
    return new Date(this.#now + this.#skew);
  }

  #packKey(hex: string): string {
    return packKey(this.#installationId, this.#policyId, Buffer.from(hex, 'hex'));
  }

  #bytes(key: string): Uint8Array | undefined {
    return this.store.objects.get(key)?.at(-1)?.body;
  }

  #index(key: string): ModelIndex | undefined {
    const body = this.#bytes(key);
    return body === undefined ? undefined : parsed<ModelIndex>(body);
  }

  #pick<Item>(items: readonly Item[]): Item {
    const item = items[this.#random.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick');
    return item;
  }
}

const plainSeal = {
  seal: (_table: string, _column: string, _key: string, plaintext: Uint8Array): Uint8Array => Uint8Array.from(plaintext),
  open: (_table: string, _column: string, _key: string, sealed: Uint8Array): Uint8Array => Uint8Array.from(sealed),
};

function newCatalog(): ModelCatalog {
  const database = new DatabaseSync(':memory:');
  migrate(database, migrations);
  const catalog = new ModelCatalog(database);
  catalog.useSeal(plainSeal);
  return catalog;
}

/** The state directory as somebody copied it. */
function cloneOf(catalog: ModelCatalog): ModelCatalog {
  const clone = newCatalog();
  const tables = ['locations', 'policies', 'restorePoints', 'objects', 'runPins', 'actions', 'sequences'];
  for (const table of tables) {
    for (const row of catalog.database.prepare(`SELECT * FROM ${table}`).all()) {
      const columns = Object.keys(row);
      const marks = columns.map(() => '?').join(', ');
      clone.database.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`).run(...Object.values(row));
    }
  }
  return clone;
}
