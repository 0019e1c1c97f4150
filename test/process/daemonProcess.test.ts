import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connectDaemon } from '../../client/connect.ts';
import { readEndpoint } from '../../client/endpointReader.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { policyCreate } from '../../protocol/methods/policies.ts';
import { sessionInit, sessionStatus, sessionStop, sessionUnlock } from '../../protocol/methods/session.ts';
import { within } from '../support/channel.ts';
import { daemonEntry, DaemonProcess, internetSockets } from '../support/daemonProcess.ts';
import { goneWithin, isAlive, processesNaming } from '../support/processes.ts';

interface Finished {
  readonly status: number | null;
  readonly error: { readonly code: string; readonly message: string; readonly details?: Readonly<Record<string, unknown>> } | undefined;
}

/** A daemon started by hand, as somebody would who does not use the client; resolves when it has ended. */
function runByHand(
  state: string,
  env: Readonly<Record<string, string>> = {},
  options: readonly string[] = [],
): Promise<Finished> & { readonly pid: number } {
  const child = spawn(process.execPath, [...options, daemonEntry, '--state', state], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
    cwd: path.dirname(state),
  });
  const written: Buffer[] = [];
  child.stderr.on('data', (data: Buffer) => written.push(data));
  const finished = new Promise<Finished>((resolve) => {
    child.once('close', (status) => {
      const line = Buffer.concat(written).toString('utf8').trim().split('\n').at(-1) ?? '';
      const { error }: Pick<Finished, 'error'> = line.startsWith('{') ? JSON.parse(line) : { error: undefined };
      resolve({ status, error });
    });
  });
  return Object.assign(finished, { pid: child.pid ?? 0 });
}

/** Looks now, and after each change in the folder, until there is something to see. */
async function whenSeen<T>(folder: string, look: () => T | undefined): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const lookAgain = (): void => {
    try {
      const seen = look();
      if (seen !== undefined) resolve(seen);
    } catch (error) {
      reject(error instanceof Error ? error : new Error('thrown', { cause: error }));
    }
  };
  const watcher = watch(folder, lookAgain);
  try {
    lookAgain();
    return await promise;
  } finally {
    watcher.close();
  }
}

function filesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

