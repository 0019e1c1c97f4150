import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { policyDelete, policyEdit, policyList, policyShow } from '../../protocol/methods/policies.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { CrashBench } from '../support/crashBench.ts';
import { passphrases } from '../support/crashScenarios.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { InProcessDaemon } from '../support/inProcessDaemon.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';

describe('the name of a policy', function () {
  this.timeout(60_000);
  let bench: CrashBench;

  beforeEach(async () => {
    bench = new CrashBench(new SeededRandom(testSeed()));
    await bench.setUp();
  });
  afterEach(() => bench[Symbol.dispose]());

  async function start(): Promise<InProcessDaemon> {
    const daemon = await InProcessDaemon.start(bench.state, { scrypt: new FakeScrypt() });
    await daemon.unlock(passphrases.main);
    return daemon;
  }

  async function assertRestores(daemon: InProcessDaemon, id: string, source: string): Promise<void> {
    const target = bench.newPath();
    succeeded(await daemon.restore(id, target));
    assert.deepEqual(compareTrees(source, target).differences, []);
    rmSync(target, { recursive: true });
  }

  it('M7: changes, and the policy stays the same: sequence, restore points, what is stored already, and its last run', async () => {
    await using daemon = await start();
    const { lastRun } = await daemon.call(policyShow, { policy: 'files' });
    assert.ok(lastRun !== null);
    const before = await daemon.restorePoints('files');
    writeFileSync(path.join(bench.source, 'large'), randomBytes(500_000));
    await daemon.backUp();
    const renamed = await daemon.call(policyEdit, { policy: 'files', name: 'papers' });
    assert.equal(renamed.policyId, before[0]?.policyId);
    assert.ok(renamed.lastRun !== null, 'its runs are its own under any name');
    await assert.rejects(daemon.restorePoints('files'), (error) => HoldfastError.is(error, 'unknownName'));
    const { restorePointId, addedBytes } = await daemon.backUp('papers');
    assert.ok(addedBytes < 200_000, `${addedBytes} bytes stored anew`);
    const listed = await daemon.restorePoints('papers');
    assert.deepEqual(
      listed.map(({ sequence, policy }) => [sequence, policy]),
      [4, 3, 2, 1].map((sequence) => [sequence, 'papers']),
    );
    await assertRestores(daemon, restorePointId ?? '', bench.source);
  });

  it('M7: is given to a new policy after the first was deleted: neither takes anything for its own that the other made', async () => {
    const other = bench.newPath();
    mkdirSync(other);
    writeFileSync(path.join(other, 'another file'), 'nothing of the first');
    const [first, second] = bench.acknowledged;
    let made = '';
    {
      await using daemon = await start();
      const old = await daemon.call(policyDelete, { policy: 'files', confirmed: true });
      const young = await daemon.createPolicy(other, 'files');
      assert.notEqual(young.policyId, old.policyId);
      assert.deepEqual([young.restorePoints, young.lastRun], [0, null], 'a new policy has not run yet');
      made = (await daemon.backUp('files')).restorePointId ?? '';
      assert.deepEqual(
        (await daemon.restorePoints('files')).map(({ id, sequence }) => [id, sequence]),
        [[made, 1]],
      );
      assert.deepEqual(new Set((await daemon.restorePoints()).map(({ id }) => id)), new Set([first?.id, second?.id, made]));
      await assertRestores(daemon, made, other);
      await assertRestores(daemon, first?.id ?? '', first?.source ?? '');
      assert.equal((await daemon.call(policyList, {})).items.length, 1);
    }
    // And so it is for whoever has nothing but the store.
    await using found = await InProcessDaemon.start(bench.newPath(), { scrypt: new FakeScrypt() });
    const { policies, restorePoints, damaged } = await found.importStored(bench.store, passphrases.main);
    assert.deepEqual([policies, restorePoints, damaged], [2, 3, []]);
    const names = (await found.call(policyList, {})).items.map(({ name, restorePoints: count }) => [name, count]);
    assert.equal(new Set(names.map(([name]) => name)).size, 2, JSON.stringify(names));
    await assertRestores(found, made, other);
    await assertRestores(found, second?.id ?? '', second?.source ?? '');
  });
});
