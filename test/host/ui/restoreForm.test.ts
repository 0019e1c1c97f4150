import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { type Host, hostForEachTest } from './host.ts';

/** A policy "work" of a folder with three files, backed up once. Gives the folder. */
async function withRestorePoint(host: Host): Promise<string> {
  await host.scratch.setUp();
  const work = host.scratch.makeFolder('project');
  mkdirSync(path.join(work, 'deep', 'er'), { recursive: true });
  writeFileSync(path.join(work, 'first.txt'), 'first');
  writeFileSync(path.join(work, 'deep', 'second.txt'), 'second');
  writeFileSync(path.join(work, 'deep', 'er', 'third.txt'), 'third');
  await host.scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', work, '--location', 'store']);
  await host.scratch.json(z.unknown(), ['backup', 'work']);
  return work;
}

describe('Restore', () => {
  const host = hostForEachTest();

  it('puts the chosen files into a folder, after it has shown what that will be', async () => {
    await withRestorePoint(host);
    const target = path.join(host.scratch.folder, 'target');
    const workbench = await host.openWindow();
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.restore');
    await quickPick.waitFor(/^Restore/);
    await workbench.screenshot('form-restore-point');
    await quickPick.choose(/^\d{4}-/);
    await quickPick.choose('Files and Folders That I Choose…');
    await quickPick.choose('deep/');
    await quickPick.choose('second.txt');
    // The list is made anew after each choice; a press on the old one is nobody's.
    await quickPick.option('Go On With deep/second.txt').waitFor();
    await quickPick.choose('er/');
    await quickPick.option('third.txt').waitFor();
    await quickPick.choose('Take This Whole Folder');
    await workbench.screenshot('form-restore-entries');
    await quickPick.choose('Go On With 2 Chosen');
    await quickPick.choose('A folder…');
    await inputBox.waitFor(/\(5\/6\)/);
    await inputBox.answer(/Folder that it goes to/, target);
    await quickPick.option(/^Restore 2 files, /).waitFor();
    assert.equal(existsSync(target), false);
    await workbench.screenshot('form-restore-summary');
    await quickPick.choose(/^Restore 2 files, /);
    await eventually(() => assert.equal(readFileSync(path.join(target, 'deep', 'er', 'third.txt'), 'utf8'), 'third'));
    assert.equal(readFileSync(path.join(target, 'deep', 'second.txt'), 'utf8'), 'second');
    assert.equal(existsSync(path.join(target, 'first.txt')), false);
  });

  it('asks before it replaces what is there in place, by a button that names the act, and leaves all as it was where the user does not press it', async () => {
    const work = await withRestorePoint(host);
    writeFileSync(path.join(work, 'first.txt'), 'changed since');
    const workbench = await host.openWindow();
    const { quickPick, dialog } = workbench;
    await workbench.runCommand('holdfast.restore');
    await quickPick.choose(/^\d{4}-/);
    await quickPick.choose('Everything');
    await quickPick.choose('In place');
    await quickPick.waitFor(/\(4\/5\)/);
    await workbench.screenshot('form-restore-conflict');
    await quickPick.choose('Replace it');
    await quickPick.choose(/^Restore 3 files, /);
    await dialog.waitFor();
    assert.match(await dialog.message(), /Restore 3 files, 16 B to where it came from\?/);
    assert.match(await dialog.detail(), /It is lost, unless a restore point has it/);
    assert.ok((await dialog.buttons()).includes('Restore and Replace'));
    await workbench.screenshot('form-restore-modal');
    await dialog.press('Cancel');
    await quickPick.option(/^Restore 3 files, /).waitFor();
    assert.equal(readFileSync(path.join(work, 'first.txt'), 'utf8'), 'changed since');

    await quickPick.back();
    await quickPick.choose('Leave it');
    await quickPick.choose(/^Restore 0 files, /);
    await dialog.press('Cancel');
    await quickPick.back();
    await quickPick.choose('Replace it');
    await quickPick.choose(/^Restore 3 files, /);
    await dialog.press('Restore and Replace');
    await eventually(() => assert.equal(readFileSync(path.join(work, 'first.txt'), 'utf8'), 'first'));
  });

  it('begins on the row of a folder in a restore point, and asks nothing that the row says', async () => {
    await withRestorePoint(host);
    const target = host.scratch.makeFolder('filled');
    writeFileSync(path.join(target, 'mine.txt'), 'mine');
    const workbench = await host.openWindow();
    await workbench.openContainer();
    const view = workbench.view('Restore Points');
    await view.row('work').waitFor();
    await view.row('work').expand();
    await view.row(/^Restore point of work/).expand();
    const menu = await view.row('deep').openMenu();
    await menu.choose('Restore…');
    const { quickPick, inputBox } = workbench;
    await quickPick.choose('A folder…');
    await inputBox.answer(/Folder that it goes to/, target);
    await quickPick.waitFor(/\(3\/4\)/);
    await quickPick.choose('Put the restored one beside it');
    await quickPick.choose(/^Restore 2 files, /);
    await eventually(() => assert.ok(existsSync(path.join(target, 'deep', 'second.txt'))));
    assert.equal(readFileSync(path.join(target, 'mine.txt'), 'utf8'), 'mine');
  });
});
