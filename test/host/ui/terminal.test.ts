import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { shellWord } from '../../../protocol/wording.ts';
import { statusDocument } from '../../support/cliShapes.ts';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { Workbench } from './workbench.ts';

describe('holdfast in the integrated terminal', () => {
  const host = hostForSuite();
  let workbench: Workbench;

  before(async function (this: Mocha.Context) {
    this.timeout(90_000);
    await host.scratch.setUp();
    workbench = await host.openWindow({});
    await workbench.openContainer();
    await eventually(() => assert.ok(existsSync(path.join(host.scratch.state, 'bin', 'holdfast'))));
  });

  it('is a command that speaks to the daemon of this window, from the copy that no update takes away', async () => {
    const outcome = path.join(host.scratch.folder, 'outcome');
    await workbench.palette.run('Terminal: Create New Terminal');
    await workbench.page.locator('.terminal-wrapper.active .xterm-screen').waitFor();
    const answer = shellWord(`${outcome}.json`);
    const line = `holdfast status --json > ${answer}; command -v holdfast > ${shellWord(`${outcome}.path`)}; echo $? > ${shellWord(`${outcome}.done`)}`;
    await workbench.page.keyboard.type(line);
    await workbench.page.keyboard.press('Enter');
    await eventually(() => assert.ok(existsSync(`${outcome}.done`)));
    assert.equal(readFileSync(`${outcome}.path`, 'utf8'), `${path.join(host.scratch.state, 'bin', 'holdfast')}\n`);
    const status = statusDocument.parse(JSON.parse(readFileSync(`${outcome}.json`, 'utf8')));
    const expected = await host.scratch.json(statusDocument, ['status']);
    assert.deepEqual([status.state, status.installationId, status.pid], ['unlocked', expected.installationId, expected.pid]);
    assert.match(readFileSync(path.join(host.scratch.state, 'bin', 'holdfast'), 'utf8'), /\/programs\/[^/]+\/cli\/main\.js'/u);
    await workbench.screenshot('terminal');
  });
});
