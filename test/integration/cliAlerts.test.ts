import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { backUp, createPolicy, refused } from '../support/cliExpect.ts';
import {
  type ActionDocument,
  actionDocument,
  type AlertDocument,
  alertDocument,
  policyDocument,
  statusDocument,
} from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';

describe('holdfast alert, and schedules of policies', function () {
  this.timeout(90_000);
  let scratch: ScratchState;
  let source: string;
  const alerts = async (...flags: readonly string[]): Promise<readonly AlertDocument[]> =>
    await scratch.json(z.array(alertDocument), ['alert', 'list', ...flags]);
  const counted = async (): Promise<unknown> => (await scratch.json(statusDocument, ['status'])).alerts;

  before(async () => {
    scratch = new ScratchState();
    await refused(scratch, ['alert', 'list'], 3, 'notSetUp');
    await scratch.setUp();
    source = scratch.makeFolder('source');
    writeFileSync(path.join(source, 'file'), 'content');
    await createPolicy(scratch, 'files', [source]);
  });
  after(() => scratch[Symbol.asyncDispose]());

  it('gives a policy a schedule, changes it and takes it away, and says when it runs next', async () => {
    const creating = ['policy', 'create', 'nightly', '--source', source, '--location', 'store', '--schedule', '30  2 * * mon-fri'];
    const made = await scratch.json(policyDocument, creating);
    assert.equal(made.schedule, '30 2 * * MON-FRI');
    const next = new Date(made.nextRunAt ?? '');
    assert.ok(next.getTime() > Date.now() && next.getTime() < Date.now() + 4 * 86_400_000, String(made.nextRunAt));
    assert.deepEqual([next.getMinutes(), next.getHours()], [30, 2]);
    const hourly = await scratch.json(policyDocument, ['policy', 'edit', 'nightly', '--schedule', '@hourly']);
    assert.equal(hourly.schedule, '@hourly');
    assert.ok(Date.parse(hourly.nextRunAt ?? '') <= Date.now() + 3_600_000);
    const human = await scratch.cli(['policy', 'show', 'nightly']);
    assert.match(human.stdout, /Runs: +@hourly, next \d{4}-\d\d-\d\d \d\d:\d\d \(/);
    const paused = await scratch.json(policyDocument, ['policy', 'pause', 'nightly']);
    assert.deepEqual([paused.paused, paused.nextRunAt, paused.schedule], [true, null, '@hourly']);
    assert.equal((await scratch.json(policyDocument, ['policy', 'pause', 'nightly'])).paused, true);
    const resumed = await scratch.json(policyDocument, ['policy', 'resume', 'nightly']);
    assert.deepEqual([resumed.paused, typeof resumed.nextRunAt], [false, 'string']);
    const never = await scratch.json(policyDocument, ['policy', 'edit', 'nightly', '--schedule', 'never']);
    assert.deepEqual([never.schedule, never.nextRunAt], [null, null]);
    await refused(scratch, ['policy', 'edit', 'nightly', '--schedule', 'tomorrow'], 2, 'badValue');
    await refused(scratch, ['policy', 'edit', 'nightly', '--schedule', '0 0 30 2 *'], 2, 'badValue');
    await refused(scratch, ['policy', 'pause', 'nothing'], 2, 'unknownName');
    await refused(scratch, ['policy', 'resume', 'nothing'], 2, 'unknownName');
  });

  it('starts clear, and raises one alert for a policy whose runs fail', async () => {
    assert.deepEqual(await alerts(), []);
    assert.deepEqual(await counted(), { error: 0, warning: 0 });
    assert.equal((await scratch.cli(['alert', 'list'])).stdout, 'All clear.\n');
    rmSync(source, { recursive: true });
    await refused(scratch, ['backup', 'files'], 1, 'sourceMissing');
    await refused(scratch, ['backup', 'files'], 1, 'sourceMissing');
    const [alert, second] = await alerts();
    assert.deepEqual([alert?.kind, alert?.severity, alert?.subject, alert?.state], ['backupFailed', 'error', 'files', 'open']);
    assert.equal(second, undefined);
    assert.deepEqual(await counted(), { error: 1, warning: 0 });
    const [action] = await scratch.json<readonly ActionDocument[]>(z.array(actionDocument), ['action', 'list']);
    assert.equal(action?.startedBy, 'user');
  });

  it('acknowledges and snoozes it, also while locked, and keeps what names files to itself then', async () => {
    const id = (await alerts())[0]?.id ?? '';
    assert.ok(String((await alerts())[0]?.['detail']).includes('Failed to'));
    await scratch.cli(['lock']);
    const locked = (await alerts())[0];
    assert.deepEqual([locked?.id, locked?.['detail']], [id, null]);
    assert.equal((await scratch.json(alertDocument, ['alert', 'acknowledge', id.slice(0, 8)])).state, 'acknowledged');
    assert.deepEqual(await counted(), { error: 0, warning: 0 });
    const snoozed = await scratch.json(alertDocument, ['alert', 'snooze', id, '--for', '1h']);
    assert.equal(snoozed.state, 'snoozed');
    assert.ok(Math.abs(Date.parse(String(snoozed['snoozedUntil'])) - Date.now() - 3_600_000) < 600_000);
    await refused(scratch, ['alert', 'snooze', id, '--until', '2001-01-01'], 2, 'badValue');
    await refused(scratch, ['alert', 'snooze', id, '--for', '1000d'], 2, 'badValue');
    await refused(scratch, ['alert', 'acknowledge', 'ffffffff-0000'], 2, 'unknownName');
    assert.equal((await scratch.cli(['unlock', '--passphrase-file', scratch.passphraseFile])).status, 0);
  });

  it('resolves it by itself when the next run works, and keeps it in the whole list', async () => {
    scratch.makeFolder('source');
    writeFileSync(path.join(source, 'file'), 'content');
    await backUp(scratch, 'files');
    assert.deepEqual(await alerts(), []);
    assert.deepEqual(
      (await alerts('--all')).map(({ kind, state }) => [kind, state]),
      [['backupFailed', 'resolved']],
    );
  });
});
