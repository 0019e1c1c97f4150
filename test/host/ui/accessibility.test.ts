import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { hostForSuite, themeKinds } from './host.ts';
import { quickInputSelector, type Workbench } from './workbench.ts';

const closedAtFirst = ['Passkeys', 'Locations'] as const;

describe('in every kind of theme', () => {
  const host = hostForSuite();
  let workbench: Workbench;

  before(async function (this: Mocha.Context) {
    this.timeout(60_000);
    await host.scratch.setUp();
    writeFileSync(path.join(host.folder, 'notes.md'), '# Notes\n');
    await host.scratch.json(z.unknown(), ['policy', 'create', 'work', '--source', host.folder, '--location', 'store']);
    await host.scratch.json(z.unknown(), ['backup', 'work']);
    workbench = await host.openWindow();
    await workbench.openContainer();
    await workbench.widenSideBar(430);
    await workbench.view('Restore Points').row('work').waitFor();
  });

  for (const theme of themeKinds) {
    it(`axe finds nothing in the trees, nor in a form (${theme})`, async () => {
      await host.useTheme(workbench, theme);
      for (const view of closedAtFirst) await workbench.view(view).expand();
      await workbench.view('Passkeys').row('passphrase').waitFor();
      await workbench.view('Locations').row('store').waitFor();
      assert.deepEqual(await workbench.axe(), []);
      await workbench.screenshot(`trees-${theme}`);
      for (const view of closedAtFirst) await workbench.view(view).collapse();
      await workbench.runCommand('holdfast.newPasskey');
      await workbench.inputBox.waitFor();
      assert.deepEqual(await workbench.axe(quickInputSelector), []);
      await workbench.screenshot(`form-${theme}`, { forDocs: theme !== 'highContrastLight' });
      await workbench.inputBox.cancel();
    });
  }
});
