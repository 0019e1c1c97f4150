import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { actionShow } from '../../protocol/methods/actions.ts';
import { within } from '../support/channel.ts';
import { compareTrees } from '../support/compareTrees.ts';
import { ConnectedDaemon } from '../support/connectedDaemon.ts';
import { DaemonProcess } from '../support/daemonProcess.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { goneWithin, isAlive } from '../support/processes.ts';

const passphrase = 'a passphrase for a daemon that is killed';

/** What is in the store when the daemon is killed: names of files below the policy's folder. */
const moments: readonly { readonly when: string; readonly isReached: (added: readonly string[]) => boolean }[] = [
  { when: 'while its first pack is written', isReached: (added) => added.some((name) => name.includes('.tmp-')) },
  { when: 'after its index', isReached: (added) => added.some((name) => /^indexes\/[^.]+$/.test(name)) },
  { when: 'as soon as its manifest is there', isReached: (added) => added.some((name) => /^restore-points\/[^.]+$/.test(name)) },
];

/** Stops the process, and resolves once it stands still: nothing that was looked at before has changed since. */
async function standStill(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))) await new Promise(setImmediate);
}

describe('a daemon process that is killed', function () {
  this.timeout(120_000);

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('X1: kill -9 in mid-backup: what was acknowledged is there, the action has failed, and the next backup is whole', async () => {
    await using host = new DaemonProcess();
    const source = path.join(host.folder, 'source');
    const store = path.join(host.folder, 'store');
    for (const folder of [source, store]) mkdirSync(folder);
    writeFileSync(path.join(source, 'first'), randomBytes(100_000));
    const acknowledged: string[] = [];
    const states: string[] = [];
    const policyFolder = await (async () => {
      await using connection = await host.connect();
      const daemon = new ConnectedDaemon(connection);
      await daemon.init(passphrase);
      await daemon.addLocation(store);
      const { policyId } = await daemon.createPolicy(source);
      acknowledged.push((await daemon.backUp()).restorePointId ?? '');
      const [installation = ''] = readdirSync(store).filter((name) => /^[0-9a-f-]{36}$/.test(name));
      return path.join(store, installation, 'policies', policyId);
    })();
    const stored = (): readonly string[] => readdirSync(policyFolder, { recursive: true, encoding: 'utf8' });

    for (const { when, isReached } of moments) {
      // A pack that is full, and the beginning of another.
      writeFileSync(path.join(source, 'big'), randomBytes(20 * 2 ** 20));
      await using connection = await host.connect();
      const daemon = new ConnectedDaemon(connection);
      await daemon.unlock(passphrase);
      const before = new Set(stored());
      const started = await daemon.startBackup();
      const { pid } = connection.daemon;
      while (isAlive(pid) && !isReached(stored().filter((name) => !before.has(name)))) await new Promise(setImmediate);
      process.kill(pid, 'SIGKILL');
      await within(5000, connection.closed);
      assert.ok(await goneWithin(pid, 5000));
      await assertSound(host, started.actionId, when);
    }
    assert.ok(states.filter((state) => state === 'failed').length >= 2, states.join(', '));

    async function assertSound(killed: DaemonProcess, actionId: string, when: string): Promise<void> {
      await using connection = await killed.connect();
      const daemon = new ConnectedDaemon(connection);
      await daemon.unlock(passphrase);
      const { state, error } = await daemon.call(actionShow, { action: actionId });
      states.push(state);
      const listed = (await daemon.restorePoints()).map(({ id }) => id);
      for (const id of acknowledged) assert.ok(listed.includes(id), `${when}: ${id} is lost`);
      assert.ok(listed.length <= acknowledged.length + 1, when);
      // It may have come to its end between the look and the signal: then it is listed, and nobody lost anything.
      if (state !== 'complete') assert.deepEqual([state, error?.code, listed.length], ['failed', 'daemonEnded', acknowledged.length], when);
      for (const id of listed) succeeded(await daemon.verify(id));
      const { restorePointId } = await daemon.backUp();
      const target = path.join(killed.folder, 'target');
      succeeded(await daemon.restore(restorePointId ?? '', target));
      assert.deepEqual(compareTrees(source, target).differences, [], when);
      rmSync(target, { recursive: true });
      assert.deepEqual(
        stored().filter((name) => name.includes('.tmp-')),
        [],
        `${when}: the space of what was cut short`,
      );
      acknowledged.splice(0, acknowledged.length, ...(await daemon.restorePoints()).map(({ id }) => id));
    }
  });

  it('X1: kill -9 in mid-restore: the next restore into the same folder takes it for empty, sweeps what was left half done, and nothing else', async () => {
    await using host = new DaemonProcess();
    const source = path.join(host.folder, 'source');
    const store = path.join(host.folder, 'store');
    const target = path.join(host.folder, 'target');
    for (const folder of [source, store]) mkdirSync(folder);
    writeFileSync(path.join(source, 'big'), randomBytes(48 * 2 ** 20));
    const inTarget = (): readonly string[] => (existsSync(target) ? readdirSync(target) : []);
    {
      await using connection = await host.connect();
      const daemon = new ConnectedDaemon(connection);
      await daemon.init(passphrase);
      await daemon.addLocation(store);
      await daemon.createPolicy(source);
      await daemon.backUp();
      const { pid } = connection.daemon;
      const started = await daemon.startRestore('files', target);
      while (inTarget().length === 0) await new Promise(setImmediate);
      await standStill(pid);
      const [left = '', ...more] = inTarget();
      assert.deepEqual([more, left.startsWith(`.holdfast-${started.actionId}-`)], [[], true], left);
      process.kill(pid, 'SIGKILL');
      await within(5000, connection.closed);
      assert.ok(await goneWithin(pid, 5000));
    }
    const foreign = inTarget().map((name) => name.replace(/[0-9a-f]{8}-/, '00000000-'));
    await using connection = await host.connect();
    const daemon = new ConnectedDaemon(connection);
    await daemon.unlock(passphrase);
    succeeded(await daemon.restore('files', target));
    assert.deepEqual(compareTrees(source, target).differences, []);
    assert.deepEqual(inTarget(), ['big']);
    // The name of another daemon's restore: it is nobody's here, and the folder is not empty.
    for (const name of foreign) writeFileSync(path.join(target, name), '');
    await assert.rejects(daemon.startRestore('files', target), { code: 'targetNotEmpty' });
    assert.deepEqual(inTarget().toSorted(), [...foreign, 'big']);
  });
});
