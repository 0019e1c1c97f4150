import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { location } from '../../../protocol/methods/locations.ts';
import { type Passkey, passkey } from '../../../protocol/methods/passkeys.ts';
import { policy } from '../../../protocol/methods/policies.ts';
import { daemonPid } from '../../support/daemon.ts';
import { endProcess } from '../../support/processes.ts';
import { eventually } from './eventually.ts';
import { type Host, hostForEachTest } from './host.ts';
import type { Workbench } from './workbench.ts';

async function passkeys(host: Host): Promise<readonly Passkey[]> {
  return await host.scratch.json(z.array(passkey), ['passkey', 'list']);
}

/** Answers the question for a passphrase that comes before what changes passkeys. */
async function stepUp(host: Host, { inputBox }: Workbench): Promise<void> {
  await inputBox.answer(/Passphrase of any passkey, to go on/, host.scratch.passphrase);
}

async function ownPassphrase({ quickPick, inputBox }: Workbench, passphrase: string): Promise<void> {
  await quickPick.choose('Type my own');
  await eventually(async () => assert.match(await inputBox.message(), /^Passphrase/));
  assert.ok(await inputBox.isSecret());
  await inputBox.type('short');
  await eventually(async () => assert.match(await inputBox.message(), /At least 12 characters/));
  await inputBox.enter(passphrase);
  await eventually(async () => assert.match(await inputBox.message(), /The same passphrase again/));
  await inputBox.type('something else');
  await eventually(async () => assert.match(await inputBox.message(), /not the passphrase that you typed first/));
  await inputBox.enter(passphrase);
}

