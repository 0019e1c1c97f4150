import assert from 'node:assert/strict';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import type { ObjectStore } from '../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { crash, PolicyBench } from '../../support/policyBench.ts';

/** Keys of what a store holds, packs, indexes and manifests. */
async function stored(store: ObjectStore, type: 'pack' | 'index' | 'manifest'): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of store.list('')) keys.push(...page.map(({ key }) => key).filter((key) => parseObjectKey(key)?.type === type));
  return keys;
}

function unplugged(): never {
  throw new HoldfastError('storeUnreachable', 'Failed to put: the drive is gone.');
}

describe('backup service', () => {
  it('commits data, then the index, then the manifest, each gate before what it guards, and the catalog last', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    bench.events.length = 0;
    await bench.backUp('files', {
      afterManifest: () => {
        assert.equal(bench.catalog.restorePoints.newest(), undefined, 'nothing is acknowledged before the last gate');
      },
    });
    assert.deepEqual(bench.events, ['pack', 'index', 'gate', 'manifest', 'gate', 'committed']);
    const point = bench.points.resolve('files');
    assert.equal(point.sequence, 1);
    assert.equal(point.state, 'live');
  });

  it('continues sequence, hash link and index numbers from run to run', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const first = await bench.point('files');
    const second = await bench.point('files', { tree: { 'b.txt': 'more' } });
    assert.deepEqual([first.sequence, second.sequence], [1, 2]);
    const job = bench.jobs[1];
    assert.deepEqual(job?.previous, first.sha256);
    assert.equal(job?.nextIndexSequence, 2);
    assert.equal(job?.parentIndexes.length, 1, 'deduplicates against what the first one pinned');
    assert.deepEqual(
      job?.live.map(({ sequence }) => sequence),
      [1],
    );
  });

  it('keeps the numbers and the link of a restore point that was retired, although nothing lists it', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const only = await bench.point('files');
    bench.points.retire(only.id, true);
    assert.throws(() => bench.points.resolve('files'), { code: 'unknownName' });
    const next = await bench.point('files');
    assert.equal(next.sequence, 2);
    assert.deepEqual(bench.jobs[1]?.previous, only.sha256);
    assert.deepEqual(bench.jobs[1]?.live, []);
    assert.deepEqual(bench.jobs[1]?.parentIndexes, [], 'what only retired restore points need is no target of deduplication');
  });

  it('acknowledges nothing and lists nothing where the run fails, and releases the next run to go on', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await assert.rejects(bench.backUp('files', { afterIndex: unplugged }), { code: 'storeUnreachable' });
    assert.equal(bench.catalog.restorePoints.newest(), undefined);
    assert.equal(bench.catalog.runPins.left().length, 1, 'what it put stays pinned');
    const { sequence } = await bench.point('files');
    assert.equal(sequence, 1);
    assert.equal(bench.jobs[1]?.parentIndexes.length, 1, 'the index that the failed run put serves the next');
    assert.deepEqual(bench.catalog.runPins.left(), []);
  });

  it('never gives an index number again that a failed run used', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await assert.rejects(bench.backUp('files', { afterIndex: unplugged }));
    await bench.backUp('files');
    const store = await bench.base.open(bench.base.installation.locations.resolve('store').locationId);
    const numbers = (await stored(store, 'index')).map((key) => {
      const name = parseObjectKey(key);
      return name?.type === 'index' ? name.sequence : 0;
    });
    assert.deepEqual(numbers, [1, 2]);
  });

  it('S9: starts again without packs that are gone, under the same sequence and with one manifest in the end', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const first = await bench.point('files');
    const locationId = bench.base.installation.locations.resolve('store').locationId;
    const store = await bench.base.open(locationId);
    const [pack = ''] = await stored(store, 'pack');
    const hit = Buffer.from(pack.slice(-32), 'hex');
    // The pack vanishes after the first gate has seen it: only the second gate, behind the put of the manifest, can tell.
    const vanishes = async (): Promise<void> => store.delete(pack, null);
    const second = await bench.point('files', { hits: [hit], afterManifest: vanishes }, { tree: { 'b.txt': 'more' } });
    assert.equal(second.sequence, first.sequence + 1);
    assert.deepEqual(
      bench.jobs[2]?.unusablePacks?.map((id) => Buffer.from(id).toString('hex')),
      [hit.toString('hex')],
    );
    assert.deepEqual(
      (await stored(store, 'manifest')).map((key) => key.slice(-32)).toSorted(),
      [first, second].map(({ id }) => id.replaceAll('-', '')).toSorted(),
    );
    assert.equal(bench.catalog.objects.get(locationId, pack)?.state, 'missing');
  });

  it('puts the keyring first where the location is behind, and fails before any data where it cannot', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const { installation } = bench.base;
    const locationId = installation.locations.resolve('store').locationId;
    bench.catalog.transaction(() => installation.keyrings.changed());
    assert.equal(installation.keyrings.isBehind(locationId), true);
    await bench.backUp('files');
    assert.equal(installation.keyrings.isBehind(locationId), false);
    assert.notEqual(bench.jobs[0]?.heads.keyring, null);
  });

  it('leaves the state directory and the folders of all filesystem locations out of every source', async () => {
    using bench = await PolicyBench.ready();
    await bench.base.addLocation('second');
    await bench.createPolicy();
    await bench.backUp('files');
    assert.deepEqual(
      bench.jobs[0]?.alwaysExclude.toSorted(),
      [bench.base.state, bench.base.at('store'), bench.base.at('second')].toSorted(),
    );
  });

  it('refuses a policy whose location was removed, with the way to give it another', async () => {
    using bench = await PolicyBench.ready();
    const { policyId } = await bench.createPolicy();
    bench.catalog.policies.change(bench.policies.resolve(policyId).policyId, { locationId: null });
    await assert.rejects(bench.backUp('files'), (error) => HoldfastError.is(error, 'unknownName') && /--location/.test(error.fix ?? ''));
  });

  it('goes on from an older restore point where the manifest of the newest is damaged, and says so', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    await bench.point('files');
    const second = await bench.point('files');
    const store = await bench.base.open(bench.base.installation.locations.resolve('store').locationId);
    await store.delete(second.manifestKey, null);
    const third = await bench.point('files');
    assert.equal(third.sequence, 3);
    assert.ok(bench.events.includes('manifest unreadable'));
    assert.equal(bench.jobs[2]?.parentIndexes.length, 1);
  });

  it('says seconds to the millisecond, and names warnings with the exit of warnings', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const result = await bench.backUp('files', { warnings: ['a.txt changed while it was read.'] });
    assert.equal(result.outcome, 'completeWithWarnings');
    assert.equal(result.error?.code, 'completedWithWarnings');
    assert.equal(result.document['seconds'], 1.235);
    assert.equal(bench.points.resolve('files').outcome, 'completeWithWarnings');
  });

  it('moves to another location with its sequence, and leaves what an unfinished run put at the first pinned there', async () => {
    using bench = await PolicyBench.ready();
    await bench.createPolicy();
    const first = await bench.point('files');
    await bench.leave('files', { afterIndex: crash });
    await bench.base.addLocation('second');
    const before = bench.catalog.runPins.left();
    await bench.policies.edit({ policy: 'files', location: 'second' });
    const moved = await bench.point('files');
    assert.equal(moved.sequence, first.sequence + 1);
    assert.notEqual(moved.storeId, first.storeId);
    assert.deepEqual(bench.jobs.at(-1)?.parentIndexes, [], 'data of another store is not relied on');
    assert.deepEqual(bench.catalog.runPins.left(), before);
  });
});
