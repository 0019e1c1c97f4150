import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connectDaemon } from '../../client/connect.ts';
import type { DaemonConnection } from '../../client/connection.ts';
import { programVersion } from '../../protocol/version.ts';
import { DaemonProcess, daemonEntry } from '../support/daemonProcess.ts';

const checkout = path.dirname(path.dirname(daemonEntry));

/** The daemon's sources as a program of another version; gives its entry file. */
function programOf(folder: string, version: string): string {
  mkdirSync(folder);
  for (const part of ['daemon', 'protocol', 'package.json'])
    cpSync(path.join(checkout, part), path.join(folder, part), { recursive: true });
  symlinkSync(path.join(checkout, 'node_modules'), path.join(folder, 'node_modules'));
  const file = path.join(folder, 'protocol', 'version.ts');
  const text = readFileSync(file, 'utf8');
  assert.ok(text.includes(`programVersion = '${programVersion}'`));
  writeFileSync(file, text.replace(`programVersion = '${programVersion}'`, `programVersion = '${version}'`));
  return path.join(folder, 'daemon', 'main.ts');
}

interface Reached extends AsyncDisposable {
  readonly connection: DaemonConnection;
  readonly replaced: readonly string[];
}

async function reach(stateDirectory: string, entryPath: string): Promise<Reached> {
  const replaced: string[] = [];
  const onReplaced = (reason: string): void => void replaced.push(reason);
  const connection = await connectDaemon({ stateDirectory, clientName: 'test', start: { entryPath }, onReplaced });
  if (connection === undefined) throw new Error('no daemon');
  return { connection, replaced, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() };
}

describe('daemon of another version', () => {
  it('of an older one that is idle: a client that starts daemons replaces it, once, and says why', async () => {
    await using daemon = new DaemonProcess();
    const old = programOf(path.join(daemon.folder, 'old'), '0.0.9');
    const before = await reach(daemon.state, old);
    assert.equal(before.connection.daemon.programVersion, '0.0.9');
    assert.deepEqual(before.replaced, [], 'a client of a newer version does not end what it has just started');
    await using looking = await daemon.find();
    assert.equal(looking?.daemon.pid, before.connection.daemon.pid, 'a client that starts none leaves it');
    await using after = await reach(daemon.state, daemonEntry);
    assert.equal(after.connection.daemon.programVersion, programVersion);
    assert.deepEqual(after.replaced, [`it was version 0.0.9, not ${programVersion}`]);
    await before.connection.closed;
    await using again = await reach(daemon.state, daemonEntry);
    assert.equal(again.connection.daemon.pid, after.connection.daemon.pid);
    assert.deepEqual(again.replaced, []);
  });

  it('of a newer one: it is used as it is', async () => {
    await using daemon = new DaemonProcess();
    const newer = programOf(path.join(daemon.folder, 'newer'), '99.0.0');
    await using before = await reach(daemon.state, newer);
    await using after = await reach(daemon.state, daemonEntry);
    assert.equal(after.connection.daemon.pid, before.connection.daemon.pid);
    assert.deepEqual(after.replaced, []);
  });
});
