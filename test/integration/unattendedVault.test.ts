import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { connectDaemon } from '../../client/connect.ts';
import type { DaemonConnection } from '../../client/connection.ts';
import { vaultPolicy } from '../../protocol/keyPolicies.ts';
import { alertList } from '../../protocol/methods/alerts.ts';
import { sessionInit, sessionLock, sessionStatus, sessionStop } from '../../protocol/methods/session.ts';
import { root } from '../support/cli.ts';
import { ScratchState } from '../support/daemon.ts';
import { isAlive } from '../support/processes.ts';
import { OpenBaoServer } from '../support/servers/openBaoServer.ts';
import { serverProgramsFor } from '../support/servers/serverPrograms.ts';

/** A connection to the daemon as it ships, which is started where none runs. */
async function daemonOf(scratch: ScratchState): Promise<DaemonConnection> {
  const entryPath = path.join(root, 'dist', 'daemon', 'main.js');
  const connection = await connectDaemon({ stateDirectory: scratch.state, clientName: 'test', start: { entryPath, args: [] } });
  assert.ok(connection !== undefined);
  return connection;
}

/** Resolves once it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 100));
}

async function stop(connection: DaemonConnection): Promise<void> {
  const { pid } = await connection.call(sessionStop, {});
  await until(() => Promise.resolve(!isAlive(pid)));
}

describe('a daemon whose passkey is at a Vault of its own', function () {
  this.timeout(120_000);

  it('D6: is unlocked at its start; where Vault is sealed it stays locked, tells so and tries on, and unlocks itself once Vault is unsealed', async function () {
    await using server = await OpenBaoServer.start(serverProgramsFor(this), 'disk');
    await using scratch = new ScratchState();
    await server.createKey('holdfast');
    const tokenFile = path.join(scratch.folder, 'token');
    writeFileSync(tokenFile, await server.createToken(vaultPolicy({ mount: 'transit', key: 'holdfast' })), { mode: 0o600 });
    let daemon = await daemonOf(scratch);
    await daemon.call(sessionInit, {
      requestId: randomUUID(),
      passkeyName: 'vault',
      key: {
        target: { kind: 'vaultTransit', address: server.address, namespace: null, mount: 'transit', key: 'holdfast' },
        access: { kind: 'vaultTransit', login: { method: 'tokenFile', tokenFile }, caFile: null },
      },
    });
    await stop(daemon);

    daemon = await daemonOf(scratch);
    const status = await daemon.call(sessionStatus, {});
    assert.deepEqual(
      [status.state, status.unattended],
      ['unlocked', { kind: 'keyService', passkey: 'vault', path: null, problem: null, nextTryAt: null }],
    );
    await daemon.call(sessionLock, {});
    assert.deepEqual((await daemon.call(sessionStatus, {})).unattended?.nextTryAt, null, 'locked by hand it stays so');
    await stop(daemon);

    await server.seal();
    daemon = await daemonOf(scratch);
    await until(async () => (await daemon.call(sessionStatus, {})).unattended?.problem !== null);
    const locked = await daemon.call(sessionStatus, {});
    assert.equal(locked.state, 'locked');
    assert.equal(locked.unattended?.problem, 'Failed to open the passkey: Vault is sealed.');
    assert.ok(locked.unattended?.nextTryAt !== null);
    const { items } = await daemon.call(alertList, { all: false });
    assert.deepEqual(
      items.map(({ kind, severity, message }) => [kind, severity, message]),
      [['passkeyFailing', 'error', 'The passkey vault does not open: its Vault is sealed.']],
    );

    await server.unseal();
    await until(async () => (await daemon.call(sessionStatus, {})).state === 'unlocked');
    assert.deepEqual((await daemon.call(alertList, { all: false })).items, []);
    assert.equal((await daemon.call(sessionStatus, {})).pid, locked.pid, 'the same daemon all the time');
    await stop(daemon);
  });
});
