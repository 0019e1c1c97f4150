import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { ViewName, Workbench } from './workbench.ts';

const anything = z.unknown();

describe('the welcome texts', () => {
  const host = hostForSuite();
  let workbench: Workbench;

  const says = async (view: ViewName, text: RegExp): Promise<void> =>
    await eventually(async () => assert.match(await workbench.view(view).welcome(), text));

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    workbench = await host.openWindow();
    await workbench.openContainer();
    for (const view of ['Passkeys', 'Locations'] as const) await workbench.view(view).expand();
  });

  it('of a new user lead to setting up, in every view', async () => {
    await says('Restore Points', /Set Up Holdfast/);
    for (const view of ['Policies', 'Passkeys', 'Locations', 'Alerts'] as const) await says(view, /Set Up Holdfast/);
    assert.match(await workbench.statusBar.text(), /not set up/);
  });

  it('of an installation without a location lead to one', async () => {
    const { scratch } = host;
    await scratch.json(anything, ['init', '--passphrase-file', scratch.passphraseFile]);
    await says('Restore Points', /New Location/);
    await says('Policies', /New Policy/);
    await says('Locations', /New Location/);
    await says('Alerts', /All clear/);
    await workbench.view('Passkeys').row('passphrase').waitFor();
    await workbench.screenshot('welcome-no-location');
  });

  it('of an installation without a policy lead to protecting a folder', async () => {
    const { scratch } = host;
    await scratch.json(anything, ['location', 'add', 'filesystem', 'store', '--path', scratch.makeFolder('store')]);
    await workbench.view('Locations').row('store').waitFor();
    await says('Restore Points', /Protect a Folder/);
  });

  it('of a policy without a restore point back up, and give way to what was backed up', async () => {
    const { scratch } = host;
    const files = scratch.makeFolder('files');
    writeFileSync(path.join(files, 'a.txt'), 'a');
    await scratch.json(anything, ['policy', 'create', 'files', '--source', files, '--location', 'store']);
    await says('Restore Points', /Back Up Now/);
    await workbench.view('Restore Points').pressWelcome('Back Up Now');
    await workbench.quickPick.choose('files');
    await workbench
      .view('Restore Points')
      .row(/^Restore point of files/)
      .waitFor();
    assert.ok(workbench.wire.commands.includes('holdfast.backUpNow'));
  });

  it('of a locked daemon lead to unlocking it, where locking hides what there was', async () => {
    await workbench.view('Restore Points').press('Lock');
    await says('Restore Points', /Unlock/);
    await says('Policies', /Unlock/);
    await workbench.view('Passkeys').row('passphrase').waitFor();
    await workbench.view('Locations').row('store').waitFor();
    assert.match(await workbench.statusBar.text(), /locked/);
    await workbench.screenshot('welcome-locked');
    await workbench.view('Restore Points').pressWelcome('Unlock');
    await workbench.inputBox.waitFor();
    await workbench.inputBox.enter(host.scratch.passphrase);
    await workbench.view('Restore Points').row('files').waitFor();
  });

  it('of a daemon that was stopped start it again', async () => {
    await workbench.runCommand('holdfast.stopDaemon');
    await says('Restore Points', /not running/);
    await says('Alerts', /not running/);
    assert.match(await workbench.statusBar.text(), /not running/);
    await workbench.screenshot('welcome-not-running');
    await workbench.view('Restore Points').pressWelcome('Start Daemon');
    await says('Restore Points', /Unlock/);
  });
});
