import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { systemCode } from '../../../../protocol/systemCode.ts';
import { FaultProxy } from '../../../support/servers/faultProxy.ts';

/** Sends back what it gets. */
async function echoServer(): Promise<{ readonly server: Server; readonly target: { readonly host: string; readonly port: number } }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, target: { host: '127.0.0.1', port: address.port } };
}

async function connect(proxy: FaultProxy): Promise<Socket> {
  const socket = createConnection({ host: proxy.host, port: proxy.port });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

async function readAll(socket: Socket): Promise<readonly Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const piece of socket as AsyncIterable<Buffer>) pieces.push(piece);
  return pieces;
}

describe('fault proxy', () => {
  let server: Server;
  let proxy: FaultProxy;
  let waited: number[];

  beforeEach(async () => {
    const echo = await echoServer();
    server = echo.server;
    waited = [];
    // A clock that stands still: each piece waits for its whole time.
    const clock = {
      now: (): number => 0,
      wait: (milliseconds: number): Promise<void> => {
        waited.push(milliseconds);
        return Promise.resolve();
      },
    };
    proxy = await FaultProxy.start(echo.target, {}, clock);
  });

  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    server.close();
  });

  it('passes bytes both ways, and the end of each side', async () => {
    const body = Buffer.alloc(3_000_000, 'holdfast');
    const socket = await connect(proxy);
    socket.end(body);
    assert.deepEqual(Buffer.concat(await readAll(socket)), body);
    assert.equal(proxy.bytes, 2 * body.length);
  });

  it('S2: resets in mid-body, for as many connections as it was told', async () => {
    proxy.setFaults({ down: { resetAfter: 1000, resets: 1 } });
    const first = await connect(proxy);
    first.write(Buffer.alloc(5000, 1));
    await assert.rejects(readAll(first), (error) => systemCode(error) === 'ECONNRESET');
    const second = await connect(proxy);
    second.end(Buffer.alloc(5000, 1));
    assert.equal(Buffer.concat(await readAll(second)).length, 5000);
    assert.equal(proxy.resets, 1);
  });

  it('S2: cuts the stream into small pieces and loses none', async () => {
    proxy.setFaults({ up: { slice: 7 }, down: { slice: 3 } });
    const body = Buffer.from(Array.from({ length: 2000 }, (_, index) => index % 251));
    const socket = await connect(proxy);
    socket.end(body);
    assert.deepEqual(Buffer.concat(await readAll(socket)), body);
  });

  it('S11: keeps the order where pieces are late and slow', async () => {
    proxy.setFaults({ up: { latency: 15, bandwidth: 2_000_000 }, down: { latency: 5, slice: 1000 } });
    const body = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256));
    const socket = await connect(proxy);
    socket.end(body);
    assert.deepEqual(Buffer.concat(await readAll(socket)), body);
    // 100,000 bytes at 2 MB/s, and the latency of one piece.
    assert.equal(Math.round(Math.max(...waited)), 50 + 15);
    assert.ok(waited.includes(5));
  });

  it('S11: is a server that is gone while it is down, and the same one afterwards', async () => {
    const socket = await connect(proxy);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    proxy.goDown();
    await closed;
    // The reset may come with the connection or right behind it.
    await assert.rejects(
      async () => await readAll(await connect(proxy)),
      (error) => systemCode(error) === 'ECONNRESET',
    );
    proxy.comeUp();
    const again = await connect(proxy);
    again.end('x');
    assert.equal(Buffer.concat(await readAll(again)).toString(), 'x');
    assert.equal(proxy.connections, 3);
  });
});
