import assert from 'node:assert/strict';
import type { OpenLocation } from '../../../daemon/installation/locationStores.ts';
import type { ObjectStore } from '../../../daemon/locations/objectStore.ts';
import { condemnedBook } from '../../../daemon/policies/garbage/reliance.ts';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type ActionId, idOf, type LocationId } from '../../../protocol/ids.ts';
import { newId } from '../../support/ids.ts';
import { crash, PolicyBench } from '../../support/policyBench.ts';

const never = new AbortController().signal;

interface Left {
  readonly bench: PolicyBench;
  readonly locationId: LocationId;
  readonly store: ObjectStore;
}

async function ready(): Promise<Left & Disposable> {
  const bench = await PolicyBench.ready();
  await bench.createPolicy();
  const { locationId } = bench.base.installation.locations.resolve('store');
  return { bench, locationId, store: await bench.base.open(locationId), [Symbol.dispose]: () => bench[Symbol.dispose]() };
}

async function keysOf(store: ObjectStore, type: 'pack' | 'index' | 'manifest'): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of store.list('')) keys.push(...page.map(({ key }) => key).filter((key) => parseObjectKey(key)?.type === type));
  return keys;
}

async function settle(left: Left, over: Partial<ObjectStore> = {}): Promise<void> {
  await left.bench.unfinished.settle(left.bench.policies.resolve('files'), placeOf(left, over), never);
}

function placeOf({ bench, store }: Left, over: Partial<ObjectStore> = {}): OpenLocation {
  return { record: bench.base.installation.locations.resolve('store'), store: wrapped(store, over), locks: undefined };
}

/** The store with some of its verbs replaced. */
function wrapped(store: ObjectStore, over: Partial<ObjectStore>): ObjectStore {
  return {
    storeId: store.storeId,
    capabilities: store.capabilities,
    put: (key, body, options) => store.put(key, body, options),
    get: (key, options) => store.get(key, options),
    head: (key, options) => store.head(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key, versionId, options) => store.delete(key, versionId, options),
    ...over,
  };
}

function full(): never {
  throw new HoldfastError('storeFull', 'Failed to put: there is no space left.');
}

async function away(): Promise<never> {
  throw new HoldfastError('storeUnreachable', 'Failed to delete: the drive is gone.');
}

/** As another installation that shares the store does: by its list, and in no catalog of this one. */
async function condemn({ bench, store }: Left, type: 'pack' | 'index', key?: string): Promise<void> {
  const name = parseObjectKey(key ?? (await keysOf(store, type))[0] ?? '');
  assert.ok(name !== undefined);
  const { policyId, keyGeneration } = bench.policies.resolve('files');
  const keys = bench.base.installation.keys.policyKeys(policyId, keyGeneration);
  await condemnedBook(store, keys).publish([{ type, objectId: name.objectId }], never);
}

