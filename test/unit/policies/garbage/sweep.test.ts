import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import type { Catalog } from '../../../../daemon/catalog/catalog.ts';
import type { LedgerObject } from '../../../../daemon/catalog/objectLedger.ts';
import { type CondemnedBook, CondemnedLists } from '../../../../daemon/policies/garbage/condemnedLists.ts';
import { previewSweep, sweep, type SweepOptions, type SweepResult } from '../../../../daemon/policies/garbage/sweep.ts';
import { hexOf } from '../../../../daemon/repository/bytes.ts';
import type { CondemnedType } from '../../../../daemon/repository/condemnedList.ts';
import { restorePointIdOf } from '../../../../daemon/repository/manifest.ts';
import { indexKey, packKey, parseObjectKey, restorePointKey } from '../../../../daemon/repository/names.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { InstallationId, LocationId, PolicyId, RestorePointId } from '../../../../protocol/ids.ts';
import { CatalogFolder, someAction, someLocation, someObject, somePoint, somePolicy } from '../../../support/catalog.ts';
import { newId } from '../../../support/ids.ts';
import { MemoryStore } from '../../../support/memoryStore.ts';

const hour = 3_600_000;
const day = 24 * hour;
const signal = new AbortController().signal;

/** A catalog and a store of one policy, whose restore points reach what the test says. The store's clock and the wall clock are two. */
class Bench implements Disposable {
  readonly folder: CatalogFolder = new CatalogFolder();
  readonly catalog: Catalog = this.folder.open();
  storeNow: number = Date.UTC(2026, 0, 1);
  wallNow: number = this.storeNow;
  readonly store: MemoryStore;
  readonly installationId: InstallationId = newId();
  readonly locationId: LocationId;
  readonly policyId: PolicyId;
  readonly book: CondemnedBook;
  /** Object ids in hex. */
  readonly reached: Set<string> = new Set();
  readonly named: Set<string> = new Set();
  /** Manifests that the sweep took for roots. */
  readonly roots: string[] = [];
  readonly deleted: { readonly key: string; readonly versionId: string | null }[] = [];
  #fill = 0;

  constructor(versions = false) {
    this.store = new MemoryStore({ now: () => this.storeNow, versions });
    const location = someLocation({ storeId: this.store.storeId });
    this.catalog.locations.add(location);
    this.locationId = location.locationId;
    const policy = somePolicy(location.locationId);
    this.catalog.policies.add(policy);
    this.policyId = policy.policyId;
    const { store, installationId, policyId } = this;
    this.book = new CondemnedLists({ store, installationId, policyId, owner: createSecretKey(Buffer.alloc(32, 7)) });
    const remove = store.delete.bind(store);
    store.delete = async (key, versionId, options) => {
      if (!key.includes('/condemned/')) this.deleted.push({ key, versionId });
      await remove(key, versionId, options);
    };
  }

