import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { AssemblyWorld } from '../../daemon/server/assembly.ts';
import { type Action, actionList, isEnded } from '../../protocol/methods/actions.ts';
import { type Alert, alertAcknowledge, alertList, alertSnooze } from '../../protocol/methods/alerts.ts';
import { policyDelete, policyEdit, policyPause, policyResume, policyShow } from '../../protocol/methods/policies.ts';
import { restorePointRetire } from '../../protocol/methods/restorePoints.ts';
import { sessionLock, sessionStatus } from '../../protocol/methods/session.ts';
import { InProcessDaemon } from '../support/inProcessDaemon.ts';
import { inTimeZone } from '../support/timeZone.ts';
import { VirtualClock } from '../support/virtualClock.ts';
import { FakeScrypt } from '../unit/keys/support/fakeScrypt.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** The one folder in which a store keeps the packs of its one policy. */
function packsFolder(store: string): string {
  const found = readdirSync(store, { recursive: true, encoding: 'utf8' }).find((name) => path.basename(name) === 'packs');
  return found ?? assert.fail('no packs');
}

describe('schedules and alerts of a whole daemon', function () {
  this.timeout(60_000);
  let zone: Disposable;
  let folder: string;
  let clock: VirtualClock;
  let daemon: InProcessDaemon;
  let store: string;

  const start = async (): Promise<void> => {
    const world: AssemblyWorld = { timers: clock, wallClock: clock.wall, scrypt: new FakeScrypt() };
    daemon = await InProcessDaemon.start(path.join(folder, 'state'), world);
    clock.pass(0);
  };
  const actions = async (): Promise<readonly Action[]> => (await daemon.call(actionList, {})).items.toReversed();
  /** Time passes, and whatever that starts comes to its end. */
  const pass = async (milliseconds: number): Promise<void> => {
    clock.pass(milliseconds);
    for (const action of await actions()) if (!isEnded(action.state)) await daemon.ended(action);
    clock.pass(0);
  };
  const alerts = async (all = false): Promise<readonly Alert[]> => (await daemon.call(alertList, { all })).items;
  const kinds = async (): Promise<readonly string[]> => (await alerts()).map(({ kind, subject }) => `${kind} ${subject}`);

  beforeEach(async () => {
    zone = inTimeZone('UTC');
    folder = mkdtempSync(path.join(tmpdir(), 'hf-schedules-'));
    store = path.join(folder, 'store');
    mkdirSync(path.join(folder, 'source'));
    writeFileSync(path.join(folder, 'source', 'file'), 'content');
    clock = new VirtualClock('2026-03-02T12:10:00Z');
    await start();
    await daemon.init('right');
    await daemon.addLocation(store);
    await daemon.createPolicy(path.join(folder, 'source'));
  });
  afterEach(async () => {
    await daemon[Symbol.asyncDispose]();
    zone[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const schedule = (text: string | null): Promise<unknown> => daemon.call(policyEdit, { policy: 'files', schedule: text });

  it('backs up when it is time, says who asked for it, and when it comes next', async () => {
    await schedule('0 * * * *');
    assert.equal((await daemon.call(policyShow, { policy: 'files' })).nextRunAt, '2026-03-02T13:00:00.000Z');
    await pass(hour);
    await daemon.backUp();
    assert.deepEqual(
      (await actions()).map(({ kind, state, startedBy }) => [kind, state, startedBy]),
      [
        ['backup', 'complete', 'schedule'],
        ['backup', 'complete', 'user'],
      ],
    );
    const shown = await daemon.call(policyShow, { policy: 'files' });
    assert.deepEqual([shown.nextRunAt, shown.restorePoints, shown.schedule], ['2026-03-02T14:00:00.000Z', 2, '0 * * * *']);
    await daemon.call(policyPause, { policy: 'files' });
    await pass(day);
    assert.equal((await actions()).length, 2);
    assert.equal((await daemon.call(policyShow, { policy: 'files' })).nextRunAt, null);
    assert.equal((await daemon.call(policyResume, { policy: 'files' })).nextRunAt, '2026-03-03T14:00:00.000Z');
    await pass(hour);
    assert.equal((await actions()).length, 3);
    await schedule(null);
    await pass(day);
    assert.equal((await actions()).length, 3);
  });

  it('refuses a schedule that is none, or never comes, and keeps the one before', async () => {
    await schedule('@daily');
    for (const text of ['tomorrow', '0 0 30 2 *', '61 * * * *']) await assert.rejects(schedule(text), { code: 'badValue' });
    assert.equal((await daemon.call(policyShow, { policy: 'files' })).schedule, '@daily');
  });

  it('makes up once for what a locked daemon and one that did not run have missed, and says meanwhile what is overdue', async () => {
    await schedule('0 * * * *');
    await pass(hour);
    await daemon.call(sessionLock, {});
    clock.pass(5 * hour);
    assert.deepEqual(await kinds(), ['policyOverdue files']);
    assert.deepEqual((await daemon.call(sessionStatus, {})).alerts, { error: 1, warning: 0 });
    await daemon[Symbol.asyncDispose]();
    clock.end();
    clock.sleep(3 * day);
    await start();
    assert.deepEqual(await kinds(), ['policyOverdue files']);
    const [alert] = await alerts();
    await daemon.call(alertAcknowledge, { alert: alert?.id ?? '' });
    assert.deepEqual((await daemon.call(sessionStatus, {})).alerts, { error: 0, warning: 0 });
    await daemon.unlock('right');
    await pass(2 * minute);
    assert.equal((await actions()).length, 2);
    assert.deepEqual(await kinds(), []);
    assert.equal((await daemon.call(sessionStatus, {})).lastBackup?.slice(0, 13), '2026-03-05T18');
  });

  it('tells that a location is away, finds out by itself that it is back, and makes up for the run', async () => {
    await schedule('0 13 * * *');
    renameSync(store, `${store} elsewhere`);
    await pass(hour);
    assert.deepEqual(await kinds(), ['locationUnreachable store']);
    const [alert] = await alerts();
    assert.equal(alert?.message, 'The location store can not be reached.');
    assert.match(alert.detail ?? '', /Failed to/);
    await pass(40 * minute);
    assert.equal((await alerts(true)).length, 1);
    renameSync(`${store} elsewhere`, store);
    for (let minutes = 0; minutes < 30 && (await kinds()).length > 0; minutes += 1) await pass(minute);
    assert.deepEqual(await kinds(), []);
    await pass(minute);
    assert.equal((await daemon.restorePoints()).length, 1);
  });

  it('tells of a run that failed, and of nothing more once the policy is deleted', async () => {
    await schedule('0 13 * * *');
    rmSync(path.join(folder, 'source'), { recursive: true });
    await pass(hour);
    assert.deepEqual(await kinds(), ['backupFailed files']);
    await daemon.call(policyDelete, { policy: 'files', confirmed: true });
    assert.deepEqual(await kinds(), []);
    await pass(3 * day);
    assert.deepEqual(await kinds(), []);
  });

  it('tells of data that a verification finds damaged, until another one finds it whole or it is retired', async () => {
    const { restorePointId } = await daemon.backUp();
    const id = restorePointId ?? '';
    const away = path.join(folder, 'packs');
    const packs = path.join(store, packsFolder(store));
    renameSync(packs, away);
    await daemon.verify(id);
    assert.deepEqual(await kinds(), [`damagedData ${id.slice(0, 8)}`]);
    renameSync(away, packs);
    await daemon.verify(id);
    assert.deepEqual(await kinds(), []);
    renameSync(packs, away);
    await daemon.verify(id);
    await daemon.call(restorePointRetire, { restorePoint: id, confirmed: true });
    assert.deepEqual(await kinds(), []);
  });

  it('counts a snoozed alert again when its time has come, also while nobody asks', async () => {
    await schedule('0 13 * * *');
    rmSync(path.join(folder, 'source'), { recursive: true });
    await pass(hour);
    const [alert] = await alerts();
    await daemon.call(alertSnooze, { alert: alert?.id ?? '', for: 3600 });
    assert.deepEqual((await daemon.call(sessionStatus, {})).alerts, { error: 0, warning: 0 });
    const told: string[] = [];
    using _ = daemon.listen(({ name, subject }) => {
      if (name === 'alert.changed') told.push(subject);
    });
    clock.pass(61 * minute);
    assert.ok(told.includes(alert?.id ?? ''));
    assert.deepEqual((await daemon.call(sessionStatus, {})).alerts, { error: 1, warning: 0 });
  });
});
