import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForEachTest } from './host.ts';

describe('the walkthrough', () => {
  const host = hostForEachTest();

  it('leads from set-up to a file that comes back, and its steps tick themselves off', async () => {
    // Narrower ones leave the pictures out.
    const workbench = await host.openWindow({ width: 1600 });
    const { quickPick, inputBox, page } = workbench;
    const ticked = async (count: number): Promise<void> => {
      await eventually(async () => assert.equal(await page.locator('.codicon.complete[data-done-step-id]').count(), count));
    };
    await workbench.palette.run('Welcome: Open Walkthrough...');
    await quickPick.choose(/^Get started with Holdfast/);
    await page.getByRole('button', { name: 'Set Up Holdfast' }).waitFor();
    await ticked(0);
    await workbench.screenshot('walkthrough', { forDocs: true });
    await page.getByRole('button', { name: 'Set Up Holdfast' }).click();
    await quickPick.choose('Type my own');
    await inputBox.answer(/^Passphrase/, host.scratch.passphrase);
    await inputBox.answer(/^The same passphrase again/, host.scratch.passphrase);
    await ticked(1);

    const { scratch } = host;
    const second = path.join(scratch.folder, 'second');
    writeFileSync(second, 'another passphrase for a safe\n', { mode: 0o600 });
    await scratch.json(z.unknown(), ['passkey', 'add', 'passphrase', 'safe', '--passphrase-file', second]);
    await page.locator('.codicon.complete[data-done-step-id$="secondPasskey"]').waitFor();
    await ticked(2);
    await scratch.json(z.unknown(), ['location', 'add', 'filesystem', 'store', '--path', scratch.makeFolder('store')]);
    await ticked(3);
    writeFileSync(path.join(host.folder, 'kept.txt'), 'kept');
    await scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', host.folder, '--location', 'store']);
    await scratch.json(z.unknown(), ['backup', 'work']);
    await ticked(4);
    await workbench.runCommand('holdfast.restore');
    await quickPick.choose(/^\d{4}-/);
    await quickPick.choose('Everything');
    await quickPick.choose('A folder…');
    await inputBox.answer(/Folder that it goes to/, path.join(scratch.folder, 'back'));
    await quickPick.choose(/^Restore 1 file, /);
    await ticked(5);
    await workbench.screenshot('walkthrough-done');
  });
});
