import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { type Passkey, passkeyList, passkeyRetire, passkeyRotate, passkeyVerify } from '../../protocol/methods/passkeys.ts';
import { type InitKey, sessionInit, sessionStepUp, sessionUnlock } from '../../protocol/methods/session.ts';
import { bundleSteppedDaemon } from '../support/bundledDaemon.ts';
import { ConnectedDaemon } from '../support/connectedDaemon.ts';
import { DaemonProcess } from '../support/daemonProcess.ts';
import { goneWithin } from '../support/processes.ts';
import { KmsWireServer } from '../support/servers/kmsWire.ts';
import { sharedOpenBao } from '../support/servers/sharedServers.ts';

/** More would be a call that does the same again and again. */
const mostSteps = 40;
const gonePatience = 5000;

/** An installation that one key service alone opens, on a daemon that can be killed at any step. */
class KilledHost extends DaemonProcess {
  readonly #killAt: string = path.join(this.folder, 'kill-at');
  readonly #killedAt: string = path.join(this.folder, 'killed-at');

  async setUp(key: InitKey): Promise<void> {
    const store = path.join(this.folder, 'store');
    mkdirSync(store);
    await using connection = await this.connect();
    const daemon = new ConnectedDaemon(connection);
    await daemon.call(sessionInit, { requestId: randomUUID(), passkeyName: 'key', key });
    await daemon.addLocation(store);
  }

  /** Opened by what is in use, with the right to change passkeys. */
  async open(): Promise<Opened> {
    const connection = await this.connect();
    const daemon = new ConnectedDaemon(connection);
    const { state, passkeyInUse, stepUpUntil } = await daemon.call(sessionUnlock, {});
    assert.deepEqual([state, passkeyInUse], ['unlocked', 'key']);
    if (stepUpUntil === null) await daemon.call(sessionStepUp, {});
    return { daemon, [Symbol.asyncDispose]: async () => await connection[Symbol.asyncDispose]() };
  }

