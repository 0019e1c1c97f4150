import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { TreeView } from './pages/treeView.ts';
import type { Workbench } from './workbench.ts';

const anything = z.unknown();
const hostStartLimit = 60_000;
const policies = z.array(z.looseObject({ name: z.string(), policyId: z.string(), paused: z.boolean(), restorePoints: z.number() }));

describe('the rows of policies', () => {
  const host = hostForSuite();
  let workbench: Workbench;
  let view: TreeView;

  const policyOf = async (name: string): Promise<z.infer<typeof policies>[number] | undefined> =>
    (await host.scratch.json(policies, ['policy', 'list'])).find((policy) => policy.name === name);

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    const { scratch } = host;
    await scratch.setUp();
    const files = scratch.makeFolder('files');
    writeFileSync(path.join(files, 'a.txt'), 'a');
    for (const [name, ...flags] of [['docs', '--schedule', '@daily'], ['mail'], ['slow', '--before', 'sleep 120']]) {
      await scratch.json(anything, ['policy', 'create', name ?? '', '--source', files, '--location', 'store', ...flags]);
    }
    workbench = await host.openWindow();
    await workbench.openContainer();
    view = workbench.view('Policies');
    await view.row('docs').waitFor();
  });

  it('have at most two actions beside them, and all of them in their menu', async () => {
    assert.deepEqual(await view.row('docs').actions(), ['Back Up Now', 'Pause Policy']);
    const menu = await view.row('docs').openMenu();
    const items = await menu.items();
    for (const item of ['Back Up Now', 'Pause Policy', 'Edit Policy…', 'Delete Policy…', 'Copy ID', 'Copy as Command']) {
      assert.ok(items.includes(item), `${item} in ${items.join(', ')}`);
    }
    await menu.close();
  });

  it('back up where they stand, and say so quietly', async () => {
    await view.row('docs').press('Back Up Now');
    await workbench
      .view('Restore Points')
      .row(/^Restore point of docs/)
      .waitFor();
    await eventually(async () => assert.match(await view.row('docs').description(), /complete/));
    await workbench.page
      .locator('.statusbar')
      .getByText(/Backup of docs: 1 file/)
      .waitFor();
    assert.deepEqual(await workbench.notifications.texts(), []);
  });

  it('are picked from the palette, one or all', async () => {
    await workbench.runCommand('holdfast.backUpNow');
    await workbench.quickPick.choose('mail');
    await eventually(async () => assert.equal((await policyOf('mail'))?.restorePoints, 1));
  });

  it('pause and go on', async () => {
    await view.row('docs').press('Pause Policy');
    await eventually(async () => assert.match(await view.row('docs').description(), /^paused/));
    assert.equal((await policyOf('docs'))?.paused, true);
    await view.row('docs').press('Resume Policy');
    await eventually(async () => assert.match(await view.row('docs').description(), /^next /));
    await workbench.runCommand('holdfast.pausePolicy');
    await workbench.quickPick.choose('mail');
    await eventually(async () => assert.match(await view.row('mail').description(), /^paused/));
    await workbench.runCommand('holdfast.resumePolicy');
    assert.deepEqual((await workbench.quickPick.options()).length, 1, 'only what is paused can go on');
    await workbench.quickPick.choose('mail');
    await eventually(async () => assert.equal((await policyOf('mail'))?.paused, false));
  });

  it('show a run of theirs with its progress in the status bar, and cancel it', async () => {
    await view.row('slow').press('Back Up Now');
    await eventually(async () => assert.match(await view.row('slow').description(), /^backing up/));
    await eventually(async () => assert.match(await workbench.statusBar.accessibleName(), /working/));
    assert.deepEqual(await view.row('slow').actions(), ['Cancel Action', 'Pause Policy']);
    await workbench.screenshot('policy-running');
    await view.row('slow').press('Cancel Action');
    await eventually(async () => assert.match(await view.row('slow').description(), /cancelled/));
    await eventually(async () => assert.doesNotMatch(await workbench.statusBar.accessibleName(), /working/));
  });

  it('show a run again after a reload, which the palette cancels', async () => {
    await host.scratch.json(anything, ['backup', 'slow', '--no-wait']);
    await eventually(async () => assert.match(await view.row('slow').description(), /^backing up/));
    await workbench.reload();
    await workbench.openContainer();
    // A new extension host has to start first.
    await view.row('slow').waitFor(hostStartLimit);
    await eventually(async () => assert.match(await view.row('slow').description(), /^backing up/));
    await workbench.runCommand('holdfast.cancelAction');
    await workbench.quickPick.choose('Backup of slow');
    await eventually(async () => assert.match(await view.row('slow').description(), /cancelled/));
  });

  it('show a run in a notification that can cancel it where nobody sees their tree', async () => {
    await workbench.activityBar.open('Search');
    await workbench.runCommand('holdfast.backUpNow');
    await workbench.quickPick.choose('slow');
    await workbench.notifications.waitFor('Backup of slow');
    await workbench.notifications.press('Backup of slow', 'Cancel');
    await workbench.page.locator('.statusbar').getByText('Backup of slow: cancelled').waitFor();
    await workbench.notifications.toast('Backup of slow').waitFor({ state: 'detached' });
    await workbench.openContainer();
    await eventually(async () => assert.match(await view.row('slow').description(), /cancelled/));
  });

  it('copy their id, and the command that does the same', async () => {
    await (await view.row('docs').openMenu()).choose('Copy ID');
    const docs = await policyOf('docs');
    await eventually(async () => assert.equal(await workbench.clipboard(), docs?.policyId));
    await (await view.row('docs').openMenu()).choose('Copy as Command');
    await eventually(async () => assert.equal(await workbench.clipboard(), `holdfast --state ${host.scratch.state} backup docs`));
  });

  it('tell what was left out of a run in a report to read', async function (this: Mocha.Context) {
    const { scratch } = host;
    const files = scratch.makeFolder('more');
    writeFileSync(path.join(files, 'a.txt'), 'a');
    const gone = scratch.makeFolder('gone');
    await scratch.json(anything, ['policy', 'create', 'two', '--source', files, gone, '--location', 'store']);
    rmSync(gone, { recursive: true });
    await view.row('two').press('Back Up Now');
    await workbench.notifications.waitFor(/Backup of two: .*with warnings/);
    await workbench.notifications.press(/Backup of two/, 'Show Details');
    await workbench.page.getByRole('tab', { name: /Backup of two/ }).waitFor();
    await eventually(async () =>
      assert.match(
        (await workbench.page.locator('.monaco-editor .view-lines').innerText()).replaceAll('\u00a0', ' '),
        /complete, with warnings[^]*Backed up two with 1 warning\./,
      ),
    );
    await workbench.screenshot('backup-report');
  });

  it('are deleted after a question whose button names the act; what they left stays and says so', async () => {
    const menu = await view.row('mail').openMenu();
    await menu.choose('Delete Policy…');
    assert.match(await workbench.dialog.message(), /Delete policy mail\?/);
    assert.match(await workbench.dialog.detail(), /1 restore point/);
    assert.ok((await workbench.dialog.buttons()).includes('Delete Policy'));
    await workbench.dialog.press('Cancel');
    await view.row('mail').waitFor();
    await (await view.row('mail').openMenu()).choose('Delete Policy…');
    await workbench.dialog.press('Delete Policy');
    await view.row('mail').waitUntilGone();
    const left = workbench.view('Restore Points').row('mail');
    await eventually(async () => assert.match(await left.description(), /policy was deleted/));
  });
});
