import assert from 'node:assert/strict';
import { readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { locationOf, PolicyBench } from '../../../support/policyBench.ts';
import { parseObjectKey } from '../../../../daemon/repository/names.ts';
import { verifyRestorePoint } from '../../../../daemon/repository/verify.ts';
import { keySourceOf } from '../../../../daemon/repository/keySource.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { type GarbageDocument, garbageDocument } from '../../../../protocol/methods/garbage.ts';
import type { WorkResult } from '../../../../daemon/actions/actionQueue.ts';

const hour = 3_600_000;

async function storeOf(bench: PolicyBench): Promise<ObjectStore> {
  return await bench.base.open(locationOf(bench.policies.resolve('files')));
}

async function counts(bench: PolicyBench): Promise<Readonly<Record<string, number>>> {
  const found: Record<string, number> = { pack: 0, index: 0, manifest: 0, list: 0 };
  for await (const page of (await storeOf(bench)).list('')) {
    for (const { key } of page) {
      const type = key.includes('/condemned/') ? 'list' : parseObjectKey(key)?.type;
      if (type !== undefined && type !== 'keyring') found[type] = (found[type] ?? 0) + 1;
    }
  }
  return found;
}

async function collectResult(bench: PolicyBench, dryRun = false): Promise<WorkResult> {
  const [location] = bench.catalog.locations.list();
  assert.ok(location !== undefined);
  return await bench.garbage.collect(location, dryRun, bench.startAction());
}

async function collect(bench: PolicyBench, dryRun = false): Promise<GarbageDocument> {
  const result = await collectResult(bench, dryRun);
  assert.equal(result.outcome, 'complete');
  return garbageDocument.parse(result.document);
}

/** As if the lists had been put so long ago. */
function ageLists(bench: PolicyBench, milliseconds: number): void {
  const folder = bench.base.at('store');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes(`${path.sep}condemned${path.sep}`),
  );
  const then = new Date(Date.now() - milliseconds);
  for (const name of names) utimesSync(path.join(folder, name), then, then);
}

async function isWhole(bench: PolicyBench, reference: string): Promise<boolean> {
  const record = bench.points.resolve(reference);
  const policy = bench.catalog.policies.get(record.policyId);
  assert.ok(policy !== undefined);
  const keys = bench.base.installation.keys.policyKeysOfAllGenerations(policy.policyId, policy.keyGeneration);
  const report = await verifyRestorePoint(await storeOf(bench), record.manifestKey, keySourceOf(...keys), { readData: true });
  return report.ok;
}

/** Three restore points of other content each, the first two retired. */
async function withTwoRetired(): Promise<PolicyBench> {
  const bench = await PolicyBench.ready();
  bench.base.now = new Date();
  await bench.createPolicy({ keep: null });
  for (const text of ['one', 'two', 'three']) {
    await bench.backUp('files', { tree: { 'a.txt': text.repeat(1000) } });
    if (text !== 'three') bench.catalog.restorePoints.setState(bench.points.resolve('files').id, 'live');
  }
  for (const record of bench.catalog.restorePoints.live(bench.policies.resolve('files').policyId).slice(0, 2))
    bench.points.retire(record.id, true);
  return bench;
}

