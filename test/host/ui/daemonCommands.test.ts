import assert from 'node:assert/strict';
import * as z from 'zod';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { Workbench } from './workbench.ts';

const anything = z.unknown();

describe('commands about the daemon', () => {
  const host = hostForSuite();
  let workbench: Workbench;

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    await host.scratch.setUp();
    workbench = await host.openWindow({ settings: { 'holdfast.statusBar.show': false, 'holdfast.autoLockHours': 5 } });
    await workbench.openContainer();
    await workbench.view('Locations').expand();
    await workbench.view('Locations').row('store').waitFor();
  });

  it('bring the setting of when to lock to the daemon', async () => {
    const status = z.looseObject({ autoLock: z.looseObject({ hours: z.number() }).nullable() });
    await eventually(async () => assert.equal((await host.scratch.json(status, ['status'])).autoLock?.hours, 5));
  });

  it('show the log of the window and of the daemon in one channel', async () => {
    await workbench.runCommand('holdfast.showLog');
    await eventually(async () => {
      const lines = await workbench.page.locator('.panel .view-lines').innerText();
      assert.match(lines.replaceAll('\u00a0', ' '), /daemon \d{4}-.* The daemon listens/);
    });
    await workbench.screenshot('log');
  });

  it('open the settings of the extension alone', async () => {
    await workbench.runCommand('holdfast.openSettings');
    const settings = workbench.page.locator('.settings-editor');
    await settings.getByText('Notifications that are not shown any more').waitFor();
    await workbench.page.keyboard.press('Escape');
    await settings.waitFor({ state: 'hidden' });
  });

  it('collect what somebody who helps needs as a document to look at, without paths where nobody asks for them', async () => {
    await workbench.runCommand('holdfast.collectDiagnostics');
    await workbench.quickPick.choose('Without paths');
    await eventually(async () => {
      const text = await workbench.page.locator('.editor-group-container .view-lines').first().innerText();
      assert.match(text.replaceAll('\u00a0', ' '), /"editor"/);
    });
    await workbench.screenshot('diagnostics');
  });

  it('look at everything anew on Refresh', async () => {
    await workbench.view('Locations').press('Refresh');
    await eventually(() => assert.ok(workbench.wire.commands.includes('holdfast.refresh')));
    await workbench.view('Locations').row('store').waitFor();
  });

  it('hide the status bar item while all is well, and only then', async () => {
    await eventually(async () => assert.equal(await workbench.statusBar.item.isVisible(), false));
    await workbench.runCommand('holdfast.lock');
    await eventually(async () => assert.match(await workbench.statusBar.text(), /locked/));
    const tooltip = (await workbench.statusBar.tooltip()).replaceAll('\u00a0', ' ');
    assert.match(tooltip, /Holdfast \d+\.\d+\.\d+ on \S+/);
    assert.match(tooltip, /Last backup none yet/);
    assert.match(tooltip, /Unlock · Alerts · Log/);
    await workbench.screenshot('status-bar-tooltip', { keepsHover: true });
  });

  it('restart the daemon as another process, locked', async () => {
    const before = host.scratch.daemonPid();
    await workbench.runCommand('holdfast.restartDaemon');
    await eventually(() => {
      const pid = host.scratch.daemonPid();
      assert.ok(pid !== undefined && pid !== before);
    });
    await eventually(async () => assert.match(await workbench.statusBar.text(), /locked/));
  });

  it('ask before the daemon is stopped under work, and tell the others that it is gone', async () => {
    const { scratch } = host;
    await scratch.json(anything, ['unlock', '--passphrase-file', scratch.passphraseFile]);
    await scratch.json(anything, [
      'policy',
      'create',
      'slow',
      '--source',
      scratch.makeFolder('s'),
      '--location',
      'store',
      '--before',
      'sleep 60',
    ]);
    await scratch.json(anything, ['backup', 'slow', '--no-wait']);
    await eventually(async () => assert.match(await workbench.statusBar.accessibleName(), /working/));
    await workbench.runCommand('holdfast.stopDaemon');
    assert.match(await workbench.dialog.message(), /End the work that is under way\?/);
    await workbench.dialog.press('Stop Daemon');
    await eventually(async () => assert.match(await workbench.view('Restore Points').welcome(), /not running/));
    assert.equal(scratch.daemonPid(), undefined);
  });
});
