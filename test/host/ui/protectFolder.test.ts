import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { policy } from '../../../protocol/methods/policies.ts';
import { restorePoint } from '../../../protocol/methods/restorePoints.ts';
import { eventually } from './eventually.ts';
import { hostForEachTest } from './host.ts';

describe('Protect This Folder', () => {
  const host = hostForEachTest();

  it('leads from nothing to a first restore point in one go: passphrase, location, policy, backup', async () => {
    const project = path.join(host.folder, 'project');
    mkdirSync(project);
    writeFileSync(path.join(project, 'kept.txt'), 'worth keeping');
    const store = host.scratch.makeFolder('store');
    const workbench = await host.openWindow();
    await workbench.explorer.open();
    const menu = await workbench.explorer.openMenu('project');
    await menu.choose('Protect This Folder…');

    const { quickPick, inputBox, dialog } = workbench;
    await quickPick.waitFor('Set Up Holdfast');
    await workbench.screenshot('form-set-up');
    await quickPick.choose('Generate a passphrase');
    await dialog.waitFor();
    assert.match(await dialog.detail(), /(?:[a-z]+-){6}[a-z]+/);
    await workbench.screenshot('form-generated-passphrase');
    await dialog.press('I Have Written It Down');

    await quickPick.waitFor(/Protect project: New Location/);
    await quickPick.choose('Folder');
    await workbench.screenshot('form-new-location');
    await inputBox.answer(/Folder that restore points go to/, path.join(store, 'not-there'));
    await quickPick.waitFor(/New Location/);
    await quickPick.option('Make the Folder').waitFor();
    await quickPick.back();
    await eventually(async () => assert.equal(await inputBox.value(), path.join(store, 'not-there')));
    await inputBox.enter(store);
    await eventually(async () => assert.equal(await inputBox.value(), 'store'));
    await workbench.screenshot('form-location-name');
    await inputBox.accept();
    await quickPick.option('Go On').waitFor();
    await workbench.screenshot('form-location-checks');
    await quickPick.choose('Go On');

    await inputBox.waitFor(/Protect project \(2\/7\)/);
    await eventually(async () => assert.equal(await inputBox.value(), 'project'));
    await inputBox.type('bad@name');
    await eventually(async () => assert.match(await inputBox.message(), /letters, digits, spaces/));
    await workbench.screenshot('form-name-problem');
    await inputBox.enter('project');
    await quickPick.waitFor(/\(3\/7\)/);
    await workbench.screenshot('form-schedule');
    await quickPick.choose('Another schedule…');
    // The list before it has the same widget and a field of its own.
    await inputBox.waitFor(/\(3\/7\)/);
    await inputBox.type('0 25 * * *');
    await eventually(async () => assert.match(await inputBox.message(), /25 is no hour/));
    await inputBox.type('30 18 * * 1-5');
    await eventually(async () => assert.match(await inputBox.message(), /Monday to Friday at 18:30\. Next: /));
    await workbench.screenshot('form-schedule-cron');
    await inputBox.accept();
    await quickPick.waitFor(/\(4\/7\)/);
    await quickPick.choose('Back everything up');
    await quickPick.waitFor(/\(5\/7\)/);
    await quickPick.choose('*.tmp');
    await quickPick.option(/^\*\.tmp, chosen/).waitFor();
    await quickPick.type('secret.key');
    await quickPick.choose(/^secret\.key, Enter adds it/);
    await quickPick.option(/^secret\.key, chosen/).waitFor();
    await workbench.screenshot('form-left-out');
    await quickPick.choose('Go On');
    await quickPick.waitFor(/\(6\/7\)/);
    await workbench.screenshot('form-retention');
    await quickPick.choose('The usual ones');
    await quickPick.waitFor(/\(7\/7\)/);
    await workbench.screenshot('form-summary');
    await quickPick.choose('Create and Back Up Now');

    const points = await eventually(async () => {
      const found = await host.scratch.json(z.array(restorePoint), ['restore-point', 'list', '--policy', 'project']);
      assert.equal(found.length, 1);
      return found;
    });
    assert.equal(points[0]?.files, 1);
    const [made] = await host.scratch.json(z.array(policy), ['policy', 'list']);
    assert.equal(made?.schedule, '30 18 * * 1-5');
    assert.deepEqual(made?.exclude, ['*.tmp', 'secret.key']);
    await workbench.screenshot('form-after');
  });
});