describe('garbage service', () => {
  it('F3: condemns what only retired restore points reach, deletes it a day later, and leaves the others whole', async () => {
    using bench = await withTwoRetired();
    const policyId = bench.policies.resolve('files').policyId;
    const before = bench.base.installation.locations.describe(bench.catalog.locations.list()[0] ?? assert.fail()).heldBytes ?? 0;
    assert.deepEqual(await counts(bench), { pack: 3, index: 3, manifest: 3, list: 0 });
    const first = await collect(bench);
    assert.equal(first.freedBytes, 0);
    assert.equal(first.waiting.length, 1);
    const wait = Date.parse(first.waiting[0]?.until ?? '') - Date.now();
    assert.ok(wait > 23.9 * hour && wait < 24.1 * hour, `${wait}`);
    assert.deepEqual(await counts(bench), { pack: 3, index: 3, manifest: 3, list: 1 });
    const again = await collect(bench);
    assert.deepEqual([again.freedBytes, again.waiting[0]?.bytes], [0, first.waiting[0]?.bytes], 'nothing goes before its time');
    assert.equal(bench.catalog.restorePoints.list({ policyId, includeRetired: true }).items.length, 3);
    ageLists(bench, 25 * hour);
    const second = await collect(bench);
    assert.equal(second.freedBytes, first.waiting[0]?.bytes);
    assert.deepEqual(second.waiting, []);
    assert.deepEqual(await counts(bench), { pack: 1, index: 1, manifest: 1, list: 0 });
    assert.equal(bench.catalog.restorePoints.list({ policyId, includeRetired: true }).items.length, 1, 'what is gone leaves the list');
    assert.ok(await isWhole(bench, 'files'));
    const after = bench.base.installation.locations.describe(bench.catalog.locations.list()[0] ?? assert.fail()).heldBytes ?? 0;
    assert.equal(before - after, second.freedBytes);
    assert.deepEqual(bench.garbageFailures, []);
  });

  it('shows by a dry run what it would do, and changes nothing by that', async () => {
    using bench = await withTwoRetired();
    const dry = await collect(bench, true);
    assert.deepEqual(await counts(bench), { pack: 3, index: 3, manifest: 3, list: 0 });
    const first = await collect(bench);
    assert.deepEqual([dry.freedBytes, dry.waiting[0]?.bytes], [0, first.waiting[0]?.bytes]);
    ageLists(bench, 25 * hour);
    const due = await collect(bench, true);
    assert.deepEqual(await counts(bench), { pack: 3, index: 3, manifest: 3, list: 1 });
    assert.equal(due.freedBytes, (await collect(bench)).freedBytes);
  });

  it('keeps the newest restore point of a policy, although it was retired, until there is a newer one', async () => {
    using bench = await withTwoRetired();
    bench.points.retire(bench.points.resolve('files').id, true);
    await collect(bench);
    ageLists(bench, 25 * hour);
    await collect(bench);
    assert.deepEqual(await counts(bench), { pack: 1, index: 1, manifest: 1, list: 0 });
    const next = await bench.point('files', { tree: { 'a.txt': 'four' } });
    assert.equal(next.sequence, 4, 'goes on from it');
    await collect(bench);
    ageLists(bench, 25 * hour);
    await collect(bench);
    assert.deepEqual((await counts(bench))['manifest'], 1);
    assert.ok(await isWhole(bench, 'files'));
  });

  it('gives back all of a policy that was deleted and whose restore points were retired', async () => {
    using bench = await withTwoRetired();
    bench.points.retire(bench.points.resolve('files').id, true);
    const store = await storeOf(bench);
    bench.policies.delete('files', true);
    await collect(bench);
    ageLists(bench, 25 * hour);
    await collect(bench);
    let objects = 0;
    for await (const page of store.list('')) objects += page.filter(({ key }) => key.includes('/policies/')).length;
    assert.equal(objects, 0);
  });

  for (const what of ['manifest', 'index'] as const) {
    it(`F3: deletes nothing of a policy while a live ${what} can not be read, and says which and what to do`, async () => {
      using bench = await withTwoRetired();
      await collect(bench);
      ageLists(bench, 25 * hour);
      const policy = bench.policies.resolve('files');
      const store = await storeOf(bench);
      const live = bench.points.resolve('files');
      const index = bench.catalog.objects.list({ locationId: locationOf(policy), policyId: policy.policyId, kind: 'index' }).items.at(-1);
      const key = what === 'manifest' ? live.manifestKey : (index?.objectKey ?? '');
      const object = await store.get(key);
      assert.ok(object !== undefined);
      const spoiled = Uint8Array.from(object.body);
      spoiled[5000] = (spoiled[5000] ?? 0) ^ 1;
      await store.delete(key, null);
      await store.put(key, spoiled);
      const result = await collectResult(bench);
      assert.equal(result.outcome, 'failed');
      const document = garbageDocument.parse(result.document);
      assert.equal(document.freedBytes, 0);
      assert.equal(document.stopped.length, 1);
      assert.match(document.stopped[0]?.reason ?? '', /^Failed to collect the garbage of policy files: .*\.$/);
      assert.equal(bench.garbageFailures.length, 1);
      assert.deepEqual(await counts(bench), { pack: 3, index: 3, manifest: 3, list: 1 });
      await store.delete(key, null);
      assert.equal((await collectResult(bench)).outcome, 'failed', 'one that is gone is none that reaches nothing');
      await store.put(key, object.body);
      assert.ok((await collect(bench)).freedBytes > 0);
      assert.ok(await isWhole(bench, 'files'));
    });
  }

  describe('with a manifest in the store that no restore point here has', () => {
    const junk: Readonly<Record<string, (stored: Uint8Array) => Uint8Array>> = {
      'other bytes': () => Buffer.from('not a manifest at all'),
      'a header and then other bytes': (stored) => Uint8Array.from(stored).fill(1, 4096),
      'the bytes of another one': (stored) => stored,
      'the header of a master key that nobody here has': (stored) => Uint8Array.from(stored).fill(9, 40, 56),
    };
    for (const [what, make] of Object.entries(junk)) {
      it(`C5 F3: of ${what}: deletes nothing, names the file and the way out, and goes on once it is moved away`, async () => {
        using bench = await withTwoRetired();
        await collect(bench);
        ageLists(bench, 25 * hour);
        const store = await storeOf(bench);
        const { manifestKey } = bench.points.resolve('files');
        const { body } = (await store.get(manifestKey)) ?? assert.fail();
        const key = manifestKey.replace(/[0-9a-f]{32}$/, 'ab'.repeat(16));
        await store.put(key, make(body));
        const { outcome, error, document } = await collectResult(bench);
        assert.deepEqual([outcome, garbageDocument.parse(document).freedBytes], ['failed', 0]);
        assert.match(error?.message ?? '', /^Failed to collect the garbage of policy files: the reach of restore point /);
        assert.ok(error?.fix?.includes(`move ${bench.base.at('store', key)} out of the location,`), error?.fix);
        assert.deepEqual(await counts(bench), { pack: 3, index: 3, manifest: 4, list: 1 });
        const file = bench.base.at('store', key);
        renameSync(file, bench.base.at('away'));
        assert.ok((await collect(bench)).freedBytes > 0);
        assert.ok(await isWhole(bench, 'files'));
        renameSync(bench.base.at('away'), file);
        assert.equal((await collectResult(bench)).outcome, 'failed', 'it counts again when it is back');
      });
    }

    it('never says so of a restore point that is known here: moving that away helps nobody', async () => {
      using bench = await withTwoRetired();
      const { manifestKey } = bench.points.resolve('files');
      writeFileSync(bench.base.at('store', manifestKey), 'damaged');
      const { error } = await collectResult(bench);
      assert.match(error?.fix ?? '', /^Verify the restore points of files, and retire those that can not be read/);
    });

    it('V7: of a later format: says that this version is too old, not that it may go', async () => {
      using bench = await withTwoRetired();
      const store = await storeOf(bench);
      const { manifestKey } = bench.points.resolve('files');
      const { body } = (await store.get(manifestKey)) ?? assert.fail();
      const later = Uint8Array.from(body);
      later[8] = 2;
      const key = manifestKey.replace(/[0-9a-f]{32}$/, 'ab'.repeat(16));
      await store.put(key, later);
      const { error } = await collectResult(bench);
      assert.deepEqual(
        [error?.code, error?.fix],
        ['unsupportedFormat', `Update Holdfast here: a newer version may have written ${bench.base.at('store', key)}.`],
      );
    });
  });

  it('F3: deletes no pack that an index names while a live tree can not be read, and says so until it can', async () => {
    using bench = await withTwoRetired();
    await collect(bench);
    ageLists(bench, 25 * hour);
    const policy = bench.policies.resolve('files');
    const store = await storeOf(bench);
    const pack = bench.catalog.objects
      .list({ locationId: locationOf(policy), policyId: policy.policyId, kind: 'pack', state: 'present' })
      .items.at(-1);
    const key = pack?.objectKey ?? '';
    const object = await store.get(key);
    assert.ok(object !== undefined);
    const spoiled = Uint8Array.from(object.body);
    spoiled.fill(0, 100);
    await store.delete(key, null);
    await store.put(key, spoiled);
    for (const isDryRun of [true, false]) {
      const result = await collectResult(bench, isDryRun);
      assert.equal(result.outcome, 'failed');
      assert.equal(result.error?.code, 'damaged');
      assert.match(
        garbageDocument.parse(result.document).stopped[0]?.reason ?? '',
        /^Failed to collect all garbage of policy files: .*\.$/,
      );
    }
    assert.equal(bench.garbageFailures.length, 1, 'a dry run raises nothing');
    assert.ok((await store.head(key)) !== undefined);
    await store.delete(key, null);
    await store.put(key, object.body);
    await collect(bench);
    assert.ok(bench.events.includes('collected'));
    assert.ok(await isWhole(bench, 'files'));
  });

  for (const code of ['storeReadOnly', 'storeRefused'] as const) {
    it(`S1 S8: says by an alert that the location takes no deletes (${code}), which no backup would ever show`, async () => {
      using bench = await withTwoRetired();
      await collect(bench);
      ageLists(bench, 25 * hour);
      const { stores, locations } = bench.base.installation;
      const record = locations.resolve('store');
      const store = await storeOf(bench);
      const refusing: ObjectStore = {
        storeId: store.storeId,
        capabilities: store.capabilities,
        put: (key, body, options) => store.put(key, body, options),
        get: (key, options) => store.get(key, options),
        head: (key, options) => store.head(key, options),
        list: (prefix, options) => store.list(prefix, options),
        delete: async (key, versionId, options) => {
          if (parseObjectKey(key) === undefined) return await store.delete(key, versionId, options);
          throw new HoldfastError(code, `Failed to delete object ${key}: the system refuses it.`);
        },
      };
      stores.open = async () => ({ record, store: refusing, locks: undefined });
      const ended = await collectResult(bench).then(
        ({ error }) => error,
        (error: unknown) => error,
      );
      assert.ok(HoldfastError.is(ended, code));
      assert.deepEqual(
        bench.garbageFailures.map(({ policy, error }) => [policy, error.code]),
        [['files', code]],
      );
      stores.open = async () => ({ record, store, locks: undefined });
      assert.ok((await collect(bench)).freedBytes > 0);
      assert.ok(bench.events.includes('collected'));
    });
  }

  it('F3: a run stores anew what a list in the store names, whoever put it there, under the same sequence', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy({ keep: null });
    await bench.backUp('files', { tree: { 'a.txt': 'one' } });
    const policy = bench.policies.resolve('files');
    const locationId = locationOf(policy);
    const pack = bench.catalog.objects.list({ locationId, policyId: policy.policyId, kind: 'pack' }).items[0];
    assert.ok(pack !== undefined);
    const store = await storeOf(bench);
    const keys = bench.base.installation.keys.policyKeys(policy.policyId, 1);
    const { condemnedBook } = await import('../../../../daemon/policies/garbage/reliance.ts');
    let attempts = 0;
    await bench.backUp(
      'files',
      {
        hits: [pack.objectId],
        // Another installation condemns the pack between the gate and the manifest's put.
        afterManifest: async () => {
          attempts += 1;
          if (attempts === 1)
            await condemnedBook(store, keys).publish([{ type: 'pack', objectId: pack.objectId }], new AbortController().signal);
        },
      },
      { tree: { 'a.txt': 'one' } },
    );
    assert.equal(bench.jobs.length, 3);
    assert.deepEqual(
      bench.jobs[2]?.unusablePacks?.map((id) => Buffer.from(id).toString('hex')),
      [Buffer.from(pack.objectId).toString('hex')],
    );
    assert.equal(bench.points.resolve('files').sequence, 2);
    assert.deepEqual((await counts(bench))['manifest'], 2, 'the refused one was withdrawn');
  });
});
