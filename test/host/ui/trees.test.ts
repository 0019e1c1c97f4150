import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import { containerSelector, type Workbench } from './workbench.ts';

const restorePoints = z.array(z.looseObject({ id: z.string() }));

describe('the trees of an installation that is used', () => {
  const host = hostForSuite();
  let workbench: Workbench;
  let notes: string;

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    const { scratch } = host;
    await scratch.setUp();
    notes = scratch.makeFolder('notes');
    mkdirSync(path.join(notes, 'plans'));
    writeFileSync(path.join(notes, 'plans', 'trip.md'), '# Trip\n');
    writeFileSync(path.join(notes, 'list.json'), '{"milk": 1}\n');
    writeFileSync(path.join(notes, 'in\u202evoice.txt'), 'the name turns its direction\n');
    await scratch.json(z.unknown(), ['policy', 'create', 'notes', '--source', notes, '--location', 'store', '--schedule', '@daily']);
    await scratch.json(z.unknown(), ['policy', 'create', 'by hand', '--source', notes, '--location', 'store']);
    await scratch.json(z.unknown(), ['backup', 'notes']);
    await scratch.json(z.unknown(), ['backup', 'notes']);
    workbench = await host.openWindow();
    await workbench.openContainer();
  });

  it('show policies with their next run, their last result and their sources', async () => {
    const view = workbench.view('Policies');
    const row = view.row('notes');
    await row.waitFor();
    assert.match(await row.description(), /next .* · complete \d\d:\d\d/);
    assert.match(await row.accessibleName(), /^Policy notes, next /);
    assert.match(await view.row('by hand').description(), /by hand · never run/);
    await row.expand();
    await view.row(notes).waitFor();
    await workbench.screenshot('trees');
  });

  it('lead from a policy by its restore points to a file, which opens as it was', async () => {
    const view = workbench.view('Restore Points');
    await view.row('notes').waitFor();
    const [newest] = await host.scratch.json(restorePoints, ['restore-point', 'list', '--policy', 'notes']);
    const point = view.row(/^Restore point of notes/);
    await point.waitFor();
    assert.match(await point.description(), /added/);
    assert.ok(newest !== undefined);
    await point.expand();
    await view.row('plans').expand();
    await view.row('trip.md').waitFor();
    // The name is shown with its mark spelled out, and turns nothing.
    await view.row('in\\u202evoice.txt').waitFor();
    await view.row('trip.md').click();
    await workbench.page.getByRole('tab', { name: /trip\.md/ }).waitFor();
    await workbench.screenshot('restore-point-file');
  });

  it('show passkeys and locations with what they are', async () => {
    const passkeys = workbench.view('Passkeys');
    await passkeys.expand();
    await passkeys.row('passphrase').waitFor();
    assert.match(await passkeys.row('passphrase').description(), /passphrase · in use/);
    const locations = workbench.view('Locations');
    await locations.expand();
    await locations.row('store').waitFor();
    assert.match(await locations.row('store').description(), /folder · not immutable · .* held/);
    await workbench.screenshot('passkeys-locations');
  });

  it('have no fault that axe finds', async () => {
    // The headers of the sections are the editor's own.
    assert.deepEqual(await workbench.axe(`${containerSelector} .pane-body`), []);
  });

  it('take what another program did without being asked, and keep what is open', async () => {
    const view = workbench.view('Restore Points');
    assert.equal(await view.row('plans').isExpanded(), true);
    await host.scratch.json(z.unknown(), ['backup', 'by hand']);
    await view.row('by hand').waitFor();
    await eventually(async () => assert.match(await workbench.view('Policies').row('by hand').description(), /complete/));
    assert.equal(await view.row('plans').isExpanded(), true);
  });
});
