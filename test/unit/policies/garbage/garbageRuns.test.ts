import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ActionQueue } from '../../../../daemon/actions/actionQueue.ts';
import { GarbageRuns } from '../../../../daemon/policies/garbage/garbageRuns.ts';
import { locationOf, PolicyBench } from '../../../support/policyBench.ts';

describe('garbage runs', () => {
  it('collect by themselves what has something to collect, once a day, unlocked, and only when nothing else waits or runs', async () => {
    using bench = await PolicyBench.ready();
    const { catalog } = bench;
    const queue = new ActionQueue({
      history: catalog.actions,
      now: () => 0,
      wallClock: () => bench.base.now,
      concurrency: 2,
      onChanged: () => undefined,
      onFailed: () => undefined,
    });
    let isUnlocked = true;
    const failures: unknown[] = [];
    const runs = new GarbageRuns({
      queue,
      catalog,
      garbage: bench.garbage,
      isUnlocked: () => isUnlocked,
      wallClock: () => bench.base.now,
      onFailed: (error) => failures.push(error),
    });
    const collections = (): number => catalog.actions.list().items.filter(({ kind }) => kind === 'collectGarbage').length;
    const considered = async (): Promise<number> => {
      const before = collections();
      runs.consider();
      const ends = catalog.actions.list().items.map(async ({ actionId }) => await queue.ended(actionId));
      await Promise.all(ends);
      return collections() - before;
    };
    await bench.createPolicy({ keep: null });
    await bench.backUp('files', { tree: { a: 'one' } });
    const first = bench.points.resolve('files');
    await bench.backUp('files', { tree: { a: 'two' } });
    assert.equal(await considered(), 0, 'nothing is retired');
    bench.points.retire(first.id, true);
    isUnlocked = false;
    assert.equal(await considered(), 0, 'locked');
    isUnlocked = true;
    const gate = Promise.withResolvers<void>();
    const other = queue.submit({
      kind: 'verify',
      subject: 'x',
      requestId: randomUUID(),
      lanes: [],
      work: async () => {
        await gate.promise;
        return { outcome: 'complete', document: {} };
      },
    });
    runs.consider();
    assert.equal(collections(), 0, 'something runs');
    gate.resolve();
    await queue.ended(other.actionId);
    assert.deepEqual(failures, []);
    const insert = catalog.actions.insert.bind(catalog.actions);
    catalog.actions.insert = () => {
      throw new Error('the disk is full');
    };
    assert.equal(await considered(), 0, 'X4: the disk is full, and nobody who ended hears of it');
    assert.equal(failures.length, 1);
    catalog.actions.insert = insert;
    assert.equal(await considered(), 1);
    assert.equal(catalog.objects.list({ locationId: locationOf(bench.policies.resolve('files')), state: 'condemned' }).items.length, 3);
    assert.equal(await considered(), 0, 'not twice a day');
    bench.base.now = new Date(bench.base.now.getTime() + 86_400_000);
    assert.equal(await considered(), 1);
    bench.base.now = new Date(bench.base.now.getTime() - 10 * 86_400_000);
    assert.equal(await considered(), 1, 'F1: a clock that was ahead does not stop it for years');
  });
});