describe('daemon process', function () {
  this.timeout(60_000);

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('W3: has no internet socket, and W4: lets nobody else near its socket, endpoint file and log', async () => {
    await using daemon = new DaemonProcess();
    await using connection = await daemon.connect(['--log-level', 'trace']);
    const { endpoint } = daemon;
    assert.deepEqual(internetSockets(connection.daemon.pid), []);
    assert.equal(statSync(daemon.state).mode & 0o777, 0o700);
    assert.equal(statSync(endpoint.path).mode & 0o777, 0o600);
    assert.equal(statSync(path.dirname(endpoint.path)).mode & 0o777, 0o700);
    for (const file of filesUnder(daemon.state)) assert.equal(statSync(file).mode & 0o077, 0, file);
  });

  it('W4: another user cannot connect, not even when the folder is opened', async function () {
    if (process.getuid?.() !== 0) this.skip();
    await using daemon = new DaemonProcess();
    await using connection = await daemon.connect();
    const { path: socketPath } = daemon.endpoint;
    const script = `
      const { connect } = require('node:net');
      const { readFileSync } = require('node:fs');
      try { readFileSync(${JSON.stringify(path.join(daemon.state, 'endpoint.json'))}); console.log('read'); } catch (error) { console.log(error.code); }
      connect(${JSON.stringify(socketPath)}).on('connect', () => { console.log('connected'); process.exit(); }).on('error', (error) => console.log(error.code));`;
    const asNobody = (): string =>
      spawnSync(process.execPath, ['-e', script], { uid: 65_534, gid: 65_534, encoding: 'utf8', cwd: '/', timeout: 20_000 }).stdout.trim();
    assert.equal(asNobody(), 'EACCES\nEACCES');
    const opened = path.dirname(socketPath);
    chmodSync(opened, 0o755);
    chmodSync(daemon.state, 0o755);
    chmodSync(daemon.folder, 0o755);
    try {
      assert.equal(asNobody(), 'EACCES\nEACCES');
    } finally {
      chmodSync(opened, 0o700);
    }
    assert.ok(await connection.call(sessionStatus, {}));
  });

  it('K1: neither SIGUSR1 nor options of the runtime open a debugger', async () => {
    await using daemon = new DaemonProcess();
    await using connection = await daemon.connect();
    const { pid } = connection.daemon;
    process.kill(pid, 'SIGUSR1');
    assert.ok(await connection.call(sessionStatus, {}));
    assert.deepEqual(internetSockets(pid), []);

    await using byHand = new DaemonProcess();
    mkdirSync(byHand.state, { mode: 0o700 });
    const running = runByHand(byHand.state, { NODE_OPTIONS: '--inspect=127.0.0.1:0 --heapsnapshot-signal=SIGUSR2' }, [
      '--report-on-signal',
    ]);
    const endpoint = await within(
      20_000,
      whenSeen(byHand.state, () => readEndpoint(byHand.state)),
    );
    assert.equal(endpoint.pid, running.pid, 'it starts itself again, clean, as the same process');
    const commandLine = readFileSync(`/proc/${running.pid}/cmdline`, 'utf8');
    assert.ok(commandLine.includes('--disable-sigusr1') && !/inspect|report|snapshot/.test(commandLine));
    assert.ok(!readFileSync(`/proc/${running.pid}/environ`, 'utf8').includes('NODE_OPTIONS'));
    assert.deepEqual(internetSockets(running.pid), []);
    process.kill(running.pid, 'SIGUSR1');
    await using other = await byHand.find();
    assert.ok(await other?.call(sessionStatus, {}));
    assert.deepEqual(internetSockets(running.pid), []);
    process.kill(running.pid, 'SIGTERM');
    assert.equal((await within(10_000, running)).status, 0);
  });

  it('K3: writes no snapshot, report or core, whatever signal it gets', async () => {
    await using daemon = new DaemonProcess();
    await using connection = await daemon.connect();
    const { pid } = connection.daemon;
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max core file size\s+0\s+0\s/m);
    const working = os.homedir();
    const before = new Set(readdirSync(working));
    for (const signal of ['SIGUSR2', 'SIGUSR1', 'SIGHUP', 'SIGPIPE'] as const) {
      process.kill(pid, signal);
      assert.ok(await connection.call(sessionStatus, {}), `alive after ${signal}`);
    }
    process.kill(pid, 'SIGQUIT');
    assert.ok(await goneWithin(pid, 5000));
    for (const folder of [daemon.folder, daemon.state]) {
      assert.deepEqual(
        readdirSync(folder).filter((name) => /heapsnapshot|report|^core/.test(name)),
        [],
      );
    }
    assert.deepEqual(
      readdirSync(working).filter((name) => !before.has(name) && /heapsnapshot|report|^core/.test(name)),
      [],
    );
    assert.ok(!existsSync(path.join(daemon.state, 'endpoint.json')), 'and SIGQUIT ends it in order');
  });

  it('K6: canaries sent in every way show up in no file at the most talkative log level', async () => {
    const canary = 'canary-7f3a9c51e0-correct-horse';
    await using daemon = new DaemonProcess();
    await using connection = await daemon.connect(['--log-level', 'trace']);
    const secret = (): { readonly secretId: number } => connection.sendSecret(Buffer.from(canary));
    const calls: readonly Promise<unknown>[] = [
      connection.call(sessionUnlock, { passphrase: secret() }),
      connection.call(sessionUnlock, { passphrase: { secretId: 4711 }, passkey: canary }),
      connection.call(sessionInit, { requestId: canary, passkeyName: canary, passphrase: secret() }),
      connection.call({ ...policyCreate, name: canary }, JSON.parse(`{"name":"${canary}"}`)),
      connection.call({ ...sessionStatus, name: `session.${canary}` }, JSON.parse(`{"${canary}":"${canary}"}`)),
    ];
    for (const outcome of await within(10_000, Promise.allSettled(calls))) {
      assert.ok(outcome.status === 'rejected' && HoldfastError.is(outcome.reason));
      const { code, message, fix, details } = outcome.reason;
      assert.ok(!JSON.stringify({ code, message, fix, details }).includes(canary), message);
    }
    const raw = await daemon.find();
    raw?.sendSecret(Buffer.from(canary));
    raw?.terminate();
    await connection.call(sessionStop, {});
    await within(5000, connection.closed);
    assert.ok(await goneWithin(connection.daemon.pid, 5000));
    const files = filesUnder(daemon.folder);
    assert.ok(files.some((file) => file.endsWith('daemon.log')));
    const forms = [canary, Buffer.from(canary).toString('hex'), Buffer.from(canary).toString('base64').slice(0, 36)];
    for (const file of files) {
      const content = readFileSync(file, 'latin1');
      for (const form of forms) assert.ok(!content.includes(form), `${form} in ${file}`);
    }
  });

  it('X7: of ten that start at the same moment one runs, and the others say which', async () => {
    await using daemon = new DaemonProcess();
    const starts = Array.from({ length: 10 }, () => runByHand(daemon.state));
    const ended: Finished[] = [];
    const allButOne = Promise.withResolvers<void>();
    for (const start of starts) void note(start);
    await within(40_000, allButOne.promise);
    const { pid, startedAt } = daemon.endpoint;
    assert.deepEqual(
      starts.filter((start) => isAlive(start.pid)).map((start) => start.pid),
      [pid],
    );
    for (const { status, error } of ended) {
      assert.equal(status, 1);
      assert.equal(error?.code, 'daemonAlreadyRunning');
      assert.deepEqual([error?.details?.['pid'], error?.details?.['startedAt']], [pid, startedAt]);
    }
    await using connection = await daemon.find();
    assert.equal(connection?.daemon.pid, pid);

    async function note(start: Promise<Finished>): Promise<void> {
      ended.push(await start);
      if (ended.length === starts.length - 1) allButOne.resolve();
    }
  });

  it('X7: clients that all start a daemon at the same moment end up with the same one', async () => {
    await using daemon = new DaemonProcess();
    const connections = await within(30_000, Promise.all(Array.from({ length: 4 }, () => daemon.connect())));
    assert.equal(new Set(connections.map((connection) => connection.daemon.pid)).size, 1);
    for (const connection of connections) await connection[Symbol.asyncDispose]();
    assert.deepEqual(
      readdirSync(daemon.state).filter((name) => name.startsWith('start-')),
      [],
    );
  });

  it('X7: after kill -9 the stale socket and endpoint file are in nobody’s way, even when the pid is somebody else’s now', async () => {
    await using daemon = new DaemonProcess();
    const first = await daemon.connect();
    const { pid } = first.daemon;
    const stale = daemon.endpoint;
    process.kill(pid, 'SIGKILL');
    await within(5000, first.closed);
    assert.ok(await goneWithin(pid, 5000));
    assert.ok(existsSync(stale.path), 'the socket is still there');
    writeFileSync(path.join(daemon.state, 'endpoint.json'), JSON.stringify({ ...stale, pid: process.pid }), { mode: 0o600 });
    assert.equal(await daemon.find(), undefined);
    await using second = await daemon.connect();
    assert.notEqual(second.daemon.pid, pid);
    assert.notEqual(daemon.endpoint.instanceId, stale.instanceId);
    assert.notEqual(daemon.endpoint.proofKey, stale.proofKey, 'the key lives as long as its process');
  });

  it('X7: the same state directory by another name is the same', async () => {
    await using daemon = new DaemonProcess();
    await using connection = await daemon.connect();
    const alias = path.join(daemon.folder, 'alias');
    spawnSync('ln', ['-s', daemon.state, alias]);
    const { status, error } = await within(20_000, runByHand(alias));
    assert.deepEqual([status, error?.code, error?.details?.['pid']], [1, 'daemonAlreadyRunning', connection.daemon.pid]);
    await using same = await connectDaemon({ stateDirectory: alias, clientName: 'test' });
    assert.equal(same?.daemon.pid, connection.daemon.pid);
  });

  it('survives the client that started it, and leaves its folder and terminal alone', async () => {
    await using daemon = new DaemonProcess();
    const script = `
      import { connectDaemon } from ${JSON.stringify(path.join(path.dirname(path.dirname(daemonEntry)), 'client', 'connect.ts'))};
      const connection = await connectDaemon({ stateDirectory: ${JSON.stringify(daemon.state)}, clientName: 'test', start: { entryPath: ${JSON.stringify(daemonEntry)} } });
      console.log(connection.daemon.pid);
      process.exit();`;
    const client = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      cwd: daemon.folder,
      timeout: 30_000,
    });
    const pid = Number(client.stdout.trim());
    assert.ok(isAlive(pid), client.stderr);
    const [, , , , session] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '0 ')
      .split(' ');
    assert.equal(Number(session), pid, 'a session of its own');
    assert.deepEqual(processesNaming(daemon.state), [pid]);
    await using connection = await daemon.find();
    assert.equal(connection?.daemon.pid, pid);
  });

  it('ends in order when it is told to: answers, removes socket and endpoint file, and a new one can start at once', async () => {
    await using daemon = new DaemonProcess();
    const connection = await daemon.connect();
    const { endpoint } = daemon;
    assert.equal((await connection.call(sessionStop, {})).pid, connection.daemon.pid);
    await within(5000, connection.closed);
    assert.ok(await goneWithin(connection.daemon.pid, 5000));
    assert.ok(!existsSync(endpoint.path) && !existsSync(path.join(daemon.state, 'endpoint.json')));
    await using next = await daemon.connect();
    assert.notEqual(next.daemon.pid, connection.daemon.pid);
  });

  it('says why it does not start, with the exit status of the reason', async () => {
    await using daemon = new DaemonProcess();
    writeFileSync(daemon.state, 'a file');
    const { status, error } = await within(20_000, runByHand(daemon.state));
    assert.deepEqual([status, error?.code], [1, 'failed']);
    assert.match(error?.message ?? '', /^Failed to make the state directory /);
  });
});
