import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { programVersion } from '../../../protocol/version.ts';
import { isAlive } from '../../support/processes.ts';
import { packOtherVersion } from '../../support/otherVersion.ts';
import { eventually } from './eventually.ts';
import { hostForEachTest } from './host.ts';
import type { Workbench } from './workbench.ts';

const anything = z.unknown();
const restorePoints = z.array(z.looseObject({ id: z.string() }));
const olderVersion = '0.0.9';

async function says(window: Workbench, text: RegExp): Promise<void> {
  await eventually(async () => assert.match(await window.view('Restore Points').welcome(), text));
}

async function tooltipOf(window: Workbench): Promise<string> {
  return (await window.statusBar.tooltip()).replaceAll('\u00a0', ' ');
}

/** Waits until the window talks to a daemon of this version. */
async function usesDaemonOf(window: Workbench, version: string): Promise<void> {
  await eventually(async () => assert.ok((await tooltipOf(window)).includes(`Holdfast ${version} on`)));
}

async function isWorking(window: Workbench): Promise<void> {
  await eventually(async () => assert.match(await window.statusBar.accessibleName(), /working/));
}

describe('versions of the extension', () => {
  const host = hostForEachTest();
  let folder: string;
  let older: string;
  let olderProtocol: string;

  before(async function (this: Mocha.Context) {
    this.timeout(120_000);
    folder = mkdtempSync(path.join(os.tmpdir(), 'versions-'));
    [older, olderProtocol] = await Promise.all([
      packOtherVersion(path.join(folder, 'older'), { version: olderVersion }),
      packOtherVersion(path.join(folder, 'olderProtocol'), { version: '0.0.1', protocolMajor: 0 }),
    ]);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function pid(): number {
    const found = host.scratch.daemonPid();
    assert.ok(found !== undefined, 'a daemon runs');
    return found;
  }

  /** How many daemons this state directory has had. */
  function daemonsStarted(): number {
    const { state } = host.scratch;
    const logs = globSync('**/*.log*', { cwd: state }).map((file) => readFileSync(path.join(state, file), 'utf8'));
    return logs.join('\n').split('The daemon listens').length - 1;
  }

  async function unlock(window: Workbench): Promise<void> {
    await window.view('Restore Points').pressWelcome('Unlock');
    await window.inputBox.waitFor('Unlock Holdfast');
    await window.inputBox.enter(host.scratch.passphrase);
    await window.inputBox.waitUntilClosed();
  }

  /** A policy whose run begins and waits; gives what lets it go on. */
  async function policyThatWaits(): Promise<() => Promise<void>> {
    const pipe = path.join(host.scratch.folder, 'goOn');
    execFileSync('mkfifo', [pipe]);
    writeFileSync(path.join(host.folder, 'letter.txt'), 'dear friend\n');
    const hook = ['--before', `cat ${pipe}`];
    await host.scratch.json(anything, ['policy', 'create', 'work', '--source', host.folder, '--location', 'store', ...hook]);
    return async () => await writeFile(pipe, '');
  }

  it('share one daemon where two are open at once: the older one makes way, once, and both windows use the newer', async () => {
    await host.scratch.setUp();
    await host.scratch.json(anything, ['stop']);
    const first = await host.openWindow({ workbench: await host.startWorkbench(older) });
    await first.openContainer();
    await says(first, /is locked/);
    await usesDaemonOf(first, olderVersion);
    const before = pid();
    const second = await host.openWindow();
    await second.openContainer();
    await says(second, /is locked/);
    assert.notEqual(pid(), before);
    for (const window of [first, second]) await usesDaemonOf(window, programVersion);
    const shared = pid();
    await unlock(first);
    for (const window of [first, second]) await says(window, /Protect a Folder/);
    for (const window of [first, second]) {
      await window.reload();
      await window.openContainer();
      await says(window, /Protect a Folder/);
    }
    assert.equal(pid(), shared);
    assert.equal(daemonsStarted(), 3, 'of the command line, of the older window and of the newer one');
    assert.deepEqual([await first.notifications.texts(), await second.notifications.texts()], [[], []]);
  });

  it('that do not speak the same protocol say what to do, and start nothing; the updated one goes on', async () => {
    await host.scratch.setUp();
    const before = pid();
    const workbench = await host.startWorkbench(olderProtocol);
    const window = await host.openWindow({ workbench });
    await window.openContainer();
    await eventually(async () => assert.match(await tooltipOf(window), /it speaks protocol 1 and this side protocol 0/));
    await says(window, /can not be used/);
    assert.equal(await window.statusBar.text(), 'Holdfast no connection');
    await window.view('Restore Points').pressWelcome('Show Why');
    await window.notifications.waitFor(/Update Holdfast on this side/);
    assert.equal((await window.notifications.texts()).length, 1);
    await window.screenshot('other-protocol');
    await workbench.update(host.vsix);
    await window.reload();
    await window.openContainer();
    await says(window, /Protect a Folder/);
    assert.equal(pid(), before);
    assert.equal(daemonsStarted(), 1);
  });

  it('change under a backup that runs: it ends whole in the daemon of the old one, which the next window then replaces', async () => {
    await host.scratch.setUp();
    const goOn = await policyThatWaits();
    await host.scratch.json(anything, ['stop']);
    const workbench = await host.startWorkbench(older);
    const window = await host.openWindow({ workbench });
    await window.openContainer();
    await says(window, /is locked/);
    await unlock(window);
    await window.view('Policies').row('work').press('Back Up Now');
    await isWorking(window);
    const before = pid();
    await workbench.update(host.vsix);
    await window.reload();
    await window.openContainer();
    await isWorking(window);
    await usesDaemonOf(window, olderVersion);
    await goOn();
    await window
      .view('Restore Points')
      .row(/^Restore point of work/)
      .waitFor();
    assert.equal(pid(), before);
    await window.reload();
    await window.openContainer();
    await says(window, /is locked/);
    await usesDaemonOf(window, programVersion);
    assert.equal(isAlive(before), false);
    await unlock(window);
    await window
      .view('Restore Points')
      .row(/^Restore point of work/)
      .waitFor();
    await host.scratch.json(anything, ['restore-point', 'verify', 'work', '--read-data']);
  });

  it('taken away under a backup that runs: it ends whole, the daemon lives on, and finds the extension when it is back', async () => {
    await host.scratch.setUp();
    const goOn = await policyThatWaits();
    await host.scratch.json(anything, ['stop']);
    const workbench = await host.startWorkbench();
    const window = await host.openWindow({ workbench });
    await window.openContainer();
    await says(window, /is locked/);
    await unlock(window);
    await window.view('Policies').row('work').press('Back Up Now');
    await isWorking(window);
    const before = pid();
    await workbench.uninstall();
    assert.deepEqual(workbench.extensionFolders(), []);
    await window.page.reload();
    await window.activityBar.tab('Explorer').waitFor();
    // The window remembers the container until it has read which extensions there are.
    await window.activityBar.tab('Holdfast').waitFor({ state: 'detached' });
    await goOn();
    await eventually(async () => assert.equal((await host.scratch.json(restorePoints, ['restore-point', 'list'])).length, 1));
    await host.scratch.json(anything, ['restore-point', 'verify', 'work', '--read-data']);
    await workbench.install(host.vsix);
    await window.reload();
    await window.openContainer();
    await window
      .view('Restore Points')
      .row(/^Restore point of work/)
      .waitFor();
    assert.equal(pid(), before);
    assert.equal(daemonsStarted(), 2);
  });
});
