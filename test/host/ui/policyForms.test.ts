import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { type Policy, policy } from '../../../protocol/methods/policies.ts';
import { restorePoint } from '../../../protocol/methods/restorePoints.ts';
import { eventually } from './eventually.ts';
import { type Host, hostForEachTest } from './host.ts';

async function policies(host: Host): Promise<readonly Policy[]> {
  return await host.scratch.json(z.array(policy), ['policy', 'list']);
}

/** A location, and a policy "work" of the window's folder. */
async function withPolicy(host: Host): Promise<void> {
  await host.scratch.setUp();
  writeFileSync(path.join(host.folder, 'kept.txt'), 'kept');
  await host.scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', host.folder, '--location', 'store']);
}

describe('New Policy', () => {
  const host = hostForEachTest();

  it('takes several sources, a command among them, and every other answer from its summary', async () => {
    await host.scratch.setUp();
    const other = host.scratch.makeFolder('other');
    writeFileSync(path.join(host.folder, 'kept.txt'), 'kept');
    const workbench = await host.openWindow();
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.newPolicy');
    await quickPick.waitFor(/New Policy \(1\/8\)/);
    await quickPick.choose(`Add ${host.folder}`);
    await quickPick.choose('Add a Folder…');
    await inputBox.answer(/Folder to protect/, path.join(other, 'nothing'));
    await eventually(async () => assert.match(await inputBox.message(), /There is no such folder/));
    await inputBox.enter('relative/path');
    await eventually(async () => assert.match(await inputBox.message(), /A whole path/));
    await inputBox.enter(other);
    await quickPick.option('Go On').waitFor();
    await quickPick.choose('Add a Command…');
    await inputBox.answer(/Command whose output is kept/, 'echo hello');
    await inputBox.answer(/Name of the file/, 'greeting.txt');
    await quickPick.option('greeting.txt').waitFor();
    await workbench.screenshot('form-sources');
    await quickPick.choose('Go On');
    await quickPick.choose('store');
    await inputBox.waitFor(/\(3\/8\)/);
    await eventually(async () => assert.equal(await inputBox.value(), 'work'));
    await inputBox.answer(/Name of the policy/, 'everything');
    await quickPick.choose('By hand only');
    await quickPick.choose('Leave out what .gitignore files name');
    await quickPick.waitFor(/\(6\/8\)/);
    await quickPick.choose('Go On');
    await quickPick.choose('A number of each…');
    for (const [prompt, count] of [
      [/latest restore points stay/, '3'],
      [/how many hours/, '0'],
      [/how many days/, '7'],
      [/how many weeks/, '0'],
      [/how many months/, '0'],
      [/how many years/, '0'],
    ] as const) {
      await inputBox.answer(prompt, 'many');
      await eventually(async () => assert.match(await inputBox.message(), /A whole number/));
      await inputBox.enter(count);
    }
    await quickPick.waitFor(/\(8\/8\)/);
    for (const [field, choice] of [
      ['Caches', 'backed up too'],
      ['Other file systems', 'left out'],
      ['Priority', 'only what others leave'],
    ] as const) {
      await quickPick.type(field);
      await quickPick.choose(field);
      await quickPick.choose(choice);
      await quickPick.waitFor(/\(8\/8\)/);
    }
    await quickPick.type('Large');
    await quickPick.choose('Large files');
    await inputBox.answer(/Larger files are left out/, 'lots');
    await eventually(async () => assert.match(await inputBox.message(), /A size such as/));
    await inputBox.enter('1.5 GiB');
    await quickPick.waitFor(/\(8\/8\)/);
    await quickPick.type('Command after');
    await quickPick.choose('Command after');
    await inputBox.answer(/Command after each backup/, 'true');
    await inputBox.answer(/How long may it take/, '90s');
    await quickPick.waitFor(/\(8\/8\)/);
    await workbench.screenshot('form-policy-summary');
    await quickPick.choose('Create Only');
    await quickPick.waitUntilClosed();

    const [made] = await eventually(async () => {
      const all = await policies(host);
      assert.equal(all.length, 1);
      return all;
    });
    assert.deepEqual(
      made?.sources.map((source) => (source.kind === 'folder' ? source.path : [source.name, source.command])),
      [host.folder, other, ['greeting.txt', 'echo hello']],
    );
    assert.equal(made.name, 'everything');
    assert.equal(made.gitignore, true);
    assert.deepEqual(made.keep, { latest: 3, hourly: 0, daily: 7, weekly: 0, monthly: 0, yearly: 0 });
    assert.deepEqual([made.includeCaches, made.oneFileSystem, made.lowPriority], [true, true, true]);
    assert.equal(made.maxFileSize, 1_610_612_736);
    assert.deepEqual(made.after, { command: 'true', timeLimit: 90 });
    assert.equal(made.restorePoints, 0);
  });
});

