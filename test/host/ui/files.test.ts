import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { Workbench } from './workbench.ts';

const mixedLines = 'first\r\nsecond\nthird   \n\n';
const oldBytes = Buffer.from([0x89, 0x50, 0x00, 0xff, 0x0a]);

describe('a file taken back from where the user stands', () => {
  const host = hostForSuite();
  let workbench: Workbench;
  const file = (name: string): string => path.join(host.folder, name);

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    await host.scratch.setUp();
    mkdirSync(file('src'));
    writeFileSync(file('letter.md'), 'dear friend\n\nas it was\n');
    writeFileSync(file('mixed.txt'), mixedLines);
    writeFileSync(file('logo.bin'), oldBytes);
    writeFileSync(file('gone.txt'), 'I was here\n');
    await host.scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', host.folder, '--location', 'store']);
    await host.scratch.json(z.unknown(), ['backup', 'work']);
    writeFileSync(file('letter.md'), 'dear friend\n\nas it is now\n');
    await host.scratch.json(z.unknown(), ['backup', 'work']);
    writeFileSync(file('letter.md'), 'dear friend\n\nnot backed up yet\n');
    writeFileSync(file('mixed.txt'), 'spoilt\n');
    writeFileSync(file('logo.bin'), Buffer.from([1, 0, 2]));
    rmSync(file('gone.txt'));
    workbench = await host.openWindow({ settings: { 'files.trimTrailingWhitespace': true, 'files.insertFinalNewline': true } });
    await workbench.explorer.open();
  });

  async function chooseVersion(which: 'oldest' | 'newest'): Promise<void> {
    await workbench.quickPick.waitFor();
    const options = await workbench.quickPick.options();
    const wanted = which === 'oldest' ? options.at(-1) : options[0];
    await workbench.quickPick.choose(new RegExp(`^${RegExp.escape(wanted ?? '')}`));
  }

  it('shows the versions of a file, then the diff, and restores it only then; undo brings back what was there', async () => {
    const menu = await workbench.explorer.openMenu('letter.md');
    await menu.choose('Holdfast', 'Restore File from…');
    await workbench.quickPick.waitFor('Restore File from Restore Point');
    await workbench.screenshot('restore-file-versions', { forDocs: true });
    await chooseVersion('oldest');
    await workbench.editors.waitFor(/^letter\.md \(.* ↔ now\)/);
    assert.match(await workbench.editors.originalText(), /as it was/);
    assert.match(await workbench.editors.modifiedText(), /not backed up yet/);
    await workbench.screenshot('restore-file-diff', { forDocs: true });
    assert.match(readFileSync(file('letter.md'), 'utf8'), /not backed up yet/);
    await workbench.notifications.press(/Restore letter\.md as of/, 'Restore');
    await eventually(() => assert.equal(readFileSync(file('letter.md'), 'utf8'), 'dear friend\n\nas it was\n'));
    await workbench.editors.waitFor(/^letter\.md$/);
    await workbench.editors.keys('Control+z');
    await eventually(async () => assert.match(await workbench.editors.text(), /not backed up yet/));
  });

  it('goes back to the versions from the diff, and leaves the file as it is', async () => {
    const before = readFileSync(file('mixed.txt'));
    await (await workbench.explorer.openMenu('mixed.txt')).choose('Holdfast', 'Restore File from…');
    await chooseVersion('oldest');
    await workbench.notifications.press(/Restore mixed\.txt as of/, 'Another Version…');
    await workbench.quickPick.waitFor('Restore File from Restore Point');
    await chooseVersion('oldest');
    await workbench.notifications.dismiss(/Restore mixed\.txt as of/);
    assert.deepEqual(readFileSync(file('mixed.txt')), before);
  });

  it('gives mixed line ends and trailing blanks back byte for byte, whatever the editor does on saving', async () => {
    await (await workbench.explorer.openMenu('mixed.txt')).choose('Holdfast', 'Restore File from…');
    await chooseVersion('oldest');
    await workbench.notifications.press(/Restore mixed\.txt as of/, 'Restore');
    await eventually(() => assert.equal(readFileSync(file('mixed.txt'), 'utf8'), mixedLines));
    await workbench.editors.waitFor(/^mixed\.txt$/);
  });

  it('writes what is no text as it was, and offers the way back', async () => {
    await (await workbench.explorer.openMenu('logo.bin')).choose('Holdfast', 'Restore File from…');
    await chooseVersion('oldest');
    await workbench.notifications.press(/Restore logo\.bin as of/, 'Restore');
    await eventually(() => assert.deepEqual(readFileSync(file('logo.bin')), oldBytes));
    await workbench.notifications.press(/logo\.bin is as it was at/, 'Undo');
    await eventually(() => assert.deepEqual(readFileSync(file('logo.bin')), Buffer.from([1, 0, 2])));
  });

  it('opens a version of the file that is open as it was, to be read only', async () => {
    await workbench.explorer.openFile('letter.md');
    await workbench.editors.waitFor(/^letter\.md$/);
    await (await workbench.editors.openTabMenu(/^letter\.md$/)).choose('Holdfast', 'File History');
    await workbench.quickPick.waitFor('File History');
    await chooseVersion('newest');
    await eventually(async () => assert.match(await workbench.editors.text(), /as it is now/));
    await workbench.editors.press('Compare with Workspace');
    await workbench.editors.waitFor(/^letter\.md \(.* ↔ now\)/);
    assert.match(await workbench.editors.originalText(), /as it is now/);
  });

  it('compares a file with a restore point from its text', async () => {
    await workbench.explorer.openFile('letter.md');
    await (await workbench.editors.openTextMenu()).choose('Holdfast', 'Compare with Restore Point…');
    await workbench.quickPick.waitFor('Compare with Restore Point');
    await chooseVersion('oldest');
    await eventually(async () => assert.match(await workbench.editors.originalText(), /as it was/));
    await workbench.editors.press('Restore This Version');
    await eventually(() => assert.equal(readFileSync(file('letter.md'), 'utf8'), 'dear friend\n\nas it was\n'));
  });

  it('says so where no restore point has the file', async () => {
    writeFileSync(file('new.txt'), 'never backed up\n');
    await (await workbench.explorer.openMenu('new.txt')).choose('Holdfast', 'File History');
    await workbench.notifications.waitFor(/Failed to find new\.txt in a restore point: none has it yet\. Back up the policy/);
  });

  it('opens a restore point as a folder of its own window', async () => {
    const opened = workbench.page.context().waitForEvent('page');
    await workbench.runCommand('holdfast.browseRestorePoint');
    await workbench.quickPick.waitFor('Browse Restore Point');
    await workbench.quickPick.accept();
    const page = await opened;
    await page
      .locator('.explorer-folders-view')
      .getByRole('treeitem', { name: /^gone\.txt/ })
      .waitFor({ timeout: 60_000 });
    await page.close();
  });
});
