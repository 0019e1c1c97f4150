import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForSuite, themeKinds } from './host.ts';
import type { Workbench } from './workbench.ts';

const anything = z.unknown();
const failure = /The last run of home failed/;

describe('alerts', () => {
  const host = hostForSuite();
  let workbench: Workbench;
  let source: string;

  const backUp = async (name: string): Promise<void> => void (await host.scratch.cli(['backup', name]));
  const badge = async (): Promise<string> => (await workbench.activityBar.tab('Holdfast').getAttribute('aria-label')) ?? '';

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    const { scratch } = host;
    await scratch.setUp();
    source = scratch.makeFolder('home');
    writeFileSync(path.join(source, 'a.txt'), 'a');
    await scratch.json(anything, ['policy', 'create', 'home', '--source', source, '--location', 'store']);
    workbench = await host.openWindow();
    await workbench.openContainer();
    assert.match(await workbench.view('Alerts').welcome(), /All clear/);
  });

  it('stand in the tree, the badge and the status bar, and are notified in one window alone', async () => {
    const second = await host.openWindow();
    await second.openContainer();
    await second.view('Policies').row('home').waitFor();
    rmSync(source, { recursive: true });
    await backUp('home');
    const row = workbench.view('Alerts').row(failure);
    await row.waitFor();
    assert.match(await row.accessibleName(), /^Error: The last run of home failed/);
    await eventually(async () => assert.equal(await workbench.statusBar.severity(), 'error'));
    assert.match(await workbench.statusBar.accessibleName(), /1 alert/);
    await eventually(async () => assert.match(await badge(), /1/));
    await workbench.notifications.waitFor(failure);
    await second.view('Alerts').row(failure).waitFor();
    assert.deepEqual(await second.notifications.texts(), []);
    await second.close();
  });

  for (const theme of themeKinds) {
    it(`are seen in row, badge, status bar and notification (${theme})`, async () => {
      await host.useTheme(workbench, theme);
      assert.match((await workbench.statusBar.tooltip()).replaceAll('\u00a0', ' '), /Alerts \(1\)/);
      await workbench.screenshot(`alert-${theme}`, { keepsHover: true });
    });
  }

  it('are shown from the notification', async () => {
    await workbench.notifications.press(failure, 'Show Alerts');
    await workbench.activityBar.open('Search');
    await workbench.runCommand('holdfast.showAlerts');
    await workbench.view('Alerts').row(failure).waitFor();
  });

  it('are snoozed and acknowledged, which takes them out of badge and status bar', async () => {
    const view = workbench.view('Alerts');
    assert.deepEqual(await view.row(failure).actions(), ['Acknowledge Alert', 'Snooze Alert']);
    await view.row(failure).press('Snooze Alert');
    await workbench.quickPick.choose('For a day');
    await view.row('Acknowledged and snoozed').waitFor();
    await eventually(async () => assert.equal(await workbench.statusBar.severity(), 'none'));
    await eventually(async () => assert.doesNotMatch(await badge(), /1/));
    await view.row('Acknowledged and snoozed').expand();
    await eventually(async () => assert.match(await view.row(failure).description(), /snoozed until/));
    await view.row(failure).press('Acknowledge Alert');
    await eventually(async () => assert.match(await view.row(failure).description(), /acknowledged/));
  });

  it('go by themselves when their cause is gone', async () => {
    host.scratch.makeFolder('home');
    writeFileSync(path.join(source, 'a.txt'), 'a');
    await backUp('home');
    await eventually(async () => assert.match(await workbench.view('Alerts').welcome(), /All clear/));
  });

  it('are muted by their kind where the user does not want to see them again', async () => {
    rmSync(source, { recursive: true });
    await backUp('home');
    await workbench.notifications.waitFor(failure);
    await workbench.notifications.press(failure, "Don't Show Again");
    writeFileSync(path.join(host.scratch.makeFolder('home'), 'a.txt'), 'a');
    await backUp('home');
    await eventually(async () => assert.match(await workbench.view('Alerts').welcome(), /All clear/));
    rmSync(source, { recursive: true });
    await backUp('home');
    await workbench.view('Alerts').row(failure).waitFor();
    assert.deepEqual(await workbench.notifications.texts(), []);
  });
});