describe('forms for passkeys, locations and the passphrase', () => {
  const host = hostForEachTest();

  it('New Passkey adds a second way in, of a passphrase typed twice', async () => {
    await host.scratch.setUp();
    const workbench = await host.openWindow();
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.newPasskey');
    await stepUp(host, workbench);
    await quickPick.waitFor(/New Passkey \(1\/\d\)/);
    await quickPick.choose('Passphrase');
    await inputBox.waitFor(/New Passkey \(2\/\d\)/);
    await inputBox.type('passphrase');
    await eventually(async () => assert.match(await inputBox.message(), /taken already/));
    await inputBox.enter('safe at home');
    await quickPick.choose('The one in use stays');
    await ownPassphrase(workbench, 'another long passphrase');
    await quickPick.waitUntilClosed();
    await eventually(async () => {
      assert.deepEqual((await passkeys(host)).map(({ name, inUse }) => `${name} ${inUse}`).toSorted(), [
        'passphrase true',
        'safe at home false',
      ]);
    });
  });

  it('Unlock opens by the passphrase of the passkey that the user names, and says at once where it is another', async () => {
    await host.scratch.setUp();
    const other = path.join(host.scratch.folder, 'other');
    writeFileSync(other, 'another long passphrase\n', { mode: 0o600 });
    await host.scratch.json(z.unknown(), ['passkey', 'add', 'passphrase', 'safe at home', '--passphrase-file', other]);
    await host.scratch.json(z.unknown(), ['lock']);
    const workbench = await host.openWindow();
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.unlock');
    await eventually(async () => assert.match(await inputBox.message(), /Passphrase of passphrase, or of any other/));
    await inputBox.pressButton('Choose a passkey');
    await quickPick.choose('safe at home');
    await eventually(async () => assert.match(await inputBox.message(), /Passphrase of safe at home/));
    await workbench.screenshot('form-unlock');
    await inputBox.enter(host.scratch.passphrase);
    await eventually(async () => assert.match(await inputBox.message(), /the passphrase is wrong/));
    await inputBox.enter('another long passphrase');
    await inputBox.waitUntilClosed();
    await eventually(async () => assert.equal((await host.scratch.cli(['policy', 'list'])).status, 0));
  });

  it('Rotate Passkey gives the name a new passphrase, shown once, and retires the old one where its name is typed', async () => {
    await host.scratch.setUp();
    const workbench = await host.openWindow();
    const { quickPick, inputBox, dialog } = workbench;
    await workbench.runCommand('holdfast.rotatePasskey');
    await quickPick.choose('passphrase');
    await stepUp(host, workbench);
    await quickPick.waitFor(/Rotate Passkey passphrase/);
    await workbench.screenshot('form-rotate');
    await quickPick.choose('It is retired at once');
    await quickPick.choose('Generate a passphrase');
    await dialog.waitFor();
    const shown = /(?:[a-z]+-){6}[a-z]+/.exec(await dialog.detail())?.[0] ?? '';
    await dialog.press('Copy and Continue');
    await eventually(async () => assert.equal(await workbench.clipboard(), shown));
    await inputBox.waitFor('Retire Passkey');
    const [previous] = (await passkeys(host)).filter(({ inUse }) => !inUse);
    assert.match(previous?.name ?? '', /^passphrase@/);
    await inputBox.enter(previous?.name ?? '');
    await dialog.press('Retire Passkey');
    await eventually(async () => {
      assert.deepEqual(
        (await passkeys(host)).filter(({ state }) => state !== 'retired').map(({ name, inUse }) => [name, inUse]),
        [['passphrase', true]],
      );
    });
    writeFileSync(host.scratch.passphraseFile, `${shown}\n`);
    await host.scratch.json(z.unknown(), ['lock']);
    await host.scratch.json(z.unknown(), ['unlock', '--passphrase-file', host.scratch.passphraseFile]);
  });

  it('New Location shows the checks that fail with their ways out, and keeps what was typed', async () => {
    await host.scratch.setUp();
    const folder = host.scratch.makeFolder('second store');
    const file = path.join(folder, 'file');
    writeFileSync(file, '');
    const workbench = await host.openWindow();
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.newLocation');
    await quickPick.choose('Folder');
    await inputBox.answer(/Folder that restore points go to/, file);
    await eventually(async () => assert.match(await inputBox.message(), /This is a file/));
    writeFileSync(path.join(folder, 'holdfast-store'), 'no marker');
    await inputBox.enter(folder);
    await eventually(async () => assert.equal(await inputBox.value(), 'second store'));
    await inputBox.enter('other drive');
    await quickPick.waitFor(/New Location/);
    await quickPick.option('Try Again').waitFor();
    await workbench.screenshot('form-location-failed');
    assert.equal((await host.scratch.json(z.array(location), ['location', 'list'])).length, 1);
    await quickPick.back();
    await eventually(async () => assert.equal(await inputBox.value(), 'other drive'));
    const empty = host.scratch.makeFolder('third store');
    await inputBox.back();
    await eventually(async () => assert.equal(await inputBox.value(), folder));
    await inputBox.enter(empty);
    await eventually(async () => assert.equal(await inputBox.value(), 'other drive'));
    await inputBox.accept();
    await quickPick.choose('Go On');
    await eventually(async () => {
      const all = await host.scratch.json(z.array(location), ['location', 'list']);
      assert.deepEqual(all.map(({ name, path: at }) => `${name} ${at}`).toSorted(), [
        `other drive ${empty}`,
        `store ${path.join(host.scratch.folder, 'store')}`,
      ]);
    });
  });

  it('goes on where the daemon is killed while a form is open: it is started again, unlocked, and what was typed is saved', async () => {
    await host.scratch.setUp();
    const workbench = await host.openWindow();
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.newPolicy');
    await quickPick.choose(`Add ${host.folder}`);
    await quickPick.choose('Go On');
    await quickPick.choose('store');
    await inputBox.answer(/Name of the policy/, 'outlives');
    await quickPick.choose('Every hour');
    await quickPick.choose('Back everything up');
    await quickPick.waitFor(/\(6\/8\)/);
    const pid = daemonPid(host.scratch.state);
    assert.ok(pid !== undefined);
    await endProcess(pid);
    await quickPick.choose('Go On');
    await quickPick.choose('The usual ones');
    await quickPick.choose('Create Only');
    await inputBox.waitFor('Unlock Holdfast');
    await inputBox.answer(/^Passphrase of passphrase/, host.scratch.passphrase);
    await inputBox.waitUntilClosed();
    await eventually(async () => {
      const [made] = await host.scratch.json(z.array(policy), ['policy', 'list']);
      assert.deepEqual([made?.name, made?.schedule], ['outlives', '@hourly']);
    });
    assert.notEqual(daemonPid(host.scratch.state), pid);
  });
});
