import assert from 'node:assert/strict';
import path from 'node:path';
import type { CliResult } from '../support/cli.ts';
import { errorDocument } from '../support/cliShapes.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ImmutableScratch } from '../support/immutableScratch.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { FaultProxy } from '../support/servers/faultProxy.ts';
import type { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';

const mebibyte = 1 << 20;

/** One sentence, one way out, and what the store has to do with it. */
function oneSentence(result: CliResult): void {
  assert.equal(result.status, 1, result.stderr);
  const { error } = errorDocument.parse(result.json);
  assert.ok(['storeUnreachable', 'storeFailed'].includes(error.code), error.code);
  assert.match(error.message, /^Failed to [^\n]+\.$/);
  assert.ok(error.fix !== null);
}

describe('immutable backups over a bad network', function () {
  this.timeout(120_000);
  let server: SeaweedServer;
  let proxy: FaultProxy;
  let vault: ImmutableScratch;
  let target = 0;
  const random = new SeededRandom(testSeed());

  /** New content, so that the next run has something to put. */
  const change = (size = 6 * mebibyte): void => vault.write(`file ${random.below(4)}`, random.bytes(size));
  const newTarget = (): string => path.join(vault.scratch.folder, `target-${(target += 1)}`);
  /** Resolves once so many bytes more have passed. */
  const passed = async (bytes: number): Promise<void> => {
    const end = proxy.bytes + bytes;
    while (proxy.bytes < end) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  /** Whatever a run came to: the next is whole and comes back, and all that is in the bucket is what the ledger says. */
  const isWhole = async (): Promise<void> => {
    proxy.setFaults({});
    const point = await vault.backUp();
    assert.deepEqual(await vault.restoreDifferences(point), []);
    const audit = await vault.audit();
    assert.equal(audit.status, 0, audit.stdout);
  };

  before(async function (this: Mocha.Context) {
    server = await sharedSeaweed(this);
    proxy = await FaultProxy.start(server.address);
    vault = new ImmutableScratch({ bucket: await server.createBucket(), endpoint: proxy.endpoint });
    change();
    await vault.setUp();
    await vault.backUp();
  });
  after(async () => {
    await vault[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });

  it('S2: a backup and a restore come through connections that are reset in mid-body', async () => {
    change();
    proxy.setFaults({ up: { resetAfter: 200_000, resets: 5 } });
    const point = await vault.backUp();
    assert.equal(proxy.resets, 5);
    proxy.setFaults({ down: { resetAfter: 150_000, resets: 5 } });
    assert.deepEqual(await vault.restoreDifferences(point), []);
    assert.equal(proxy.resets, 5);
    await isWhole();
  });

  it('S11: a backup and a restore come through late and small pieces', async () => {
    change(mebibyte);
    const slow = { latency: 25, slice: 1400 };
    proxy.setFaults({ up: slow, down: slow });
    const point = await vault.backUp();
    assert.deepEqual(await vault.restoreDifferences(point), []);
    await isWhole();
  });

  it('S11: a network that is gone for two seconds in the middle of a backup costs nothing but time, or one run', async () => {
    change();
    const running = vault.scratch.startCli(['backup', 'files', '--json']);
    await passed(mebibyte);
    proxy.goDown();
    setTimeout(() => proxy.comeUp(), 2000);
    const result = await running.done;
    if (result.status !== 0) oneSentence(result);
    proxy.comeUp();
    await isWhole();
  });

  it('S11: a network that is gone for two seconds in the middle of a restore costs nothing but time, or one run', async () => {
    change();
    const point = await vault.backUp();
    const folder = newTarget();
    const running = vault.scratch.startCli(['restore', point, '--target', folder, '--json']);
    await passed(mebibyte);
    proxy.goDown();
    setTimeout(() => proxy.comeUp(), 2000);
    const result = await running.done;
    if (result.status === 0) assert.deepEqual(compareTrees(vault.source, folder).differences, []);
    else oneSentence(result);
    proxy.comeUp();
    assert.deepEqual(await vault.restoreDifferences(point), []);
  });

  it('S11: a backup whose network does not come back says so, its locks go on to count, and the next run is whole', async () => {
    change();
    const running = vault.scratch.startCli(['backup', 'files', '--json']);
    await passed(mebibyte);
    proxy.goDown();
    oneSentence(await running.done);
    await vault.scratch.cli(['immutability', 'refresh']);
    const alert = (await vault.alerts()).find(({ kind }) => kind === 'locationUnreachable');
    assert.match(alert?.message ?? '', /^The location store can not be reached/);
    assert.ok(Date.parse(alert?.safeUntil ?? '') > Date.now() + 86_400_000);
    assert.ok(alert?.fix);
    proxy.comeUp();
    await isWhole();
    assert.equal((await vault.scratch.cli(['immutability', 'refresh'])).status, 0);
    assert.deepEqual(await vault.alerts(), []);
  });

  it('S11: soak: backups, restores and refreshes go on while the network does what it likes', async function (this: Mocha.Context) {
    const seconds = Number(process.env['HOLDFAST_SOAK_SECONDS'] ?? '10');
    this.timeout(seconds * 1000 + 120_000);
    const end = performance.now() + seconds * 1000;
    let runs = 0;
    let whole = 0;
    do {
      change(mebibyte);
      const resetAfter = 20_000 + random.below(400_000);
      const up = {
        latency: random.below(30),
        slice: 500 + random.below(60_000),
        ...(random.below(2) === 0 ? { resetAfter, resets: 1 + random.below(3) } : {}),
      };
      const down = {
        latency: random.below(30),
        slice: 500 + random.below(60_000),
        ...(random.below(2) === 0 ? { resetAfter, resets: 1 + random.below(3) } : {}),
      };
      proxy.setFaults({ up, down });
      const outage = random.below(3) === 0 ? setTimeout(() => proxy.goDown(), random.below(800)) : undefined;
      const back = setTimeout(() => proxy.comeUp(), 800 + random.below(1500));
      const result = await vault.scratch.cli(['backup', 'files', '--json']);
      clearTimeout(outage);
      clearTimeout(back);
      proxy.comeUp();
      runs += 1;
      if (result.status === 0) whole += 1;
      else oneSentence(result);
    } while (performance.now() < end);
    assert.ok(whole > 0, `none of ${runs} runs was whole`);
    await isWhole();
  });
});
