import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { actionList } from '../../../protocol/methods/actions.ts';
import { alertList } from '../../../protocol/methods/alerts.ts';
import { passkeySchedule } from '../../../protocol/methods/passkeys.ts';
import { sessionInit, sessionLock, sessionStatus, sessionUnlock } from '../../../protocol/methods/session.ts';
import { FakeKeyAgent } from '../../support/fakeKeyAgent.ts';
import { InProcessDaemon } from '../../support/inProcessDaemon.ts';
import { VirtualClock } from '../../support/virtualClock.ts';
import { vaultKey } from '../../support/watchBench.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** A daemon that was set up with a passkey "vault" at a key service in memory, its clocks moved by the test. */
class Bench implements AsyncDisposable {
  readonly clock = new VirtualClock('2026-03-01T12:00:00Z');
  readonly keyAgent = new FakeKeyAgent();
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'hf-care-'));
  #daemon: InProcessDaemon | undefined;

  static async ready(): Promise<Bench> {
    const bench = new Bench();
    const daemon = await bench.start();
    const { target, access } = vaultKey;
    await daemon.call(sessionInit, { requestId: randomUUID(), passkeyName: 'vault', key: { target, access } });
    return bench;
  }

  get daemon(): InProcessDaemon {
    assert.ok(this.#daemon !== undefined);
    return this.#daemon;
  }

  async start(): Promise<InProcessDaemon> {
    const { clock, keyAgent } = this;
    this.#daemon = await InProcessDaemon.start(path.join(this.#folder, 'state'), { keyAgent, timers: clock, wallClock: clock.wall });
    return this.#daemon;
  }

  async restart(): Promise<InProcessDaemon> {
    await this.daemon[Symbol.asyncDispose]();
    this.clock.end();
    return await this.start();
  }

  async pass(milliseconds: number): Promise<void> {
    this.clock.pass(milliseconds);
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async alerts(): Promise<readonly string[]> {
    const { items } = await this.daemon.call(alertList, { all: false });
    return items.map(({ kind, severity, subject }) => `${kind} ${severity} ${subject}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

describe('a daemon whose passkey is at a key service', () => {
  it('is unlocked at each start, and locked by hand stays locked until it is started anew', async () => {
    await using bench = await Bench.ready();
    let daemon = await bench.restart();
    assert.equal((await daemon.call(sessionStatus, {})).state, 'unlocked');
    await daemon.call(sessionLock, {});
    bench.clock.sleep(day);
    await bench.pass(minute);
    assert.equal((await daemon.call(sessionStatus, {})).state, 'locked');
    assert.deepEqual(await bench.alerts(), []);
    daemon = await bench.restart();
    assert.equal((await daemon.call(sessionStatus, {})).state, 'unlocked');
  });

  it('D6: that denies at the start leaves a daemon that answers, is locked, and says why and when it is tried again', async () => {
    await using bench = await Bench.ready();
    bench.keyAgent.problems.set('unwrap', 'accessDenied');
    const daemon = await bench.restart();
    const { state, unattended } = await daemon.call(sessionStatus, {});
    assert.deepEqual([state, unattended?.kind, unattended?.passkey], ['locked', 'keyService', 'vault']);
    assert.equal(unattended?.problem, 'Failed to open the passkey: it is accessDenied.');
    assert.equal(Date.parse(unattended.nextTryAt ?? '') - bench.clock.wallMs, 5000);
    assert.deepEqual(await bench.alerts(), ['passkeyFailing error vault']);
    bench.keyAgent.problems.clear();
    await daemon.call(sessionUnlock, {});
    assert.deepEqual(await bench.alerts(), []);
  });

  it('is looked after: what endangers its key is told and cured, and its rotation comes as an action', async () => {
    await using bench = await Bench.ready();
    bench.daemon.stepUp.grant();
    bench.keyAgent.problems.set('unwrap', 'keyDisabled');
    await bench.pass(minute);
    assert.deepEqual(await bench.alerts(), ['keyEndangered error vault']);
    bench.keyAgent.problems.clear();
    await bench.pass(60 * minute);
    await bench.pass(minute);
    assert.deepEqual(await bench.alerts(), []);
    await bench.daemon.call(passkeySchedule, { passkey: 'vault', everyDays: 30 });
    bench.clock.sleep(30 * day);
    await bench.pass(minute);
    await bench.pass(minute);
    const { items } = await bench.daemon.call(actionList, {});
    assert.deepEqual(
      items.map(({ kind, subject, startedBy, state }) => [kind, subject, startedBy, state]),
      [['rotatePasskey', 'vault', 'schedule', 'complete']],
    );
    const lines = bench.daemon.log.filter(({ level }) => level === 'error');
    assert.deepEqual(lines, []);
  });
});
