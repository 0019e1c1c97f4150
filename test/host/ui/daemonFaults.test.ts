import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { daemonPid } from '../../support/daemon.ts';
import { goneWithin } from '../../support/processes.ts';
import { eventually } from './eventually.ts';
import { hostForEachTest } from './host.ts';
import type { Workbench } from './workbench.ts';

const actions = z.array(z.looseObject({ kind: z.string(), state: z.string() }));
const restorePoints = z.array(z.looseObject({ id: z.string() }));

/** As a crash or the system's out-of-memory killer ends it: without a word. */
async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  assert.ok(await goneWithin(pid, 5000));
}

async function isUnlocked(workbench: Workbench): Promise<void> {
  await eventually(async () => assert.match(await workbench.view('Restore Points').welcome(), /Protect a Folder/));
}

/** The name that a file has until all of it is there. */
const unfinished = /^\.holdfast-.*\.tmp$/;

/** Resolves as soon as anything lies in a folder that is not there yet: sooner than `eventually` would look again. */
async function firstEntryIn(folder: string): Promise<void> {
  const end = performance.now() + 30_000;
  while (!existsSync(folder) || readdirSync(folder).length === 0) {
    assert.ok(performance.now() < end, `something comes to ${folder}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Names of files that are not the same, byte by byte, in both folders. */
function differences(one: string, other: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => !readFileSync(path.join(one, name)).equals(readFileSync(path.join(other, name))));
}

describe('a daemon that goes away', () => {
  const host = hostForEachTest();

  function pid(): number {
    const found = daemonPid(host.scratch.state);
    assert.ok(found !== undefined, 'a daemon runs');
    return found;
  }

  it('starts a new one where the old one was killed and left its endpoint file; it is locked, and says so', async () => {
    await host.scratch.setUp();
    const workbench = await host.openWindow();
    await workbench.openContainer();
    await isUnlocked(workbench);
    const killed = pid();
    await kill(killed);
    await eventually(async () => assert.match(await workbench.view('Restore Points').welcome(), /is locked/));
    assert.notEqual(pid(), killed);
    await eventually(async () => assert.match(await workbench.statusBar.text(), /locked/));
    await workbench.view('Restore Points').pressWelcome('Unlock');
    await workbench.inputBox.waitFor('Unlock Holdfast');
    assert.equal(await workbench.inputBox.isSecret(), true);
    await workbench.inputBox.enter('not the passphrase');
    await eventually(async () => assert.match(await workbench.inputBox.message(), /wrong|does not open/i));
    await workbench.inputBox.enter(host.scratch.passphrase);
    await workbench.inputBox.waitUntilClosed();
    await eventually(async () => assert.doesNotMatch(await workbench.statusBar.text(), /locked/));
  });

  it('stays stopped for every window when one of them stopped it, and comes back for all when one starts it', async () => {
    await host.scratch.setUp();
    const first = await host.openWindow();
    await first.openContainer();
    const second = await host.openWindow();
    await second.openContainer();
    await Promise.all([isUnlocked(first), isUnlocked(second)]);
    await first.runCommand('holdfast.stopDaemon');
    for (const window of [first, second])
      await eventually(async () => assert.match(await window.view('Restore Points').welcome(), /not running/));
    assert.equal(daemonPid(host.scratch.state), undefined);
    await second.view('Restore Points').pressWelcome('Start Daemon');
    for (const window of [first, second])
      await eventually(async () => assert.match(await window.view('Restore Points').welcome(), /is locked/));
  });

  it('is not started by a window whose user does not want that, until he asks for it', async () => {
    const workbench = await host.openWindow({ settings: { 'holdfast.daemon.autoStart': false } });
    await workbench.openContainer();
    await eventually(async () => assert.match(await workbench.view('Restore Points').welcome(), /not running/));
    assert.equal(daemonPid(host.scratch.state), undefined);
    await workbench.view('Restore Points').pressWelcome('Start Daemon');
    await eventually(async () => assert.match(await workbench.view('Restore Points').welcome(), /Set Up Holdfast/));
  });

  it('outlives the window, and a window that is loaded again finds what it does', async () => {
    await host.scratch.setUp();
    const workbench = await host.openWindow();
    await workbench.openContainer();
    await isUnlocked(workbench);
    const before = pid();
    await workbench.reload();
    await isUnlocked(workbench);
    assert.equal(pid(), before);
  });

  it('killed in mid-backup, tells what became of the run, lists no half restore point, and the next run is whole', async () => {
    await host.scratch.setUp();
    for (let number = 0; number < 6; number += 1) writeFileSync(path.join(host.folder, `file${number}`), randomBytes(64 * 1024 * 1024));
    await host.scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', host.folder, '--location', 'store']);
    const workbench = await host.openWindow();
    await workbench.openContainer();
    const policy = workbench.view('Policies').row('work');
    await policy.press('Back Up Now');
    const store = path.join(host.scratch.folder, 'store');
    await eventually(() => assert.ok(readdirSync(store, { recursive: true }).some((name) => String(name).includes('packs'))));
    await kill(pid());
    await workbench.notifications.waitFor(/daemon ended/i);
    await eventually(async () => assert.match(await workbench.view('Restore Points').welcome(), /is locked/));
    await host.scratch.json(z.unknown(), ['unlock', '--passphrase-file', host.scratch.passphraseFile]);
    assert.deepEqual(await host.scratch.json(restorePoints, ['restore-point', 'list']), []);
    await policy.press('Back Up Now');
    await workbench.view('Restore Points').row('work').waitFor(60_000);
    const [point] = await host.scratch.json(restorePoints, ['restore-point', 'list']);
    await host.scratch.json(z.unknown(), ['restore-point', 'verify', point?.id ?? '', '--read-data']);
  });

  it('killed in mid-restore, tells that the restore has not ended, shows no half file as a whole one, and the next restore over it is whole', async () => {
    await host.scratch.setUp();
    for (let number = 0; number < 6; number += 1) writeFileSync(path.join(host.folder, `file${number}`), randomBytes(64 * 1024 * 1024));
    await host.scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', host.folder, '--location', 'store']);
    await host.scratch.json(z.unknown(), ['backup', 'work']);
    const target = path.join(host.scratch.folder, 'target');
    const workbench = await host.openWindow();
    await workbench.openContainer();
    await workbench.view('Restore Points').row('work').waitFor();
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.restore');
    await quickPick.choose(/^\d{4}-/);
    await quickPick.choose('Everything');
    await quickPick.choose('A folder…');
    await inputBox.answer(/Folder that it goes to/, target);
    await quickPick.choose(/^Restore 6 files, /);
    await firstEntryIn(target);
    await kill(pid());
    const restored = (): readonly string[] => readdirSync(target).filter((name) => !unfinished.test(name));
    assert.ok(restored().length < 6, 'the restore had not ended');
    assert.deepEqual(differences(host.folder, target, restored()), []);
    await workbench.notifications.waitFor(/daemon ended/i);
    assert.doesNotMatch((await workbench.notifications.texts()).join('\n'), /Restored/);
    await eventually(async () => assert.match(await workbench.view('Restore Points').welcome(), /is locked/));
    await host.scratch.json(z.unknown(), ['unlock', '--passphrase-file', host.scratch.passphraseFile]);
    const [last] = await host.scratch.json(actions, ['action', 'list', '--limit', '1']);
    assert.deepEqual([last?.kind, last?.state], ['restore', 'failed']);
    await host.scratch.json(z.unknown(), ['restore', 'work', '--target', target, '--conflict', 'overwrite']);
    assert.deepEqual(restored().toSorted(), readdirSync(host.folder).toSorted());
    assert.deepEqual(differences(host.folder, target, restored()), []);
  });
});
