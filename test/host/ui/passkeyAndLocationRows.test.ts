import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { TreeView } from './pages/treeView.ts';
import type { Workbench } from './workbench.ts';

const anything = z.unknown();
const passkeys = z.array(z.looseObject({ name: z.string(), inUse: z.boolean(), state: z.string() }));
const locations = z.array(z.looseObject({ name: z.string() }));
const otherPassphrase = 'another battery staple for tests only';

describe('the rows of passkeys and locations', () => {
  const host = hostForSuite();
  let workbench: Workbench;
  let keys: TreeView;
  let places: TreeView;
  let store: string;

  const passkeyOf = async (name: string): Promise<z.infer<typeof passkeys>[number] | undefined> =>
    (await host.scratch.json(passkeys, ['passkey', 'list'])).find((passkey) => passkey.name === name);

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    const { scratch } = host;
    store = await scratch.setUp();
    const otherFile = `${scratch.folder}/other`;
    writeFileSync(otherFile, `${otherPassphrase}\n`, { mode: 0o600 });
    await scratch.json(anything, ['passkey', 'add', 'passphrase', 'spare', '--passphrase-file', otherFile]);
    await scratch.json(anything, ['passkey', 'add', 'passphrase', 'old', '--passphrase-file', otherFile]);
    await scratch.json(anything, ['location', 'add', 'filesystem', 'second', '--path', scratch.makeFolder('second')]);
    workbench = await host.openWindow();
    await workbench.openContainer();
    keys = workbench.view('Passkeys');
    places = workbench.view('Locations');
    for (const other of ['Restore Points', 'Policies', 'Alerts'] as const) await workbench.view(other).collapse();
    for (const view of [keys, places]) await view.expand();
    await keys.row('spare').waitFor();
  });

  it('verify a passkey with its own passphrase, and say so where it is another', async () => {
    await keys.row('spare').press('Verify Passkey');
    await workbench.inputBox.waitFor('Verify Passkey');
    assert.equal(await workbench.inputBox.isSecret(), true);
    await workbench.inputBox.enter('not this one');
    await eventually(async () => assert.doesNotMatch(await workbench.inputBox.message(), /^Passphrase of/));
    await workbench.inputBox.enter(otherPassphrase);
    await workbench.inputBox.waitUntilClosed();
    await workbench.page.locator('.statusbar').getByText('Passkey spare is verified').waitFor();
  });

  it('put another passkey in use', async () => {
    await (await keys.row('spare').openMenu()).choose('Use Passkey');
    await eventually(async () => assert.equal((await passkeyOf('spare'))?.inUse, true));
    await eventually(async () => assert.match(await keys.row('spare').description(), /in use/));
    assert.equal((await (await keys.row('spare').openMenu()).items()).includes('Retire Passkey…'), false);
    await workbench.page.keyboard.press('Escape');
  });

  it('retire a passkey once its name was typed, and not before', async () => {
    await (await keys.row('old').openMenu()).choose('Retire Passkey…');
    await workbench.inputBox.waitFor('Retire Passkey');
    await workbench.inputBox.type('odd');
    await eventually(async () => assert.match(await workbench.inputBox.message(), /not its name/));
    await workbench.inputBox.enter('old');
    await keys.row('old').waitUntilGone();
    assert.equal((await passkeyOf('old'))?.state ?? 'retired', 'retired');
  });

  it('validate a location, and list each check with what to do', async () => {
    await places.row('store').press('Validate Location');
    await workbench.quickPick.waitFor(/Location store: /);
    assert.ok((await workbench.quickPick.options()).length > 2);
    await workbench.screenshot('location-checks');
    await workbench.quickPick.cancel();
    rmSync(store, { recursive: true });
    await workbench.runCommand('holdfast.validateLocation');
    await workbench.quickPick.choose('store');
    await workbench.quickPick.waitFor(/Location store: \d+ of \d+ checks failed/);
    await workbench.quickPick.cancel();
  });

  it('collect garbage at a location, and say what was freed', async () => {
    await (await places.row('second').openMenu()).choose('Collect Garbage');
    await workbench.page
      .locator('.statusbar')
      .getByText(/Garbage collection of second: .*freed/)
      .waitFor();
  });

  it('remove a location after a question whose button names the act', async () => {
    await (await places.row('second').openMenu()).choose('Remove Location…');
    assert.match(await workbench.dialog.message(), /second/);
    await workbench.dialog.press('Remove Location');
    await places.row('second').waitUntilGone();
    assert.deepEqual(
      (await host.scratch.json(locations, ['location', 'list'])).map(({ name }) => name),
      ['store'],
    );
  });
});
