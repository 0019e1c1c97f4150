import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { actionShow } from '../../protocol/methods/actions.ts';
import { policyCreate, policyEdit, usualRunRules, usualSourceRules } from '../../protocol/methods/policies.ts';
import { within } from '../support/channel.ts';
import { ConnectedDaemon } from '../support/connectedDaemon.ts';
import { DaemonProcess } from '../support/daemonProcess.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { endProcess, goneWithin, isAlive } from '../support/processes.ts';
import { writtenLines } from '../support/writtenLines.ts';

const passphrase = 'a passphrase for a daemon that is killed in a command';

async function pidIn(file: string): Promise<number> {
  return Number((await writtenLines(file))[0]);
}

describe('a daemon process that is killed while a command runs', function () {
  this.timeout(120_000);

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  /** Starts a backup of the policy, kills the daemon once its command has written its process id, and gives that id and the action's. */
  async function killedIn(host: DaemonProcess, file: string): Promise<{ readonly actionId: string; readonly command: number }> {
    await using connection = await host.connect();
    const daemon = new ConnectedDaemon(connection);
    await daemon.unlock(passphrase);
    const { actionId } = await daemon.startBackup('db');
    const command = await pidIn(file);
    const { pid } = connection.daemon;
    process.kill(pid, 'SIGKILL');
    await within(10_000, connection.closed);
    assert.ok(await goneWithin(pid, 10_000));
    return { actionId, command };
  }

  it('X1: the command ends at its next word, nothing of its output is listed, and the next backup is whole', async () => {
    await using host = new DaemonProcess();
    const store = path.join(host.folder, 'store');
    mkdirSync(store);
    const [file, mode] = [path.join(host.folder, 'pid'), path.join(host.folder, 'mode')];
    writeFileSync(mode, 'endless');
    const command = `echo $$ > ${file}; case $(cat ${mode}) in endless) exec yes;; *) echo whole;; esac`;
    await (async () => {
      await using connection = await host.connect();
      const daemon = new ConnectedDaemon(connection);
      await daemon.init(passphrase);
      await daemon.addLocation(store);
      const sources = [{ kind: 'command' as const, name: 'db.sql', command }];
      await daemon.call(policyCreate, { ...usualSourceRules, ...usualRunRules, name: 'db', sources, location: 'store' });
    })();
    const killed = await killedIn(host, file);
    assert.ok(await goneWithin(killed.command, 10_000), 'its pipe is broken');
    await using connection = await host.connect();
    const daemon = new ConnectedDaemon(connection);
    await daemon.unlock(passphrase);
    const { state, error } = await daemon.call(actionShow, { action: killed.actionId });
    assert.deepEqual([state, error?.code], ['failed', 'daemonEnded']);
    assert.deepEqual(await daemon.restorePoints(), []);
    writeFileSync(mode, 'whole');
    const { restorePointId, commands } = await daemon.backUp('db');
    assert.equal(commands[0]?.kept, true);
    succeeded(await daemon.verify(restorePointId ?? ''));
    const target = path.join(host.folder, 'target');
    succeeded(await daemon.restore(restorePointId ?? '', target));
    assert.deepEqual(readdirSync(target), ['db.sql']);
    assert.equal(readFileSync(path.join(target, 'db.sql'), 'utf8'), 'whole\n');

    // A hook says nothing: it goes on, the run has failed, and what comes after a run does not come later.
    const [hook, after] = [path.join(host.folder, 'hook'), path.join(host.folder, 'after')];
    await daemon.call(policyEdit, {
      policy: 'db',
      before: { command: `echo $$ > ${hook}; exec sleep 1000`, timeLimit: 60 },
      after: { command: `touch ${after}`, timeLimit: 60 },
    });
    const inHook = await killedIn(host, hook);
    assert.ok(isAlive(inHook.command));
    await endProcess(inHook.command);
    await using again = await host.connect();
    const next = new ConnectedDaemon(again);
    await next.unlock(passphrase);
    assert.equal((await next.call(actionShow, { action: inHook.actionId })).error?.code, 'daemonEnded');
    assert.equal((await next.restorePoints()).length, 1);
    assert.equal(existsSync(after), false);
  });

  it('ends the command of a run when it is stopped in order', async () => {
    await using host = new DaemonProcess();
    const store = path.join(host.folder, 'store');
    mkdirSync(store);
    const file = path.join(host.folder, 'pid');
    await using connection = await host.connect();
    const daemon = new ConnectedDaemon(connection);
    await daemon.init(passphrase);
    await daemon.addLocation(store);
    const sources = [
      { kind: 'command' as const, name: 'db.sql', command: `trap "" TERM; echo $$ > ${file}; while :; do sleep 1000; done` },
    ];
    await daemon.call(policyCreate, { ...usualSourceRules, ...usualRunRules, name: 'db', sources, location: 'store' });
    await daemon.startBackup('db');
    const command = await pidIn(file);
    process.kill(connection.daemon.pid, 'SIGTERM');
    await within(20_000, connection.closed);
    assert.ok(await goneWithin(connection.daemon.pid, 10_000));
    assert.ok(!isAlive(command));
  });
});
