import assert from 'node:assert/strict';
import type { RestorePointRecord } from '../../../daemon/catalog/restorePointStore.ts';
import { VerifyService } from '../../../daemon/policies/verifyService.ts';
import { chunkIdOf, idKeyOf } from '../../../daemon/repository/chunkId.ts';
import type { FixtureRepository } from '../../support/fixtureRepository.ts';
import { type FakeRun, fileEntry, PolicyBench } from '../../support/policyBench.ts';

interface Bench extends Disposable {
  readonly house: PolicyBench;
  readonly point: RestorePointRecord;
  readonly verify: (meanwhile?: () => void, readData?: boolean) => ReturnType<VerifyService['run']>;
  /** Takes a pack away, and puts back that or other bytes of its length. */
  readonly losePack: (objectKey?: string) => Promise<(isWhole?: boolean) => Promise<void>>;
}

/** A restore point of one file: its tree in the first pack, its data in the second one, and where it `isTwice` in both. */
function inTwoPacks(isTwice: boolean): { readonly run: FakeRun; readonly packs: () => readonly string[] } {
  const data = Buffer.from('hello');
  let fixture: FixtureRepository | undefined;
  const run: FakeRun = {
    tree: (writing) => {
      fixture = writing;
      const ids = chunkIdOf(idKeyOf(writing.keys, 'data'), data);
      return [fileEntry(writing, 'a.txt', isTwice ? 'hello' : '', { size: data.length, content: { form: 'ids', ids } })];
    },
    afterPack: async () => {
      // An index names each chunk once.
      await fixture?.cutIndex();
      fixture?.ids(data);
      await fixture?.cutPack();
    },
  };
  return { run, packs: () => fixture?.packKeys ?? [] };
}

async function ready(run: FakeRun = {}): Promise<Bench> {
  const house = await PolicyBench.ready();
  await house.createPolicy();
  const point = await house.point('files', run);
  const service = new VerifyService({
    installation: house.base.installation,
    restorePoints: house.open,
    wallClock: () => house.base.now,
    onChanged: () => undefined,
  });
  const { locationId } = house.base.installation.locations.resolve('store');
  return {
    house,
    point,
    verify: (meanwhile, readData = true) => {
      const action = house.startAction();
      return service.run(point, readData, { ...action, report: () => meanwhile?.() });
    },
    losePack: async (objectKey = house.catalog.objects.list({ locationId, kind: 'pack' }).items[0]?.objectKey ?? '') => {
      const store = await house.base.open(locationId);
      const kept = Buffer.from((await store.get(objectKey))?.body ?? []);
      await store.delete(objectKey, null);
      return async (isWhole = true) => {
        await store.delete(objectKey, null);
        await store.put(objectKey, isWhole ? kept : Buffer.alloc(kept.length, 1));
      };
    },
    [Symbol.dispose]: () => house[Symbol.dispose](),
  };
}

describe('verify service', () => {
  it('remembers the verdict: good, then damaged, then good again when the missing pack is back', async () => {
    using bench = await ready();
    const now = (): RestorePointRecord => bench.house.points.resolve(bench.point.id);
    assert.equal((await bench.verify()).outcome, 'complete');
    assert.deepEqual([now().state, now().verifiedResult, now().verifiedAt], ['live', 'ok', bench.house.base.now.toISOString()]);
    const putBack = await bench.losePack();
    const bad = await bench.verify();
    assert.equal(bad.error?.code, 'damaged');
    assert.deepEqual([now().state, now().verifiedResult], ['damaged', 'damaged']);
    assert.ok(Number(bad.document['damagedCount']) > 0);
    await putBack();
    await bench.verify();
    assert.equal(now().state, 'live');
  });

  it('does not take a look that reads no data for an answer to the loss that one which read it found', async () => {
    const { run, packs } = inTwoPacks(false);
    using bench = await ready(run);
    const now = (): RestorePointRecord => bench.house.points.resolve(bench.point.id);
    const putBack = await bench.losePack(packs()[1]);
    await putBack(false);
    assert.equal((await bench.verify()).outcome, 'failed');
    const quick = await bench.verify(undefined, false);
    assert.equal(quick.outcome, 'completeWithWarnings');
    assert.match(String(quick.document['notes']), /^An earlier verification that read the data found some of it lost/);
    assert.deepEqual([now().state, now().verifiedResult], ['damaged', 'damaged']);
    await putBack();
    assert.equal((await bench.verify()).outcome, 'complete');
    assert.deepEqual([now().state, now().verifiedResult], ['live', 'ok']);
    assert.deepEqual((await bench.verify(undefined, false)).document['notes'], []);
  });

  it('calls a restore point live whose every file has a good copy, and tells what is damaged all the same', async () => {
    const { run, packs } = inTwoPacks(true);
    using bench = await ready(run);
    await bench.losePack(packs()[1]);
    const { outcome, document } = await bench.verify();
    assert.deepEqual([outcome, document['ok'], document['damagedCount']], ['completeWithWarnings', false, 1]);
    const { state, verifiedResult } = bench.house.points.resolve(bench.point.id);
    assert.deepEqual([state, verifiedResult], ['live', 'ok']);
  });

  it('brings no restore point back that was retired while it was verified', async () => {
    using bench = await ready();
    await bench.losePack();
    await bench.verify(() => {
      if (bench.house.points.resolve(bench.point.id).state === 'live') bench.house.points.retire(bench.point.id, true);
    });
    assert.equal(bench.house.points.resolve(bench.point.id).state, 'retired');
    assert.equal(bench.house.points.resolve(bench.point.id).verifiedResult, 'damaged');
  });
});
