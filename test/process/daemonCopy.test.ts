import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connectDaemon } from '../../client/connect.ts';
import type { DaemonConnection } from '../../client/connection.ts';
import { copyDaemon } from '../../client/daemonCopy.ts';
import { run } from '../../scripts/run.ts';
import { bundleDaemon } from '../support/bundledDaemon.ts';
import { ConnectedDaemon } from '../support/connectedDaemon.ts';
import { DaemonProcess } from '../support/daemonProcess.ts';

const passphrase = 'a passphrase that is long enough for anybody';
const crashing = path.join(path.dirname(import.meta.dirname), 'support', 'copyCrash.ts');

async function reach(stateDirectory: string, entryPath: string, replaced: string[] = []): Promise<DaemonConnection> {
  const onReplaced = (reason: string): void => void replaced.push(reason);
  const connection = await connectDaemon({ stateDirectory, clientName: 'test', start: { entryPath }, onReplaced });
  if (connection === undefined) throw new Error('no daemon');
  return connection;
}

describe('daemon from its own copy', () => {
  it('runs, threads too, after the folder that it was copied from is gone; its window reconnects to it as it is', async () => {
    await using daemon = new DaemonProcess();
    const from = path.join(daemon.folder, 'extension-0.1.0');
    bundleDaemon(from);
    const { entryPath } = await copyDaemon({ from, stateDirectory: daemon.state });
    await using connection = await reach(daemon.state, entryPath);
    assert.equal(connection.daemon.entryPath, entryPath);
    // An update of the extension.
    rmSync(from, { recursive: true });
    const source = path.join(daemon.folder, 'source');
    mkdirSync(source);
    writeFileSync(path.join(source, 'letter'), 'dear friend');
    const driven = new ConnectedDaemon(connection);
    // The passphrase's derivation and the backup run in threads, which start from the copy.
    await driven.init(passphrase);
    await driven.addLocation(path.join(daemon.folder, 'store'));
    await driven.createPolicy(source);
    assert.equal((await driven.backUp()).files, 1);
  });

  it('of the same version in another folder is not outdated: two builds do not end each other by turns', async () => {
    await using daemon = new DaemonProcess();
    const folders = ['one', 'two'].map((name) => path.join(daemon.folder, name));
    for (const folder of folders) bundleDaemon(folder, `/* ${folder} */`);
    const replaced: string[] = [];
    const pids: number[] = [];
    for (const from of [...folders, ...folders]) {
      const { entryPath, removed } = await copyDaemon({ from, stateDirectory: daemon.state });
      assert.deepEqual(removed, []);
      await using connection = await reach(daemon.state, entryPath, replaced);
      pids.push(connection.daemon.pid);
    }
    assert.equal(new Set(pids).size, 1);
    assert.deepEqual(replaced, []);
  });

  it('X1: a copy that was killed at any change of the disk is made whole by the next, and old halves go', async () => {
    await using daemon = new DaemonProcess();
    const from = path.join(daemon.folder, 'from');
    mkdirSync(from);
    for (const name of ['main.js', 'worker.js']) writeFileSync(path.join(from, name), `// ${name}\n`);
    let [crashes, at] = [0, 0];
    for (let killed = true; killed; ) {
      at += 1;
      killed = false;
      for (const moment of ['before', 'after']) {
        const state = path.join(daemon.folder, `state-${at}-${moment}`);
        const { status } = await run(process.execPath, [crashing, from, state, String(at), moment]);
        if (status === null) killed = true;
        else assert.equal(status, 0);
        crashes += status === null ? 1 : 0;
        const { folder } = await copyDaemon({ from, stateDirectory: state });
        for (const name of ['main.js', 'worker.js']) assert.equal(readFileSync(path.join(folder, 'daemon', name), 'utf8'), `// ${name}\n`);
        assert.equal(existsSync(path.join(folder, 'package.json')), true);
        const later = await copyDaemon({ from, stateDirectory: state, now: () => Date.now() + 2 * 60 * 60 * 1000 });
        assert.deepEqual(readdirSync(path.dirname(later.folder)), [path.basename(later.folder)]);
      }
    }
    assert.ok(crashes >= 14, `${crashes} crashes`);
  }).timeout(60_000);

  it('that was damaged while it ran is mended in its place: the next thread starts', async () => {
    await using daemon = new DaemonProcess();
    const from = path.join(daemon.folder, 'from');
    bundleDaemon(from);
    const { entryPath } = await copyDaemon({ from, stateDirectory: daemon.state });
    await using connection = await reach(daemon.state, entryPath);
    truncateSync(path.join(path.dirname(entryPath), 'worker.js'), 10);
    assert.equal((await copyDaemon({ from, stateDirectory: daemon.state })).entryPath, entryPath);
    await new ConnectedDaemon(connection).init(passphrase);
  });
});
