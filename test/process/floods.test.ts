import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { sessionStatus } from '../../protocol/methods/session.ts';
import { connectPlain, ended, openUnproved, within } from '../support/channel.ts';
import { ConnectedDaemon } from '../support/connectedDaemon.ts';
import { DaemonProcess, openDescriptors, residentMemory } from '../support/daemonProcess.ts';
import { succeeded } from '../support/drivenDaemon.ts';
import { dial } from '../../client/dial.ts';
import { RawClient } from '../support/channel.ts';
import { isAlive, peakMemory } from '../support/processes.ts';

const mebibyte = 1024 * 1024;

/** A masked WebSocket frame as a client sends it (RFC 6455, section 5.2). */
function maskedFrame(
  opcode: number,
  payload: Buffer,
  options: { readonly isFinal?: boolean; readonly claimedLength?: number } = {},
): Buffer {
  const length = options.claimedLength ?? payload.length;
  const head = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = ((options.isFinal ?? true) ? 0x80 : 0) | opcode;
  head[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  // A mask of zeros is a mask, and leaves the payload as it is.
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

const upgrade = [
  'GET /v1 HTTP/1.1',
  'Host: holdfast',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: holdfast.v1',
  '\r\n',
].join('\r\n');

/** Resolves when the server has closed it, or the attempt has failed. */
function attempt(socketPath: string, bytes: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect({ path: socketPath });
  socket.on('error', () => undefined);
  socket.once('close', () => resolve());
  socket.resume();
  socket.write(bytes);
  return promise;
}

describe('floods', function () {
  this.timeout(60_000);

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('W6: 10,000 wrong proofs, and good clients connect within three seconds all the while', async () => {
    await using daemon = new DaemonProcess();
    await using first = await daemon.connect();
    const { path: socketPath } = daemon.endpoint;
    const wrong = (): Buffer =>
      Buffer.concat([Buffer.from(upgrade, 'latin1'), maskedFrame(2, randomBytes(32)), maskedFrame(2, randomBytes(32))]);
    const begun = { count: 0 };
    const flooder = async (): Promise<void> => {
      while (begun.count < 10_000) {
        begun.count += 1;
        await attempt(socketPath, wrong());
      }
    };
    const flooders = Promise.all(Array.from({ length: 24 }, flooder));
    let connected = 0;
    while (begun.count < 10_000) {
      const connection = await within(3000, daemon.find());
      assert.ok(connection);
      await connection[Symbol.asyncDispose]();
      connected += 1;
    }
    await flooders;
    assert.ok(connected >= 3, `${connected} good clients`);
    assert.equal((await first.call(sessionStatus, {})).pid, first.daemon.pid);
  });

  it('W7: slow headers, endless fragments, a frame of 100 MiB, bad UTF-8 and a flood of pings cost less than 50 MiB', async () => {
    await using daemon = new DaemonProcess();
    await using good = await daemon.connect();
    const { endpoint } = daemon;
    const { pid } = good.daemon;
    const start = residentMemory(pid);

    const slow = await Promise.all(Array.from({ length: 100 }, () => connectPlain(endpoint.path)));
    for (const socket of slow) socket.write(upgrade.slice(0, 60));
    await within(10_000, Promise.all(slow.map(ended)));

    const large: readonly [string, (socket: Socket) => void][] = [
      ['headers without end', (socket) => flood(socket, Buffer.alloc(mebibyte, 'x: y\r\n'))],
      ['a frame of 100 MiB', (socket) => flood(socket, maskedFrame(2, Buffer.alloc(mebibyte), { claimedLength: 100 * mebibyte }))],
      [
        'fragments without end',
        (socket) => flood(socket, Buffer.concat([maskedFrame(2, Buffer.of(1), { isFinal: false }), ...fragments(2000)])),
      ],
      ['pings', (socket) => flood(socket, Buffer.concat(Array.from({ length: 2000 }, () => maskedFrame(9, Buffer.alloc(125)))))],
    ];
    for (const [what, send] of large) {
      const socket = await connectPlain(endpoint.path);
      if (what !== 'headers without end') socket.write(upgrade);
      send(socket);
      await within(15_000, ended(socket));
    }

    const attacks: readonly [string, (client: RawClient) => void, readonly number[]][] = [
      ['bad UTF-8', ({ socket }) => socket.send(Buffer.of(0xc3, 0x28), { binary: false }), [1007]],
      ['a text of 100 MiB', ({ socket }) => socket.send(Buffer.alloc(100 * mebibyte, 'x'), { binary: false }), [1009, 1006]],
      ['fragments', ({ socket }) => Array.from({ length: 1000 }, () => socket.send('x', { fin: false })), [1008, 1006]],
    ];
    for (const [what, attack, codes] of attacks) {
      const client = await proved();
      attack(client);
      assert.ok(codes.includes(await within(15_000, client.closed)), what);
    }
    const pinging = await proved();
    pinging.socket.pause();
    for (let index = 0; index < 200_000; index += 1) pinging.socket.ping(Buffer.alloc(100));
    await within(15_000, drained(pinging));
    pinging.socket.terminate();

    assert.equal((await within(5000, good.call(sessionStatus, {}))).pid, pid);
    const grown = (peakMemory(pid) ?? 0) - start;
    assert.ok(grown < 50 * mebibyte, `${Math.round(grown / mebibyte)} MiB`);

    async function proved(): Promise<RawClient> {
      let client: RawClient | undefined;
      await dial(endpoint, (socket) => {
        client = new RawClient(socket);
      });
      assert.ok(client);
      return client;
    }
  });

  it('W10: a thousand reconnects during backups leave no descriptor behind, and disturb none of them', async () => {
    await using daemon = new DaemonProcess();
    await using first = await daemon.connect();
    const { pid } = first.daemon;
    const driven = new ConnectedDaemon(first);
    const [source, store] = ['source', 'store'].map((name) => path.join(daemon.folder, name));
    assert.ok(source !== undefined && store !== undefined);
    for (const folder of [source, store]) mkdirSync(folder);
    await driven.init('a passphrase for a thousand clients');
    await driven.addLocation(store);
    await driven.createPolicy(source);
    let runsSeen = 0;
    const reconnect = async (times: number): Promise<void> => {
      for (let index = 0; index < times; index += 1) {
        const connection = await within(10_000, daemon.find());
        assert.ok(connection);
        if ((await connection.call(sessionStatus, {})).runningActions.length > 0) runsSeen += 1;
        if (index % 2 === 0) connection.terminate();
        else await connection[Symbol.asyncDispose]();
      }
    };
    // The first run and the first clients open what stays open.
    writeFileSync(path.join(source, 'file'), randomBytes(mebibyte));
    await driven.backUp();
    await reconnect(20);
    const before = openDescriptors(pid);

    const storm = { isOver: false };
    const reconnects = Promise.all([reconnect(334), reconnect(333), reconnect(333)]).finally(() => {
      storm.isOver = true;
    });
    const runs: (string | null)[] = [];
    while (!storm.isOver) {
      writeFileSync(path.join(source, `file ${runs.length % 3}`), randomBytes(8 * mebibyte));
      runs.push((await driven.backUp()).restorePointId);
    }
    await reconnects;
    assert.ok(runsSeen >= 200, `${runsSeen} of the clients came during one of ${runs.length} backups`);
    assert.equal((await driven.restorePoints('files')).length, runs.length + 1);
    succeeded(await driven.verify(runs.at(-1) ?? ''));
    // The last sockets are closed by the daemon after this side has gone: one more round trip comes behind them.
    await first.call(sessionStatus, {});
    await first.call(sessionStatus, {});
    assert.ok(openDescriptors(pid) <= before + 1, `${before} descriptors, then ${openDescriptors(pid)}`);
    assert.ok(isAlive(pid));
  });

  it('W2: a nonce of another size, or a proof under another key, gets no further', async () => {
    await using daemon = new DaemonProcess();
    await using good = await daemon.connect();
    const { client } = await openUnproved(daemon.endpoint.path);
    assert.ok(client);
    client.socket.send(randomBytes(16));
    assert.equal(await within(5000, client.next()), undefined);
    const foreign = { ...daemon.endpoint, proofKey: createSecretKey(randomBytes(32)).export().toString('hex') };
    const dialled = await within(
      5000,
      dial(foreign, () => assert.fail('proved under another key')),
    );
    assert.equal(dialled, 'unproved');
    assert.ok(await good.call(sessionStatus, {}));
  });
});

function fragments(count: number): readonly Buffer[] {
  return Array.from({ length: count }, () => maskedFrame(0, Buffer.of(1), { isFinal: false }));
}

/** Writes the same bytes for as long as the server takes them. */
function flood(socket: Socket, bytes: Buffer): void {
  const more = (): void => {
    if (!socket.destroyed) socket.write(bytes, (error) => (error === undefined || error === null ? more() : undefined));
  };
  more();
}

/** Resolves when the server has taken everything, or has closed the socket. */
async function drained(client: RawClient): Promise<void> {
  const taken = new Promise<void>((resolve) => client.socket.ping(undefined, undefined, () => resolve()));
  await Promise.race([taken, client.closed]);
}
