import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { chooseSocketPath, listenOn } from '../../../daemon/server/socket.ts';
import { prepareStateDirectory, refuseForeignEntries } from '../../../daemon/server/stateDirectory.ts';
import type { RuntimeSurroundings } from '../../../protocol/endpoint.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

describe('socket', function () {
  let folder = '';
  let servers: Server[] = [];
  const surroundings = (more: Partial<RuntimeSurroundings> = {}): RuntimeSurroundings => ({
    platform: 'linux',
    environment: { XDG_RUNTIME_DIR: path.join(folder, 'run') },
    temporaryDirectory: folder,
    userId: process.getuid?.(),
    ...more,
  });
  const choose = (more?: Partial<RuntimeSurroundings>): string => chooseSocketPath(surroundings(more), '/state', Buffer.alloc(16));
  const listen = async (socketPath: string): Promise<Server> => {
    const server = createServer((socket) => socket.destroy());
    servers.push(server);
    await listenOn(server, socketPath);
    return server;
  };

  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-socket-'));
    mkdirSync(path.join(folder, 'run'), { mode: 0o700 });
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => new Promise((resolve) => (server.listening ? server.close(resolve) : resolve(undefined)))));
    rmSync(folder, { recursive: true, force: true });
  });

  it('W4: is 0600 in a folder of 0700, whatever the umask, and leaves the umask as it was', async () => {
    const before = process.umask(0);
    try {
      const socketPath = choose();
      await listen(socketPath);
      assert.equal(statSync(path.dirname(socketPath)).mode & 0o777, 0o700);
      assert.equal(statSync(socketPath).mode & 0o777, 0o600);
      assert.equal(process.umask(), 0);
    } finally {
      process.umask(before);
    }
  });

  it('W5: passes over folders that others may enter, that are links, files, or somebody else’s', () => {
    const own = path.join(folder, `holdfast-${process.getuid?.()}`);
    const runtime = path.join(folder, 'run', 'holdfast');
    assert.equal(path.dirname(choose()), runtime);
    chmodSync(runtime, 0o755);
    assert.equal(path.dirname(choose()), own);
    rmSync(runtime, { recursive: true });
    mkdirSync(path.join(folder, 'mine'), { mode: 0o700 });
    symlinkSync(path.join(folder, 'mine'), runtime);
    assert.equal(path.dirname(choose()), own, 'a link, even to a folder of ours');
    rmSync(runtime);
    writeFileSync(runtime, '');
    assert.equal(path.dirname(choose()), own);
    assert.throws(
      () => choose({ environment: {}, userId: 4_000_000_000, temporaryDirectory: path.join(folder, 'not there') }),
      (error) => HoldfastError.is(error, 'refusedByRule') && /cannot be made|belongs to somebody else/.test(error.message),
    );
    const foreign = path.join('/tmp', 'holdfast-4000000000');
    if (existsSync(foreign)) rmSync(foreign, { recursive: true });
  });

  it('X7: takes the place of a socket that nobody answers, and of nothing else', async () => {
    const socketPath = choose();
    const first = await listen(socketPath);
    await assert.rejects(listen(socketPath), { code: 'daemonAlreadyRunning' });
    assert.ok(lstatSync(socketPath).isSocket(), 'the living one’s socket is left alone');
    // What a killed process leaves: a socket file without a listener. Closing would remove it, so it is kept under a second name.
    linkSync(socketPath, `${socketPath}.kept`);
    await new Promise((resolve) => first.close(resolve));
    linkSync(`${socketPath}.kept`, socketPath);
    await listen(socketPath);
  });

  it('W5: refuses to listen where a file or a link is in the place', async () => {
    const socketPath = choose();
    writeFileSync(socketPath, 'precious');
    await assert.rejects(listen(socketPath), { code: 'refusedByRule' });
    rmSync(socketPath);
    symlinkSync('/etc/passwd', socketPath);
    await assert.rejects(listen(socketPath), { code: 'refusedByRule' });
    assert.ok(lstatSync(socketPath).isSymbolicLink(), 'and removes nothing');
  });

  it('makes the state directory ours alone, and gives its real path', () => {
    const state = path.join(folder, 'a', 'state');
    const before = process.umask(0);
    try {
      const real = prepareStateDirectory(state);
      assert.equal(statSync(real).mode & 0o777, 0o700);
      chmodSync(real, 0o755);
      symlinkSync(state, path.join(folder, 'alias'));
      assert.equal(prepareStateDirectory(path.join(folder, 'alias')), real);
      assert.equal(statSync(real).mode & 0o777, 0o700);
    } finally {
      process.umask(before);
    }
    writeFileSync(path.join(folder, 'file'), '');
    assert.throws(() => prepareStateDirectory(path.join(folder, 'file', 'x')), { code: 'failed' });
  });

  it('W4: a state directory in which others have left something is not used', () => {
    const state = prepareStateDirectory(path.join(folder, 'state'));
    const userId = process.getuid?.() ?? 0;
    symlinkSync('/nowhere', path.join(state, 'catalog.db'));
    refuseForeignEntries(state, userId);
    assert.throws(() => refuseForeignEntries(state, userId + 1), { code: 'refusedByRule' });
    if (userId !== 0) return;
    lchownSync(path.join(state, 'catalog.db'), 1, 1);
    assert.throws(() => prepareStateDirectory(state), { code: 'refusedByRule' });
  });
});