describe('unfinished runs', () => {
  it('X1: a manifest that reached the store is adopted with all that it says, and its pins are released', async () => {
    using left = await ready();
    const { bench, store } = left;
    await bench.leave('files', { afterManifest: crash });
    assert.equal(bench.catalog.restorePoints.newest(), undefined);
    await settle(left);
    const point = bench.points.resolve('files');
    assert.equal(bench.points.describe(point).description, 'left');
    assert.equal(point.state, 'live');
    assert.deepEqual([point.manifestKey], await keysOf(store, 'manifest'));
    assert.deepEqual(bench.catalog.runPins.left(), []);
    await settle(left);
    assert.equal(bench.catalog.restorePoints.list().items.length, 1, 'adopting twice adds nothing');
    const next = await bench.point('files');
    assert.equal(next.sequence, point.sequence + 1);
    assert.equal(bench.jobs[0]?.parentIndexes.length, 1);
  });

  it('X1: packs that no index names get one, under a new number, pinned until a restore point pins it', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    const actionId = await bench.leave('files', { afterPack: crash });
    assert.deepEqual(await keysOf(store, 'index'), []);
    await settle(left);
    assert.equal((await keysOf(store, 'index')).length, 1);
    assert.deepEqual(bench.settled, [{ actionId, namedPacks: 1 }]);
    const [pack = ''] = await keysOf(store, 'pack');
    const found = await bench.unfinished.indexes(bench.policies.resolve('files'), placeOf(left), never);
    assert.equal(found.length, 1);
    await settle(left);
    assert.equal((await keysOf(store, 'index')).length, 1, 'settling again finds nothing to do');
    assert.ok(bench.catalog.runPins.isPinned(locationId, pack));
    await bench.backUp('files');
    assert.deepEqual(
      bench.jobs[0]?.parentIndexes.map(({ key }) => key),
      found.map(({ key }) => key),
    );
    assert.equal(bench.jobs[0]?.nextIndexSequence, 2);
    assert.equal(bench.catalog.runPins.isPinned(locationId, pack), false);
  });

  it('X4: where there is no room for the index, the packs that nothing names are taken back', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    const actionId = await bench.leave('files', { afterPack: crash });
    const [pack = ''] = await keysOf(store, 'pack');
    await settle(left, { put: async () => full() });
    assert.deepEqual(await keysOf(store, 'pack'), []);
    assert.equal(bench.catalog.objects.get(locationId, pack)?.state, 'missing');
    assert.deepEqual(bench.settled, [{ actionId, removedPacks: 1 }]);
    assert.deepEqual(bench.catalog.pinHits(newId<ActionId>(), locationId, [pack]), [pack], 'nobody relies on it any more');
  });

  it('X4: a pack that an index names, even one of the same run, is never taken back', async () => {
    using left = await ready();
    const { bench, store } = left;
    await bench.leave('files', { afterIndex: crash });
    const before = await keysOf(store, 'pack');
    assert.equal(before.length, 1);
    await settle(left, { put: async () => full() });
    assert.deepEqual(await keysOf(store, 'pack'), before);
    assert.deepEqual(bench.settled, []);
  });

  it('X4: a pack that came to be named before the room ran out is not taken back', async () => {
    using left = await ready();
    const { bench, store } = left;
    await bench.leave('files', { afterPack: crash });
    const put: ObjectStore['put'] = async (key, body, options) => {
      await store.put(key, body, options);
      return full();
    };
    await settle(left, { put });
    assert.equal((await keysOf(store, 'index')).length, 1);
    assert.equal((await keysOf(store, 'pack')).length, 1);
  });

  it('X4 F3: with a catalog older than the store no pack is taken back: the run that it calls cut short may have come to its end', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    const actionId = await bench.leave('files', { afterPack: crash });
    const [pack = ''] = await keysOf(store, 'pack');
    await settle(left);
    const [index = ''] = await keysOf(store, 'index');
    bench.catalog.runPins.release(actionId);
    bench.catalog.runPins.pin({ actionId, locationId, objectKey: pack, reason: 'upload' });
    bench.catalog.objects.forget(locationId, index);
    await settle(left, { put: async () => full() });
    assert.deepEqual(await keysOf(store, 'pack'), [pack]);
    assert.equal(bench.catalog.objects.get(locationId, pack)?.state, 'present');
    assert.ok(bench.catalog.runPins.isPinned(locationId, pack));
    assert.deepEqual(bench.settled.at(-1), { actionId, keptPacks: 1 });
  });

  it('X4: a pack that another run has pinned is not taken back', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    await bench.leave('files', { afterPack: crash });
    const [pack = ''] = await keysOf(store, 'pack');
    const other = bench.startAction();
    bench.catalog.runPins.pin({ actionId: idOf<ActionId>(other.actionId), locationId, objectKey: pack, reason: 'hit' });
    await settle(left, { put: async () => full() });
    assert.deepEqual(await keysOf(store, 'pack'), [pack]);
    assert.equal(bench.catalog.objects.get(locationId, pack)?.state, 'present');
  });

  it('X1: a crash between the decision and the delete ends in the delete, not in a pack that is relied on', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    await bench.leave('files', { afterPack: crash });
    const [pack = ''] = await keysOf(store, 'pack');
    await assert.rejects(settle(left, { put: async () => full(), delete: away }), { code: 'storeUnreachable' });
    assert.equal(bench.catalog.objects.get(locationId, pack)?.state, 'deleting');
    await settle(left);
    assert.deepEqual(await keysOf(store, 'pack'), []);
    assert.deepEqual(await keysOf(store, 'index'), []);
  });

  it('S9: a manifest whose reach the gate refused is taken back, not listed', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    await bench.leave('files', {
      afterManifest: async () => {
        const [pack = ''] = await keysOf(store, 'pack');
        bench.catalog.objects.change(locationId, pack, { state: 'missing' });
        crash();
      },
    });
    await settle(left);
    assert.deepEqual(await keysOf(store, 'manifest'), []);
    assert.equal(bench.catalog.restorePoints.list().items.length, 0);
  });

  for (const what of ['pack', 'index'] as const) {
    it(`F3: a manifest left by a crash is taken back where a list in the store names a${what === 'index' ? 'n' : ''} ${what} that it relies on`, async () => {
      using left = await ready();
      const { bench, store } = left;
      await bench.leave('files', {
        afterManifest: async () => {
          await condemn(left, what);
          crash();
        },
      });
      await settle(left);
      assert.deepEqual(await keysOf(store, 'manifest'), []);
      assert.equal(bench.catalog.restorePoints.list().items.length, 0);
    });

    it(`F3: a manifest left by a crash is taken back where a${what === 'index' ? 'n' : ''} ${what} of it is gone although the ledger has it`, async () => {
      using left = await ready();
      const { bench, store } = left;
      await bench.leave('files', { afterManifest: crash });
      const [key = ''] = await keysOf(store, what);
      const { body } = (await store.get(key)) ?? assert.fail();
      await store.delete(key, null);
      await store.put(key, body.subarray(1));
      await settle(left);
      assert.deepEqual(await keysOf(store, 'manifest'), [], 'one of another length is none');
      await bench.leave('files', { afterManifest: crash });
      for (const each of await keysOf(store, what)) await store.delete(each, null);
      await settle(left);
      assert.deepEqual(await keysOf(store, 'manifest'), []);
      assert.equal(bench.catalog.restorePoints.list().items.length, 0);
    });
  }

  it('F3: the lists are read before its objects are looked for, so that what is gone when its list is gone is found missing', async () => {
    using left = await ready();
    const { bench, store } = left;
    await bench.leave('files', { afterManifest: crash });
    const [pack = ''] = await keysOf(store, 'pack');
    let isGone = false;
    await settle(left, {
      list: async function* list(prefix, options) {
        yield* store.list(prefix, options);
        if (!prefix.includes('/condemned/')) return;
        await store.delete(pack, null);
        isGone = true;
      },
    });
    assert.ok(isGone);
    assert.deepEqual(await keysOf(store, 'manifest'), []);
    assert.equal(bench.catalog.restorePoints.list().items.length, 0);
  });

  it('F3: a manifest left by a crash that reaches a pack of an earlier run is taken back where a list names that pack', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    await bench.backUp('files');
    const [hit = ''] = await keysOf(store, 'pack');
    const actionId = await bench.leave('files', { afterManifest: crash });
    bench.catalog.runPins.pin({ actionId, locationId, objectKey: hit, reason: 'hit' });
    await condemn(left, 'pack', hit);
    await settle(left);
    assert.equal((await keysOf(store, 'manifest')).length, 1);
    assert.equal(bench.catalog.restorePoints.list().items.length, 1);
  });

  it('C5: what an unfinished run left and somebody changed keeps no later backup from running', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    for (const step of ['afterPack', 'afterIndex', 'afterManifest'] as const) await bench.leave('files', { [step]: crash });
    const changed = async (type: 'pack' | 'index' | 'manifest'): Promise<void> => {
      for (const key of await keysOf(store, type)) {
        const object = await store.get(key);
        if (object === undefined) continue;
        const bytes = Uint8Array.from(object.body, (byte, at) => (at === 400 ? byte ^ 1 : byte));
        await store.delete(key, null);
        await store.put(key, bytes);
      }
    };
    await changed('pack');
    await changed('index');
    await changed('manifest');
    const point = await bench.point('files');
    assert.equal(point.sequence, 1);
    assert.deepEqual(bench.jobs[0]?.parentIndexes, []);
    assert.equal(bench.catalog.objects.list({ locationId, kind: 'pack', state: 'missing' }).items.length, 3);
  });

  it('looks at no run that is under way, and at none of another policy', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    await bench.createPolicy({ name: 'others' });
    await bench.leave('others', { afterPack: crash });
    const running = bench.startAction();
    const [pack = ''] = await keysOf(store, 'pack');
    bench.catalog.runPins.pin({ actionId: idOf<ActionId>(running.actionId), locationId, objectKey: pack, reason: 'upload' });
    await settle(left);
    assert.deepEqual(await keysOf(store, 'index'), []);
    bench.unfinished.release(bench.policies.resolve('files'), locationId);
    assert.equal(bench.catalog.runPins.left().length, 1);
  });

  it('an object that never came through its put counts as missing, and costs nothing', async () => {
    using left = await ready();
    const { bench, locationId, store } = left;
    await bench.leave('files', { afterPack: crash });
    const [pack = ''] = await keysOf(store, 'pack');
    await store.delete(pack, null);
    await settle(left);
    assert.equal(bench.catalog.objects.get(locationId, pack)?.state, 'missing');
    assert.deepEqual(await keysOf(store, 'index'), []);
    assert.deepEqual(bench.settled, []);
  });
});