  /** Rotates; ends by SIGKILL before the step of that number. Gives the step, or `undefined` where the rotation came to its end before. */
  async rotateKilledAt(step: number): Promise<string | undefined> {
    await using opened = await this.open();
    const { daemon } = opened;
    writeFileSync(this.#killAt, String(step));
    try {
      await rotate(daemon);
      return undefined;
    } catch (error) {
      if (!existsSync(this.#killedAt) || !HoldfastError.is(error, 'daemonEnded')) throw error;
      assert.ok(await goneWithin(daemon.connection.daemon.pid, gonePatience));
      return readFileSync(this.#killedAt, 'utf8');
    } finally {
      rmSync(this.#killAt, { force: true });
      rmSync(this.#killedAt, { force: true });
    }
  }
}

interface Opened extends AsyncDisposable {
  readonly daemon: ConnectedDaemon;
}

async function rotate(daemon: ConnectedDaemon): Promise<void> {
  await daemon.call(passkeyRotate, { requestId: randomUUID(), passkey: 'key' });
}

async function passkeysOf(daemon: ConnectedDaemon): Promise<readonly Passkey[]> {
  const { items } = await daemon.call(passkeyList, {});
  assert.deepEqual(
    items.filter(({ inUse }) => inUse).map(({ name, state }) => [name, state]),
    [['key', 'ready']],
    'exactly one is in use, and it is verified',
  );
  return items;
}

/** Rotates as often as a rotation has steps, killed at each of them once. Gives the steps, and the passkeys that there are then. */
async function rotatedWithKills(host: KilledHost): Promise<{ readonly steps: readonly string[]; readonly passkeys: readonly Passkey[] }> {
  const steps: string[] = [];
  for (;;) {
    // Before the first two, which look at the key and begin with it, nothing has happened.
    const killed = await host.rotateKilledAt(steps.length + 3);
    await using opened = await host.open();
    const { daemon } = opened;
    const found = await passkeysOf(daemon);
    if (killed === undefined) {
      for (const { slotId } of found.filter(({ state }) => state !== 'retired'))
        assert.equal((await daemon.call(passkeyVerify, { passkey: slotId })).state, 'ready');
      return { steps, passkeys: found };
    }
    steps.push(killed);
    assert.ok(steps.length < mostSteps, steps.join(', '));
    // Killed behind its last change it is done: the same again would be the next rotation.
    if (oldOnes(found).length === 0) await rotate(daemon);
    const made = await passkeysOf(daemon);
    const [old, ...more] = oldOnes(made);
    assert.deepEqual([made.length, more.length], [steps.length + 1, 0], `one new passkey each time, also after a kill at: ${killed}`);
    await daemon.call(passkeyRetire, { passkey: old?.slotId ?? '', confirmed: true });
  }
}

function oldOnes(passkeys: readonly Passkey[]): readonly Passkey[] {
  return passkeys.filter(({ name, state }) => name.startsWith('key@') && state !== 'retired');
}

describe('a daemon that is killed while a passkey of a key service is rotated', function () {
  this.timeout(120_000);
  let programs: string;
  let entryPath: string;
  const login = { AWS_ACCESS_KEY_ID: 'AKIAKILLED', AWS_SECRET_ACCESS_KEY: 'of-the-test' };
  const shell = Object.keys(login).map((name) => [name, process.env[name]] as const);

  before(() => {
    programs = mkdtempSync(path.join(os.tmpdir(), 'hf-stepped-'));
    entryPath = bundleSteppedDaemon(programs);
    Object.assign(process.env, login);
  });
  after(() => {
    for (const [name, value] of shell) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(programs, { recursive: true, force: true });
  });

  it('X2: kill -9 at each step of a rotation at KMS: it opens by what is in use, and the same call ends it with one new key', async () => {
    await using kms = await KmsWireServer.start();
    kms.aliases.set('alias/killed', kms.createKey().id);
    await using host = new KilledHost(entryPath);
    await host.setUp({
      target: { kind: 'awsKms', keyId: 'alias/killed', region: kms.region },
      access: { kind: 'awsKms', endpoint: kms.endpoint, credentials: { source: 'chain' } },
    });
    const { steps, passkeys } = await rotatedWithKills(host);
    assert.deepEqual([steps.includes('link'), steps.filter((step) => step === 'commit').length > 2], [true, true], steps.join(', '));
    const arns = new Set(passkeys.map(({ reference }) => reference['keyArn']));
    assert.deepEqual([passkeys.length, arns.size, kms.keys.size], [steps.length + 2, steps.length + 2, steps.length + 2]);
    const inUse = passkeys.find(({ inUse: is }) => is);
    assert.equal(kms.keys.get(kms.aliases.get('alias/killed') ?? '')?.arn, inUse?.reference['keyArn']);
  });

  it('X2: kill -9 at each step of a rotation at Vault: it opens by what is in use, and the same call ends it with one new version', async function (this: Mocha.Context) {
    const vault = await sharedOpenBao(this);
    await vault.createKey('killed');
    await using host = new KilledHost(entryPath);
    const tokenFile = path.join(host.folder, 'token');
    writeFileSync(tokenFile, vault.rootToken, { mode: 0o600 });
    await host.setUp({
      target: { kind: 'vaultTransit', address: vault.address, namespace: null, mount: 'transit', key: 'killed' },
      access: { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile }, caFile: null },
    });
    const { steps, passkeys } = await rotatedWithKills(host);
    assert.deepEqual([steps.includes('link'), steps.filter((step) => step === 'commit').length > 2], [true, true], steps.join(', '));
    const versions = passkeys.map(({ reference }) => Number(reference['version'])).toSorted((a, b) => a - b);
    assert.deepEqual(
      versions,
      Array.from({ length: steps.length + 2 }, (_, index) => index + 1),
    );
  });
});
