import assert from 'node:assert/strict';
import type { RestorePointRecord } from '../../../daemon/catalog/restorePointStore.ts';
import { VerifyService } from '../../../daemon/policies/verifyService.ts';
import { PolicyBench } from '../../support/policyBench.ts';

interface Bench extends Disposable {
  readonly house: PolicyBench;
  readonly point: RestorePointRecord;
  readonly verify: (meanwhile?: () => void) => ReturnType<VerifyService['run']>;
  /** Takes a pack away, and puts it back. */
  readonly losePack: () => Promise<() => Promise<void>>;
}

async function ready(): Promise<Bench> {
  const house = await PolicyBench.ready();
  await house.createPolicy();
  const point = await house.point('files');
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
    verify: (meanwhile) => {
      const run = house.startAction();
      return service.run(point, true, { ...run, report: () => meanwhile?.() });
    },
    losePack: async () => {
      const store = await house.base.open(locationId);
      const [pack] = house.catalog.objects.list({ locationId, kind: 'pack' }).items;
      const kept = await store.get(pack?.objectKey ?? '');
      await store.delete(pack?.objectKey ?? '', null);
      return async () => void (await store.put(pack?.objectKey ?? '', kept?.body ?? Buffer.alloc(0)));
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
