import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { type WebSocket, WebSocketServer } from 'ws';
import * as z from 'zod';
import { connectDaemon } from '../../../client/connect.ts';
import { dial } from '../../../client/dial.ts';
import { readEndpoint } from '../../../client/endpointReader.ts';
import { type Endpoint, endpointFileName } from '../../../protocol/endpoint.ts';
import { proofTag, proofTranscript } from '../../../protocol/proof.ts';
import { within } from '../../support/channel.ts';

const request = z.object({ id: z.int(), method: z.string() });

describe('whom a client trusts', () => {
  let folder = '';
  let state = '';
  let endpoint: Endpoint;

  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'hf-trust-'));
    state = path.join(folder, 'state');
    mkdirSync(state, { mode: 0o700 });
    mkdirSync(path.join(folder, 'run'), { mode: 0o700 });
    endpoint = {
      path: path.join(folder, 'run', 'd.sock'),
      pid: process.pid,
      protocol: { major: 1, minor: 0 },
      programVersion: '0.1.0',
      instanceId: randomBytes(16).toString('hex'),
      proofKey: randomBytes(32).toString('hex'),
      startedAt: new Date().toISOString(),
      stateDirectory: state,
      runtimePath: process.execPath,
      entryPath: '/x',
    };
    writeFileSync(path.join(state, endpointFileName), JSON.stringify(endpoint), { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('W5: an endpoint file that others could write, or a link, is refused; half a file is none', () => {
    const file = path.join(state, endpointFileName);
    assert.deepEqual(readEndpoint(state), endpoint);
    for (const mode of [0o644, 0o660, 0o602]) {
      chmodSync(file, mode);
      assert.throws(() => readEndpoint(state), { code: 'refusedByRule' });
    }
    chmodSync(file, 0o600);
    for (const content of ['', '{', '[]', JSON.stringify({ ...endpoint, proofKey: 'short' }), readFileSync(file, 'utf8').slice(0, -1)]) {
      writeFileSync(file, content);
      assert.equal(readEndpoint(state), undefined, content);
    }
    rmSync(file);
    assert.equal(readEndpoint(state), undefined);
    assert.equal(readEndpoint(path.join(state, 'no such folder')), undefined);
    symlinkSync(path.join(folder, 'elsewhere'), file);
    assert.throws(() => readEndpoint(state), { code: 'refusedByRule' });
  });

  it('W5: nothing is sent into a folder that others may enter, or to what is no socket', async () => {
    await using squatter = await squat(endpoint.path, () => undefined);
    chmodSync(path.dirname(endpoint.path), 0o777);
    await assert.rejects(connectDaemon({ stateDirectory: state, clientName: 'test' }), { code: 'refusedByRule' });
    chmodSync(path.dirname(endpoint.path), 0o700);
    symlinkSync(endpoint.path, path.join(folder, 'run', 'link.sock'));
    await assert.rejects(
      dial({ ...endpoint, path: path.join(folder, 'run', 'link.sock') }, () => assert.fail('proved')),
      { code: 'refusedByRule' },
    );
    assert.deepEqual(squatter.received, []);
  });

  it('W5: a squatter on the socket gets a nonce and nothing more, whatever it answers', async () => {
    const key = createSecretKey(Buffer.from(endpoint.proofKey, 'hex'));
    const foreign = createSecretKey(randomBytes(32));
    const answers: readonly [string, (nonce: Buffer) => Buffer | string][] = [
      ['random bytes', () => randomBytes(64)],
      ['zeros', () => Buffer.alloc(64)],
      ['too short', () => randomBytes(63)],
      ['too long', () => randomBytes(65)],
      ['nothing', () => Buffer.alloc(0)],
      ['the nonce back', (nonce) => Buffer.concat([nonce, nonce])],
      ['text', () => JSON.stringify({ jsonrpc: '2.0', id: 0, result: null })],
      ['a proof under its own key', (nonce) => proofOf(foreign, 'server', nonce)],
      ['a proof with the client’s label (W8)', (nonce) => proofOf(key, 'client', nonce)],
    ];
    for (const [what, answer] of answers) {
      await using squatter = await squat(endpoint.path, (socket, nonce) => socket.send(answer(nonce)));
      const dialled = await within(
        5000,
        dial(endpoint, () => assert.fail(`proved by ${what}`)),
      );
      assert.equal(dialled, 'unproved', what);
      assert.deepEqual(
        squatter.received.map(({ length }) => length),
        [32],
        what,
      );
    }
    await using honest = await squat(endpoint.path, (socket, nonce) => socket.send(proofOf(key, 'server', nonce)));
    assert.equal(
      await within(
        5000,
        dial(endpoint, (socket) => socket.terminate()),
      ),
      'proved',
      'while one that knows the key is believed',
    );
    assert.ok(honest.received.length >= 1);
  });

  it('W5: says so when what listens in the daemon’s place cannot prove itself', async () => {
    await using squatter = await squat(endpoint.path, (socket) => socket.send(randomBytes(64)));
    const program = { entryPath: '/never/started.js' };
    await assert.rejects(within(5000, connectDaemon({ stateDirectory: state, clientName: 'test', start: program })), {
      code: 'refusedByRule',
      message: /could not prove that it is the daemon/,
    });
    assert.ok(squatter.received.every(({ length }) => length === 32));
  });

  it('gives up at once when it is told to, while a squatter keeps it waiting', async () => {
    await using silent = await squat(endpoint.path, () => undefined);
    const abort = new AbortController();
    const connecting = connectDaemon({ stateDirectory: state, clientName: 'test', signal: abort.signal });
    while (silent.received.length === 0) await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await assert.rejects(within(1000, connecting), { code: 'cancelled' });
  });

  it('gives up at once when it is told to, while a daemon that proved itself says nothing', async () => {
    const key = createSecretKey(Buffer.from(endpoint.proofKey, 'hex'));
    const older = { protocol: endpoint.protocol, programVersion: '0.0.1', pid: process.pid, startedAt: endpoint.startedAt };
    const hello = { ...older, stateDirectory: state, runtimePath: process.execPath, entryPath: import.meta.filename };
    for (const silentIn of ['hello', 'session.makeWay']) {
      const asked = Promise.withResolvers<void>();
      await using daemon = await squat(endpoint.path, (socket, data) => {
        if (daemon.received.length === 1) socket.send(proofOf(key, 'server', data));
        if (daemon.received.length <= 2) return;
        const { id, method } = request.parse(JSON.parse(data.toString('utf8')));
        if (method === silentIn) asked.resolve();
        else socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: hello }));
      });
      const abort = new AbortController();
      const start = { entryPath: '/never/started.js' };
      const connecting = connectDaemon({ stateDirectory: state, clientName: 'test', start, signal: abort.signal });
      await within(5000, Promise.race([asked.promise, connecting]));
      abort.abort();
      await assert.rejects(within(1000, connecting), { code: 'cancelled' }, silentIn);
    }
  });

  it('X7: finds nobody behind a file that a killed daemon left', async () => {
    assert.equal(await connectDaemon({ stateDirectory: state, clientName: 'test' }), undefined);
  });

  function proofOf(key: ReturnType<typeof createSecretKey>, side: 'client' | 'server', clientNonce: Buffer): Buffer {
    const serverNonce = randomBytes(32);
    const instanceId = Buffer.from(endpoint.instanceId, 'hex');
    return Buffer.concat([
      serverNonce,
      proofTag(key, side, proofTranscript({ path: endpoint.path, instanceId, clientNonce, serverNonce })),
    ]);
  }
});

/** Listens where the daemon would, takes the upgrade, and answers the nonce as it likes. */
async function squat(
  socketPath: string,
  answer: (socket: WebSocket, nonce: Buffer) => void,
): Promise<AsyncDisposable & { readonly received: readonly Buffer[] }> {
  const received: Buffer[] = [];
  const http = createServer();
  const webSockets = new WebSocketServer({ server: http });
  webSockets.on('connection', (socket) => {
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      received.push(data);
      answer(socket, data);
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  http.listen({ path: socketPath }, resolve);
  await promise;
  return {
    received,
    [Symbol.asyncDispose]: async () => {
      for (const socket of webSockets.clients) socket.terminate();
      http.closeAllConnections();
      await new Promise((done) => http.close(done));
    },
  };
}
