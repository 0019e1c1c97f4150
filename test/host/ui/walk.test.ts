import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { eventually } from './eventually.ts';
import { hostForEachTest } from './host.ts';

const text = 'What is worth keeping.\n';
const bytes = Buffer.from([0x00, 0xff, 0x0d, 0x0a, 0x80]);

describe('the packaged extension, installed by somebody who has nothing yet', () => {
  const host = hostForEachTest();

  it('makes a restore point of the open folder, and gives back what is then lost, byte for byte', async () => {
    const store = host.scratch.makeFolder('store');
    const notes = path.join(host.folder, 'notes');
    mkdirSync(notes);
    writeFileSync(path.join(notes, 'kept.md'), text);
    writeFileSync(path.join(notes, 'kept.bin'), bytes);
    const workbench = await host.openWindow();
    const { quickPick, inputBox, dialog } = workbench;

    await workbench.explorer.open();
    await (await workbench.explorer.openMenu('notes')).choose('Protect This Folder…');
    await quickPick.waitFor('Set Up Holdfast');
    await quickPick.choose('Generate a passphrase');
    await dialog.press('I Have Written It Down');
    await quickPick.waitFor(/New Location/);
    await quickPick.choose('Folder');
    await inputBox.waitFor(/New Location/);
    await inputBox.enter(store);
    await eventually(async () => assert.equal(await inputBox.value(), 'store'));
    await inputBox.accept();
    await quickPick.choose('Go On');
    await inputBox.waitFor(/\(2\/7\)/);
    await eventually(async () => assert.equal(await inputBox.value(), 'notes'));
    await inputBox.accept();
    await quickPick.waitFor(/\(3\/7\)/);
    await quickPick.choose(/^by hand only/i);
    await quickPick.waitFor(/\(4\/7\)/);
    await quickPick.choose('Back everything up');
    await quickPick.waitFor(/\(5\/7\)/);
    await quickPick.accept();
    await quickPick.waitFor(/\(6\/7\)/);
    await quickPick.choose('The usual ones');
    await quickPick.choose('Create and Back Up Now');
    await workbench.openContainer();
    await workbench.view('Restore Points').row(/added/).waitFor(30_000);
    await workbench.screenshot('walk-restore-point');

    rmSync(notes, { recursive: true });
    await workbench.runCommand('holdfast.restore');
    await quickPick.waitFor(/^Restore/);
    await quickPick.choose(/^\d{4}-/);
    await quickPick.choose('Everything');
    await quickPick.choose('In place');
    await quickPick.waitFor(/\(4\/5\)/);
    await quickPick.choose('Leave it');
    await quickPick.choose(/^Restore 2 files, /);
    await dialog.press('Restore');
    await eventually(() => assert.equal(readFileSync(path.join(notes, 'kept.md'), 'utf8'), text));
    await eventually(() => assert.deepEqual(readFileSync(path.join(notes, 'kept.bin')), bytes));
  });
});