describe('Edit Policy', () => {
  const host = hostForEachTest();

  it('saves what was changed in one go, and keeps what somebody else changed meanwhile', async () => {
    await withPolicy(host);
    const workbench = await host.openWindow();
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.editPolicy');
    await quickPick.choose('work');
    await quickPick.waitFor('Edit Policy work');
    assert.ok(!(await quickPick.options()).some((option) => option.startsWith('Save')));
    await quickPick.choose(/^Name/);
    await inputBox.answer(/Name of the policy/, 'renamed');
    await quickPick.choose(/^Schedule/);
    await quickPick.choose('Every hour');
    await quickPick.option('Save 2 Changes').waitFor();
    await workbench.screenshot('form-edit');

    await host.scratch.json(z.unknown(), ['policy', 'edit', 'work', '--gitignore', '--schedule', '@weekly']);
    await quickPick.choose('Save 2 Changes');
    await quickPick.option(/^The policy was changed meanwhile/).waitFor();
    await workbench.screenshot('form-edit-contested');
    assert.equal((await policies(host))[0]?.name, 'work');
    await quickPick.choose('Save 2 Changes');
    await quickPick.waitUntilClosed();
    await eventually(async () => {
      const [now] = await policies(host);
      assert.deepEqual([now?.name, now?.schedule, now?.gitignore], ['renamed', '@hourly', true]);
    });
  });

  it('is offered for a folder that a policy protects already, beside a backup of it', async () => {
    await withPolicy(host);
    mkdirSync(path.join(host.folder, 'inner'));
    const workbench = await host.openWindow();
    const { quickPick } = workbench;
    await workbench.explorer.open();
    const menu = await workbench.explorer.openMenu('inner');
    await menu.choose('Protect This Folder…');
    await quickPick.option(/^Edit Policy…/).waitFor();
    await workbench.screenshot('form-protected-already');
    await quickPick.choose(/^Back Up Now/);
    await eventually(async () => {
      assert.equal((await host.scratch.json(z.array(restorePoint), ['restore-point', 'list'])).length, 1);
    });
  });

  it('V3: offers no command in a workspace that is not trusted, and no setting of that workspace counts', async () => {
    await withPolicy(host);
    const evil = path.join(host.scratch.folder, 'evil');
    mkdirSync(path.join(host.folder, '.vscode'));
    writeFileSync(
      path.join(host.folder, '.vscode', 'settings.json'),
      JSON.stringify({
        'holdfast.stateDirectory': evil,
        'holdfast.daemon.autoStart': false,
        'holdfast.autoLockHours': 1,
        'holdfast.statusBar.show': false,
        'holdfast.notifications.muted': ['everything'],
      }),
    );
    const workbench = await host.openWindow({ trust: 'ask' });
    const { quickPick } = workbench;
    await workbench.page.getByText('Restricted Mode', { exact: true }).waitFor();
    await workbench.runCommand('holdfast.editPolicy');
    await quickPick.choose('work');
    await quickPick.waitFor('Edit Policy work');
    await quickPick.type('Command');
    await eventually(async () => assert.equal(await workbench.page.locator('.quick-input-widget').getByRole('option').count(), 0));
    await workbench.statusBar.item.waitFor();
    await quickPick.type('');
    await quickPick.choose(/^Sources/);
    await quickPick.option('Add a Folder…').waitFor();
    assert.ok(!(await quickPick.options()).includes('Add a Command…'));
    await workbench.screenshot('form-untrusted');
    await quickPick.cancel();
    assert.deepEqual((await policies(host)).length, 1);
    assert.equal(existsSync(evil), false);
  });
});
