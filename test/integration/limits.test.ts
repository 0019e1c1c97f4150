import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { lowPriority } from '../../daemon/engine/threads/threadPriority.ts';
import { actionCancel, actionResult } from '../../protocol/methods/actions.ts';
import { locationEdit, locationList } from '../../protocol/methods/locations.ts';
import { policyEdit } from '../../protocol/methods/policies.ts';
import { InProcessDaemon } from '../support/inProcessDaemon.ts';

const passphrase = 'a passphrase that is long enough for anybody';

/** Nice values of this process's threads. */
function priorities(): readonly number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
      return [Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

describe('limits of a run', function () {
  this.timeout(60_000);
  let folder: string;
  let daemon: InProcessDaemon;

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-limits-'));
    const source = path.join(folder, 'source');
    mkdirSync(source);
    writeFileSync(path.join(source, 'big'), randomBytes(1024 * 1024));
    daemon = await InProcessDaemon.start(path.join(folder, 'state'));
    await daemon.init(passphrase);
    await daemon.addLocation(path.join(folder, 'store'));
    await daemon.createPolicy(source);
  });
  after(async () => {
    await daemon[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts a backup, waits until `isHeld`, and cancels: it would else take days. */
  async function cancelledWhile(isHeld: () => Promise<boolean>): Promise<string> {
    const started = await daemon.startBackup();
    while (!(await isHeld())) await new Promise((resolve) => setImmediate(resolve));
    await daemon.call(actionCancel, { actionId: started.actionId });
    return (await daemon.ended(started)).state;
  }

  it('a byte a second holds reading up, and a run that waits is cancelled at once', async () => {
    await daemon.call(policyEdit, { policy: 'files', readLimit: 1 });
    const started = await daemon.startBackup();
    const phase = async (): Promise<string> => (await daemon.call(actionResult, { actionId: started.actionId })).progress.phase ?? '';
    while ((await phase()) !== 'reading') await new Promise((resolve) => setImmediate(resolve));
    await daemon.call(actionCancel, { actionId: started.actionId });
    assert.equal((await daemon.ended(started)).state, 'cancelled');
    assert.equal((await daemon.call(policyEdit, { policy: 'files', readLimit: null })).readLimit, null);
  });

  it('a byte a second holds uploads up, and a run that waits is cancelled at once; the limit is kept with the location', async () => {
    const saved = await daemon.call(locationEdit, { location: 'store', uploadLimit: 1 });
    assert.equal(saved.location?.uploadLimit, 1);
    assert.equal((await daemon.call(locationList, {})).items[0]?.uploadLimit, 1);
    const objects = (): number => readdirSync(path.join(folder, 'store'), { recursive: true }).length;
    const before = objects();
    // The first object of a run goes at once, the next ones have to wait for it.
    assert.equal(await cancelledWhile(async () => objects() > before), 'cancelled');
    const off = await daemon.call(locationEdit, { location: 'store', uploadLimit: null });
    assert.equal(off.location?.uploadLimit, null);
    assert.equal((await daemon.backUp()).files, 1);
  });

  it('low priority is that of the run’s threads, and of no other, and ends with them', async function () {
    if (process.platform !== 'linux') this.skip();
    const before = priorities();
    await daemon.call(policyEdit, { policy: 'files', lowPriority: true, readLimit: 1 });
    writeFileSync(path.join(folder, 'source', 'new'), randomBytes(1024 * 1024));
    assert.equal(await cancelledWhile(async () => priorities().filter((each) => each === lowPriority).length > 1), 'cancelled');
    while (priorities().includes(lowPriority)) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(new Set(priorities()), new Set(before));
    await daemon.call(policyEdit, { policy: 'files', readLimit: null });
    assert.equal((await daemon.backUp()).files, 2);
  });
});
