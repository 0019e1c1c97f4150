import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForSuite, type ThemeKind } from './host.ts';
import type { Workbench } from './workbench.ts';

const kinds: readonly ThemeKind[] = ['light', 'dark', 'highContrast'];
const good = `export function price(items, rate) {
  const net = items.reduce((sum, { amount }) => sum + amount, 0);
  return Math.round(net * (1 + rate));
}
`;
const spoilt = `export function price(items, rate) {
  const net = items.reduce((sum, { amount }) => sum - amount, 0);
  return net * rate;
}
`;

/** What the README and the docs show: an installation in use, something that went wrong, and a file on its way back. */
describe('an installation in use, in every kind of theme', () => {
  const host = hostForSuite();
  let workbench: Workbench;

  before(async function (this: Mocha.Context) {
    this.timeout(120_000);
    const { scratch, folder } = host;
    await scratch.setUp();
    const shop = path.join(folder, 'shop');
    mkdirSync(shop);
    writeFileSync(path.join(shop, 'price.js'), good);
    writeFileSync(path.join(shop, 'README.md'), '# Shop\n');
    const create = async (...args: readonly string[]): Promise<void> =>
      void (await scratch.json(z.unknown(), ['policy', 'create', ...args, '--location', 'store', '--schedule', '@daily']));
    await create('shop', '--source', shop);
    await create('database', '--command', "shop.sql=echo 'create table items (amount int);'");
    await create('cluster', '--command', 'pods.yaml=echo no such host >&2; exit 1');
    for (const text of [spoilt, `${spoilt}// later\n`]) {
      await scratch.json(z.unknown(), ['backup', 'shop', 'database']);
      writeFileSync(path.join(shop, 'price.js'), text);
    }
    await scratch.cli(['backup', 'cluster']);
    workbench = await host.openWindow({ folder: shop, height: 860 });
    await workbench.openContainer();
    await workbench.view('Restore Points').row('shop').waitFor();
    await workbench.widenSideBar(480);
    await workbench.explorer.open();
    await (await workbench.explorer.openMenu('price.js')).choose('Holdfast', 'Restore File from…');
    await workbench.quickPick.waitFor('Restore File from Restore Point');
    const options = await workbench.quickPick.options();
    await workbench.quickPick.choose(new RegExp(`^${RegExp.escape(options.at(-1) ?? '')}`));
    await workbench.editors.waitFor(/^price\.js \(.* ↔ now\)/);
    await workbench.openContainer();
    const points = workbench.view('Restore Points');
    await points.row('shop').expand();
    await points.row(/^Restore point of shop/).expand();
    await points.row('price.js').waitFor();
  });

  for (const theme of kinds) {
    it(`shows trees, an alert, the status bar and a diff with its question: ${theme}`, async () => {
      await host.useTheme(workbench, theme);
      await workbench
        .view('Alerts')
        .row(/cluster/)
        .waitFor();
      await eventually(async () => assert.equal(await workbench.statusBar.severity(), 'error'));
      await workbench.notifications.waitFor(/Restore price\.js as of/);
      assert.match(await workbench.editors.originalText(), /sum \+ amount/);
      await workbench.screenshot(`overview-${theme}`, { forDocs: true });
      assert.match(await workbench.statusBar.tooltip(), /Last\sbackup/);
      await workbench.screenshot(`status-bar-${theme}`, { forDocs: true, keepsHover: true });
    });
  }
});
