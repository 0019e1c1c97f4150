import assert from 'node:assert/strict';
import { daemonPid } from '../../support/daemon.ts';
import { eventually } from './eventually.ts';
import { hostForEachTest } from './host.ts';

describe('a window that is opened for the first time', () => {
  const host = hostForEachTest();

  it('does not activate the extension until its container is opened, and then shows that nothing is set up yet', async () => {
    const workbench = await host.openWindow();
    await workbench.activityBar.open('Search');
    assert.equal(workbench.wire.activations.length, 0);
    assert.equal(await workbench.statusBar.item.count(), 0);

    await workbench.openContainer();
    const welcome = await workbench.view('Restore Points').welcome();
    assert.match(welcome, /Set Up Holdfast/);
    for (const view of ['Restore Points', 'Policies', 'Alerts'] as const) assert.equal(await workbench.view(view).isExpanded(), true, view);
    for (const view of ['Passkeys', 'Locations'] as const) assert.equal(await workbench.view(view).isExpanded(), false, view);
    const [activation] = workbench.wire.activations;
    assert.match(activation?.reason ?? '', /^onView:holdfast\./);
    await workbench.screenshot('welcome-not-set-up');
  });

  it('starts a daemon of its own state, and a second window finds the same one', async () => {
    const first = await host.openWindow();
    await first.openContainer();
    await first.view('Restore Points').welcome();
    const pid = daemonPid(host.scratch.state);
    assert.ok(pid !== undefined);

    const second = await host.openWindow();
    await second.openContainer();
    await second.view('Restore Points').welcome();
    assert.equal(daemonPid(host.scratch.state), pid);
  });

  it('finds the daemon that the command line started, and locks it on command', async () => {
    await host.scratch.setUp();
    const pid = daemonPid(host.scratch.state);
    const workbench = await host.openWindow();
    await workbench.runCommand('holdfast.lock');
    assert.equal(workbench.wire.activations[0]?.reason, 'onCommand:holdfast.lock');
    await workbench.openContainer();
    await eventually(async () => assert.match(await workbench.view('Restore Points').welcome(), /is locked/));
    assert.equal(daemonPid(host.scratch.state), pid);
    await workbench.screenshot('welcome-locked');
  });
});
