import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { compareTrees } from '../support/compareTrees.ts';
import { backUp, refused, restore, restorePointOf } from '../support/cliExpect.ts';
import { garbageDocument, locationDocument, policyDocument, restorePointDocument, retentionDocument } from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';

describe('holdfast: retention and garbage collection', function () {
  this.timeout(120_000);
  let scratch: ScratchState;
  let source: string;
  const held = async (): Promise<number> => (await scratch.json(z.array(locationDocument), ['location', 'list']))[0]?.heldBytes ?? 0;
  const live = async (): Promise<readonly string[]> =>
    (await scratch.json(z.array(restorePointDocument), ['restore-point', 'list'])).map(({ id }) => id);
  /** As if a day had gone by. */
  const aDayLater = (): void => {
    const store = scratch.makeFolder('store');
    const then = new Date(Date.now() - 25 * 3_600_000);
    for (const name of readdirSync(store, { recursive: true, encoding: 'utf8' })) {
      if (name.includes(`${path.sep}condemned${path.sep}`)) utimesSync(path.join(store, name), then, then);
    }
  };

  before(async () => {
    scratch = new ScratchState();
    await scratch.setUp();
    source = scratch.makeFolder('source');
  });
  after(() => scratch[Symbol.asyncDispose]());

  it('F3: keeps what the rules say, shows why beforehand, and gives the space back a day later with everything else whole', async () => {
    const flags = ['--source', source, '--location', 'store', '--keep-all'];
    const policy = await scratch.json(policyDocument, ['policy', 'create', 'files', ...flags]);
    assert.equal(policy.keep, null);
    for (let run = 0; run < 3; run += 1) {
      writeFileSync(path.join(source, 'data'), randomBytes(300_000));
      await backUp(scratch, 'files');
    }
    assert.equal((await live()).length, 3);
    const edited = await scratch.json(policyDocument, ['policy', 'edit', 'files', '--keep-latest', '2']);
    assert.deepEqual(edited.keep, { latest: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 });
    const shown = await scratch.json(retentionDocument, ['policy', 'retention', 'files', '--dry-run']);
    assert.deepEqual(
      shown.map(({ keep, reasons }) => [keep, reasons]),
      [
        [true, ['newest', 'latest 1']],
        [true, ['latest 2']],
        [false, []],
      ],
    );
    await refused(scratch, ['policy', 'retention', 'files'], 2, 'usage');
    assert.equal((await live()).length, 3, 'shown, and nothing else');
    const [, second = ''] = await live();
    writeFileSync(path.join(source, 'data'), randomBytes(300_000));
    const newest = restorePointOf(await backUp(scratch, 'files'));
    const after = await live();
    assert.deepEqual([after.length, after[0], after.includes(second)], [2, newest, false]);
    const before = await held();
    const first = await scratch.json(garbageDocument, ['location', 'collect-garbage', 'store']);
    assert.equal(first.freedBytes, 0);
    assert.ok(first.waiting.reduce((sum, { bytes }) => sum + bytes, 0) > 600_000);
    aDayLater();
    const dry = await scratch.json(garbageDocument, ['loc', 'collect-garbage', 'store', '--dry-run']);
    assert.equal(await held(), before);
    const collected = await scratch.json(garbageDocument, ['location', 'collect-garbage', 'store']);
    assert.ok(collected.freedBytes > 600_000);
    assert.equal(dry.freedBytes, collected.freedBytes);
    assert.equal(await held(), before - collected.freedBytes);
    const target = scratch.makeFolder('target');
    await restore(scratch, newest, target);
    assert.deepEqual(compareTrees(source, target).differences, []);
    const all = await scratch.json(z.array(restorePointDocument), ['restore-point', 'list', '--include-retired']);
    assert.equal(all.length, 2, 'what is gone has left the list');
    await refused(scratch, ['location', 'collect-garbage', 'nowhere'], 2, 'unknownName');
  });
});