  /** An object in the store, and in the ledger in this state, or unknown to it. */
  async put(type: CondemnedType, state?: LedgerObject['state'], sequence = 1): Promise<string> {
    const objectId = Buffer.alloc(16, (this.#fill += 1));
    const { installationId, policyId, locationId } = this;
    const key =
      type === 'pack'
        ? packKey(installationId, policyId, objectId)
        : type === 'index'
          ? indexKey(installationId, policyId, sequence, objectId)
          : restorePointKey(installationId, policyId, sequence, '2026-01-01T00:00:00.000Z', objectId);
    const { versionId } = await this.store.put(key, Buffer.alloc(100, this.#fill));
    if (state !== undefined)
      this.catalog.objects.record(someObject(locationId, key, { policyId, kind: type, objectId, size: 100, state, versionId }));
    return key;
  }

  async restorePoint(
    sequence: number,
    state: 'live' | 'retired',
    pinned = false,
  ): Promise<{ readonly id: RestorePointId; readonly key: string }> {
    const manifestKey = await this.put('manifest', 'present', sequence);
    const id = restorePointIdOf(idIn(manifestKey));
    this.catalog.restorePoints.add(somePoint(this.policyId, sequence, { id, manifestKey, storeId: this.store.storeId, state, pinned }));
    return { id, key: manifestKey };
  }

  async sweep(changes: Partial<SweepOptions> = {}, work: typeof sweep = sweep): Promise<SweepResult> {
    const { catalog, store, book, installationId, locationId, policyId } = this;
    this.roots.length = 0;
    this.deleted.length = 0;
    return await work({
      catalog,
      store,
      book,
      reach: {
        add: async (manifests) => void this.roots.push(...manifests.map(({ key }) => key)),
        reached: async () => ({
          has: (_type, objectId) => this.reached.has(hexOf(objectId)),
          names: (objectId) => this.named.has(hexOf(objectId)),
          unusedBytes: 0,
        }),
      },
      installationId,
      locationId,
      policyId,
      isDeleted: false,
      wallClock: () => new Date(this.wallNow),
      signal,
      ...changes,
    });
  }

  /** Both clocks go on. */
  pass(milliseconds: number): void {
    this.storeNow += milliseconds;
    this.wallNow += milliseconds;
  }

  state(key: string): LedgerObject['state'] | undefined {
    return this.catalog.objects.get(this.locationId, key)?.state;
  }

  lists(): readonly string[] {
    return this.store.keys().filter((key) => key.includes('/condemned/'));
  }

  has(key: string): boolean {
    return this.store.keys().includes(key);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

function idIn(key: string): Uint8Array {
  const name = parseObjectKey(key);
  if (name === undefined) throw new Error(key);
  return name.objectId;
}

describe('a sweep', () => {
  it('F3: condemns what the ledger does not know once it is seven days old by store time: before that, another owner may be putting it', async () => {
    using bench = new Bench();
    const unknown = await bench.put('pack');
    const known = await bench.put('pack', 'present');
    await bench.sweep();
    assert.deepEqual([bench.state(unknown), bench.state(known)], [undefined, 'condemned']);
    bench.pass(7 * day - 1);
    await bench.sweep();
    assert.equal(bench.state(unknown), undefined);
    bench.pass(1);
    await bench.sweep();
    assert.equal(bench.state(unknown), 'condemned');
    assert.ok(bench.has(unknown));
  });

  it('F1: measures by the clock of the store, wherever its own one stands', async () => {
    using bench = new Bench();
    bench.wallNow += 3650 * day;
    const unknown = await bench.put('pack');
    await bench.put('pack', 'present');
    await bench.sweep();
    await bench.sweep();
    assert.deepEqual([bench.state(unknown), bench.deleted], [undefined, []]);
  });

  it('F3: deletes what it condemned 24 hours after its list was put, and not a moment before', async () => {
    using bench = new Bench();
    const pack = await bench.put('pack', 'present');
    await bench.sweep();
    bench.pass(day - 1);
    const { waiting } = await bench.sweep();
    assert.deepEqual([bench.deleted, waiting.map(({ bytes }) => bytes)], [[], [100]]);
    bench.pass(1);
    const { freedBytes, freedObjects } = await bench.sweep();
    assert.deepEqual([freedBytes, freedObjects, bench.has(pack), bench.lists()], [100, 1, false, []]);
  });

  it('F3: deletes nothing of what it could not publish', async () => {
    using bench = new Bench();
    const pack = await bench.put('pack', 'present');
    const { book } = bench;
    const full: CondemnedBook = {
      publish: async () => {
        throw new HoldfastError('storeFull', 'Failed to put: there is no space left.');
      },
      read: (stop) => book.read(stop),
      remove: (list, stop) => book.remove(list, stop),
      storeTime: (stop) => book.storeTime(stop),
    };
    await assert.rejects(bench.sweep({ book: full }), { code: 'storeFull' });
    bench.pass(30 * day);
    await assert.rejects(bench.sweep({ book: full }), { code: 'storeFull' });
    assert.deepEqual([bench.deleted, bench.state(pack)], [[], 'condemned']);
    await bench.sweep();
    assert.deepEqual([bench.deleted, bench.lists().length], [[], 1]);
  });

  it('F3: deletes manifests, then indexes, then packs, so that nobody finds a restore point whose data is gone', async () => {
    using bench = new Bench();
    const pack = await bench.put('pack', 'present');
    const index = await bench.put('index', 'present');
    const { key, id } = await bench.restorePoint(1, 'retired');
    await bench.restorePoint(2, 'live');
    await bench.sweep();
    bench.pass(day);
    await bench.sweep();
    assert.deepEqual(
      bench.deleted.map((each) => each.key),
      [key, index, pack],
    );
    assert.equal(bench.catalog.restorePoints.get(id), undefined);
  });

  it('F3: a crash between two deletes leaves no restore point without data, and the next sweep goes on', async () => {
    using bench = new Bench();
    const pack = await bench.put('pack', 'present');
    const { key } = await bench.restorePoint(1, 'retired');
    await bench.restorePoint(2, 'live');
    await bench.sweep();
    bench.pass(day);
    const crash = new AbortController();
    const stopped = bench.sweep({
      signal: crash.signal,
      onProgress: ({ objects }) => {
        if (objects > 0) crash.abort(new Error('crash'));
      },
    });
    await assert.rejects(stopped);
    assert.deepEqual([bench.has(key), bench.has(pack), bench.lists().length], [false, true, 1]);
    await bench.sweep();
    assert.deepEqual([bench.has(pack), bench.lists()], [false, []]);
  });

  it('F1: puts a list anew that is more than an hour in the future, and waits anew', async () => {
    using bench = new Bench();
    const pack = await bench.put('pack', 'present');
    bench.storeNow += 1000 * day;
    await bench.sweep();
    const [wrong] = bench.lists();
    bench.storeNow -= 1000 * day;
    await bench.sweep();
    assert.equal(bench.lists().length, 1);
    assert.notEqual(bench.lists()[0], wrong);
    bench.pass(day - 1);
    await bench.sweep();
    assert.deepEqual(bench.deleted, []);
    bench.pass(1);
    await bench.sweep();
    assert.deepEqual([bench.has(pack), bench.lists()], [false, []]);
  });

  it('F1: leaves a list of the next hour as it is', async () => {
    using bench = new Bench();
    await bench.put('pack', 'present');
    await bench.sweep();
    const [list] = bench.lists();
    bench.storeNow -= hour;
    await bench.sweep();
    assert.deepEqual(bench.lists(), [list]);
  });

  it('F3: keeps a pack that is gone in the ledger, as missing, while an index names it, so that no run relies on it', async () => {
    using bench = new Bench();
    const pack = await bench.put('pack', 'present');
    const objectId = hexOf(idIn(pack));
    bench.named.add(objectId);
    await bench.sweep();
    bench.pass(day);
    await bench.sweep();
    assert.deepEqual([bench.has(pack), bench.state(pack)], [false, 'missing']);
    await bench.sweep();
    assert.equal(bench.state(pack), 'missing');
    bench.named.delete(objectId);
    await bench.sweep();
    assert.equal(bench.state(pack), undefined);
  });

  it('F3: forgets nothing that a run has pinned: it may be putting it', async () => {
    using bench = new Bench();
    const { catalog, locationId } = bench;
    const pack = await bench.put('pack', 'missing');
    await bench.store.delete(pack, null);
    const actionId = newId<ReturnType<typeof catalog.runPins.left>[number]>();
    catalog.actions.insert(someAction({ actionId }), newId());
    catalog.runPins.pin({ actionId, locationId, objectKey: pack, reason: 'upload' });
    await bench.sweep();
    assert.equal(bench.state(pack), 'missing');
    catalog.runPins.release(actionId);
    await bench.sweep();
    assert.equal(bench.state(pack), undefined);
  });

  it('X1: brings to its end first what a crash left at deleting, by its version', async () => {
    using bench = new Bench(true);
    const pack = await bench.put('pack', 'deleting');
    const versionId = bench.catalog.objects.get(bench.locationId, pack)?.versionId;
    assert.ok(typeof versionId === 'string');
    const failing: CondemnedBook = {
      publish: (objects, stop) => bench.book.publish(objects, stop),
      read: (stop) => bench.book.read(stop),
      remove: (list, stop) => bench.book.remove(list, stop),
      storeTime: async () => {
        throw new HoldfastError('storeFailed', 'Failed to put.');
      },
    };
    await assert.rejects(bench.sweep({ book: failing }), { code: 'storeFailed' });
    assert.deepEqual(bench.deleted, [{ key: pack, versionId }]);
    assert.deepEqual([bench.state(pack), bench.store.objects.has(pack)], ['missing', false]);
  });

  it('R8: an object that may not be deleted, as under a legal hold, holds up no other, in this sweep or the next', async () => {
    using bench = new Bench();
    const refused = await bench.put('pack', 'deleting');
    const other = await bench.put('pack', 'condemned');
    const held = await bench.put('pack', 'condemned');
    const remove = bench.store.delete.bind(bench.store);
    bench.store.delete = async (key, versionId, options) => {
      if (key === refused || key === held)
        throw HoldfastError.failedTo('storeRefused', `delete object ${key}`, 'the credentials may not do it');
      await remove(key, versionId, options);
    };
    await bench.sweep();
    for (let again = 0; again < 2; again += 1) {
      bench.pass(25 * hour);
      const result = await bench.sweep();
      assert.equal(result.refused?.code, 'storeRefused');
      assert.deepEqual([bench.has(refused), bench.has(other), bench.has(held)], [true, false, true]);
    }
    bench.store.delete = remove;
    bench.pass(25 * hour);
    assert.equal((await bench.sweep()).refused, null);
    assert.deepEqual([bench.has(refused), bench.has(held)], [false, false]);
  });

  it('S8: gives up where a hundred deletes were refused and none was taken', async () => {
    using bench = new Bench();
    for (let made = 0; made < 130; made += 1) await bench.put('pack', 'condemned');
    let asked = 0;
    bench.store.delete = async (key) => {
      if (key.includes('/condemned/')) return;
      asked += 1;
      throw HoldfastError.failedTo('storeRefused', `delete object ${key}`, 'the credentials may not do it');
    };
    await bench.sweep();
    bench.pass(25 * hour);
    assert.equal((await bench.sweep()).refused?.code, 'storeRefused');
    assert.equal(asked, 100);
  });

  it('F3: deletes the version that it found, and hides nothing behind a delete marker', async () => {
    using bench = new Bench(true);
    const pack = await bench.put('pack', 'present');
    const versionId = bench.catalog.objects.get(bench.locationId, pack)?.versionId ?? null;
    await bench.sweep();
    bench.pass(day);
    await bench.sweep();
    assert.deepEqual(bench.deleted, [{ key: pack, versionId }]);
    assert.equal(bench.store.objects.has(pack), false);
  });

  it('F3: takes every manifest for a root but one that was retired here, is not pinned, held by no run, and not the newest', async () => {
    using bench = new Bench();
    const { catalog, locationId } = bench;
    const retired = await bench.restorePoint(1, 'retired');
    const pinned = await bench.restorePoint(2, 'retired', true);
    const held = await bench.restorePoint(3, 'retired');
    const live = await bench.restorePoint(4, 'live');
    const newest = await bench.restorePoint(5, 'retired');
    const unknown = await bench.put('manifest', undefined, 3);
    const actionId = newId<ReturnType<typeof catalog.runPins.left>[number]>();
    catalog.actions.insert(someAction({ actionId }), newId());
    catalog.runPins.pin({ actionId, locationId, objectKey: held.key, reason: 'upload' });
    await bench.sweep();
    assert.deepEqual(new Set(bench.roots), new Set([pinned.key, held.key, live.key, newest.key, unknown]));
    assert.equal(bench.state(retired.key), 'condemned');
    await bench.sweep({ isDeleted: true });
    assert.deepEqual(new Set(bench.roots), new Set([pinned.key, held.key, live.key, unknown]));
  });

  it('leaves alone whatever has no name of the format’s, however old', async () => {
    using bench = new Bench();
    const { installationId, policyId, store } = bench;
    const others = ['packs/ab/notes', 'indexes/readme', 'restore-points/junk', 'packs/ab/'.concat('g'.repeat(32))];
    for (const name of others) await store.put(`${installationId}/policies/${policyId}/${name}`, Buffer.from('mine'));
    bench.pass(1000 * day);
    assert.deepEqual((await bench.sweep({}, previewSweep)).waiting, []);
    for (let time = 0; time < 2; time += 1) {
      await bench.sweep();
      bench.pass(day);
    }
    assert.deepEqual(bench.deleted, []);
    assert.equal(store.keys().length, others.length);
  });
});
