import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForEachTest } from './host.ts';

const anything = z.unknown();
const restorePoints = z.array(z.looseObject({ id: z.string() }));

/** A small file system in memory; `undefined` where this user may mount none. */
function mountSmallDisk(folder: string): Disposable | undefined {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  // A daemon may still look into it.
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', folder]) };
}

describe('a location on a disk that is full', () => {
  const host = hostForEachTest();

  it('X4: is told once, in a sentence with a way out, stands as an alert, and the next run is whole once there is room', async function () {
    const folder = path.join(host.scratch.folder, 'small disk');
    using mounted = mountSmallDisk(folder);
    if (mounted === undefined) this.skip();
    await host.scratch.setUp();
    writeFileSync(path.join(host.folder, 'ballast'), randomBytes(60 * 2 ** 20));
    await host.scratch.json(anything, ['location', 'add', 'filesystem', 'small', '--path', folder]);
    await host.scratch.json(anything, ['policy', 'create', 'work', '--source', host.folder, '--location', 'small']);
    const workbench = await host.openWindow();
    await workbench.openContainer();
    const policy = workbench.view('Policies').row('work');
    await policy.press('Back Up Now');
    await workbench.notifications.waitFor('there is no space left');
    await workbench.view('Alerts').row('The location small is full.').waitFor();
    await eventually(async () => assert.match(await policy.description(), /failed/));
    await eventually(async () => assert.equal(await workbench.statusBar.severity(), 'error'));
    assert.deepEqual(await workbench.notifications.texts(), [
      'Failed to back up work to small: there is no space left (ENOSPC). Free some space where the location lies, or let the policy use another location.',
    ]);
    await workbench.screenshot('full-disk');
    assert.deepEqual(await host.scratch.json(restorePoints, ['restore-point', 'list']), []);
    execFileSync('mount', ['-o', 'remount,size=128m', folder]);
    await policy.press('Back Up Now');
    await workbench
      .view('Restore Points')
      .row(/^Restore point of work/)
      .waitFor();
    await eventually(async () => assert.match(await policy.description(), /complete/));
    await eventually(async () => assert.match(await workbench.view('Alerts').welcome(), /All clear/));
    await host.scratch.json(anything, ['restore-point', 'verify', 'work', '--read-data']);
  });
});
