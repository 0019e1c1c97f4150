import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { connectDaemon } from '../../../client/connect.ts';
import { ConnectedDaemon } from '../../support/connectedDaemon.ts';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { TreeView } from './pages/treeView.ts';
import type { Workbench } from './workbench.ts';

const anything = z.unknown();
const points = z.array(z.looseObject({ id: z.string(), pinned: z.boolean(), verified: z.unknown() }));
const manyFiles = 2100;

describe('the rows of restore points', () => {
  const host = hostForSuite();
  let workbench: Workbench;
  let view: TreeView;

  const list = async (): Promise<z.infer<typeof points>> => await host.scratch.json(points, ['restore-point', 'list']);
  const newest = (): ReturnType<TreeView['row']> => view.row(/^Restore point of docs/);

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    const { scratch } = host;
    await scratch.setUp();
    const files = scratch.makeFolder('files');
    mkdirSync(path.join(files, 'many'));
    for (let index = 0; index < manyFiles; index += 1) writeFileSync(path.join(files, 'many', `f${String(index).padStart(5, '0')}`), '');
    await scratch.json(anything, ['policy', 'create', 'docs', '--source', files, '--location', 'store', '--keep-latest', '100']);
    await scratch.json(anything, ['backup', 'docs']);
    workbench = await host.openWindow();
    await workbench.openContainer();
    view = workbench.view('Restore Points');
    for (const other of ['Policies', 'Passkeys', 'Locations', 'Alerts'] as const) await workbench.view(other).collapse();
    await newest().waitFor();
  });

  it('are verified, as deep as the user says, and tell what was found', async () => {
    await (await newest().openMenu()).choose('Verify Restore Point');
    await workbench.quickPick.choose('Read and check everything');
    await workbench.page
      .locator('.statusbar')
      .getByText(/Verification of .*nothing is damaged/)
      .waitFor();
    await eventually(async () => assert.notEqual((await list())[0]?.verified, null));
  });

  it('are pinned, which keeps them from being retired, and unpinned', async () => {
    await (await newest().openMenu()).choose('Pin Restore Point');
    await eventually(async () => assert.match(await newest().description(), /pinned/));
    const pinned = await newest().openMenu();
    assert.equal((await pinned.items()).includes('Retire Restore Point…'), false);
    await pinned.choose('Unpin Restore Point');
    await eventually(async () => assert.equal((await list())[0]?.pinned, false));
    await workbench.runCommand('holdfast.pinRestorePoint');
    await workbench.quickPick.choose(/docs/);
    await eventually(async () => assert.equal((await list())[0]?.pinned, true));
    await workbench.runCommand('holdfast.unpinRestorePoint');
    await workbench.quickPick.choose(/docs/);
    await eventually(async () => assert.equal((await list())[0]?.pinned, false));
  });

  it('fetch a page of a large folder, and the next one where somebody wants it', async () => {
    await newest().expand();
    await view.row('many').expand();
    await view.row('f00000').waitFor();
    const last = view.row('Show more…');
    await view.row('f00000').click();
    await workbench.page.keyboard.press('Escape');
    await view.pane.getByRole('treeitem', { name: 'f00000' }).focus();
    await workbench.page.keyboard.press('End');
    await last.waitFor();
    assert.equal(await last.description(), '200 are shown');
    await workbench.page.keyboard.press('Enter');
    await view.row('f00200').waitFor();
    await workbench.page.keyboard.press('End');
    await eventually(async () => assert.equal(await last.description(), '1,200 are shown'));
    await (await last.openMenu()).choose('Show More');
    await last.waitUntilGone();
    await workbench.page.keyboard.press('End');
    await view.row('f02099').waitFor();
  });

  it('are retired after a question whose button names the act', async () => {
    await host.scratch.json(anything, ['backup', 'docs']);
    await eventually(async () => assert.match(await view.row('docs').description(), /2 restore points/));
    await workbench.runCommand('holdfast.retireRestorePoint');
    await workbench.quickPick.choose(/docs/);
    assert.match(await workbench.dialog.message(), /Retire restore point/);
    await workbench.dialog.press('Retire Restore Point');
    await eventually(async () => assert.equal((await list()).length, 1));
    await eventually(async () => assert.match(await view.row('docs').description(), /1 restore point/));
  });

  it('stand below their days where there are more than twenty', async function (this: Mocha.Context) {
    this.timeout(90_000);
    await using connection = await connectDaemon({ stateDirectory: host.scratch.state, clientName: 'test' });
    assert.ok(connection !== undefined);
    const daemon = new ConnectedDaemon(connection);
    for (let count = 0; count < 20; count += 1) await daemon.backUp('docs');
    const day = view.row(/^\d{4}-\d\d-\d\d, 21 restore points/);
    await day.waitFor();
    await day.expand();
    assert.match(await newest().label(), /^\d\d:\d\d$/);
    await workbench.screenshot('restore-points-by-day');
  });
});
