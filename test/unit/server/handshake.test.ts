import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { dial } from '../../../client/dial.ts';
import { refusalOfUpgrade } from '../../../daemon/server/handshake.ts';
import { webSocketHost } from '../../../protocol/endpoint.ts';
import { proofSizes, proofTag, proofTranscript } from '../../../protocol/proof.ts';
import { connectPlain, echo, ended, openUnproved, TestChannel, within } from '../../support/channel.ts';

/** RFC 6455, section 5.2: two bytes of header and four of the mask before a short payload. */
const maskedFrameBytes = (payload: number): number => 6 + payload;

describe('handshake', () => {
  it('W1: an upgrade that names any origin is refused, and so is another path, subprotocol, host or version', async () => {
    await using channel = await TestChannel.start();
    const { path: socketPath } = channel.endpoint;
    const attempts: readonly [string, Parameters<typeof openUnproved>[1], number][] = [
      ['a web page', { headers: { origin: 'https://example.com' } }, 403],
      ['a page of this machine', { headers: { origin: `http://${webSocketHost}` } }, 403],
      ['an opaque origin', { headers: { origin: 'null' } }, 403],
      ['an old origin header', { headers: { 'sec-websocket-origin': 'https://example.com' } }, 403],
      ['a rebound name', { host: 'attacker.example' }, 403],
      ['an address', { host: '127.0.0.1' }, 403],
      ['another path', { path: '/' }, 404],
      ['a query', { path: '/v1?x=1' }, 404],
      ['a later version', { path: '/v2' }, 404],
      ['no subprotocol', { protocol: undefined }, 400],
      ['another subprotocol', { protocol: 'holdfast.v2' }, 400],
    ];
    for (const [what, options, status] of attempts) {
      assert.equal((await within(5000, openUnproved(socketPath, options))).status, status, what);
    }
    assert.equal((await openUnproved(socketPath)).status, 101, 'what our own client asks for');
  });

  it('W1: headers that come twice are refused', () => {
    const headers = ['Host', webSocketHost, 'Sec-WebSocket-Protocol', 'holdfast.v1', 'Sec-WebSocket-Version', '13'];
    const asked = { method: 'GET', url: '/v1' };
    assert.equal(refusalOfUpgrade({ ...asked, rawHeaders: headers }), undefined);
    assert.equal(refusalOfUpgrade({ ...asked, rawHeaders: [...headers, 'host', webSocketHost] }), 403);
    assert.equal(refusalOfUpgrade({ ...asked, rawHeaders: [...headers, 'SEC-WEBSOCKET-PROTOCOL', 'x'] }), 400);
    assert.equal(refusalOfUpgrade({ ...asked, method: 'POST', rawHeaders: headers }), 405);
    assert.equal(refusalOfUpgrade({ ...asked, rawHeaders: headers.with(5, '8') }), 426);
  });

  it('W1: plain HTTP gets nothing but the advice to upgrade', async () => {
    await using channel = await TestChannel.start();
    const socket = await connectPlain(channel.endpoint.path);
    const answer: Buffer[] = [];
    socket.on('data', (data) => answer.push(data));
    socket.write(`GET /v1 HTTP/1.1\r\nHost: ${webSocketHost}\r\n\r\n`);
    await within(5000, ended(socket));
    assert.match(Buffer.concat(answer).toString('latin1'), /^HTTP\/1\.1 426 /);
  });

  it('W2: without a proof no request is answered, whatever is sent instead', async () => {
    await using channel = await TestChannel.start();
    const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method: echo.name, params: { text: 'x' } });
    const attempts: readonly (readonly (Buffer | string)[])[] = [
      [request],
      [Buffer.from(request)],
      [Buffer.alloc(31)],
      [Buffer.alloc(33)],
      [Buffer.alloc(0)],
      [randomBytes(32).toString('latin1').slice(0, 32)],
      [randomBytes(32), request],
      [randomBytes(32), Buffer.alloc(32)],
      [randomBytes(32), randomBytes(64)],
    ];
    for (const messages of attempts) {
      const { client } = await openUnproved(channel.endpoint.path);
      assert.ok(client);
      for (const message of messages) client.socket.send(message);
      const received: (Buffer | string)[] = [];
      for (let message = await within(5000, client.next()); message !== undefined; message = await within(5000, client.next()))
        received.push(message);
      assert.ok(
        received.length <= 1 && received.every((message) => message.length === proofSizes.serverMessage),
        'nothing but the server’s own proof',
      );
    }
    assert.equal(channel.server.sessions, 0);
    assert.equal(channel.server.failedProofs, attempts.length);
  });

  it('W2: a client that stays silent loses its place after two seconds, however far it got', async () => {
    await using channel = await TestChannel.start();
    const silent = await connectPlain(channel.endpoint.path);
    const slow = await connectPlain(channel.endpoint.path);
    slow.write('GET /v1 HTTP/1.1\r\nHost: hold');
    const { client } = await openUnproved(channel.endpoint.path);
    assert.ok(client);
    const nonceOnly = (await openUnproved(channel.endpoint.path)).client;
    assert.ok(nonceOnly);
    nonceOnly.socket.send(randomBytes(32));
    await within(5000, Promise.all([ended(silent), ended(slow), client.closed, nonceOnly.closed]));
  });

  it('W2: more than eight clients without a proof make random ones give way, and a proved one is never among them', async () => {
    await using channel = await TestChannel.start();
    await using connection = await channel.connect();
    const crowd = await Promise.all(Array.from({ length: 40 }, () => connectPlain(channel.endpoint.path)));
    await within(1500, closedAmong(crowd, 32));
    assert.deepEqual(await connection.call(echo, { text: 'still here' }), { text: 'still here' });
    for (const socket of crowd) socket.destroy();
  });

  it('W8: what one client proved is refused from another', async () => {
    await using channel = await TestChannel.start();
    const { endpoint } = channel;
    const clientNonce = randomBytes(32);
    const first = (await openUnproved(endpoint.path)).client;
    assert.ok(first);
    first.socket.send(clientNonce);
    const answer = await within(5000, first.next());
    assert.ok(Buffer.isBuffer(answer));
    const transcript = proofTranscript({
      path: endpoint.path,
      instanceId: Buffer.from(endpoint.instanceId, 'hex'),
      clientNonce,
      serverNonce: answer.subarray(0, 32),
    });
    const tag = proofTag(createSecretKey(Buffer.from(endpoint.proofKey, 'hex')), 'client', transcript);
    const second = (await openUnproved(endpoint.path)).client;
    assert.ok(second);
    second.socket.send(clientNonce);
    assert.ok(await within(5000, second.next()));
    second.socket.send(tag);
    assert.equal(await within(5000, second.next()), undefined);
    assert.equal(channel.server.sessions, 0);
    first.socket.send(tag);
    first.socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'nothing' }));
    assert.match(String(await within(5000, first.next())), /"id":1/, 'the one that it belongs to gets in');
  });

  it('W8: the server’s own tag, or one under the wrong label, is no proof of a client', async () => {
    await using channel = await TestChannel.start();
    const { endpoint } = channel;
    const clientNonce = randomBytes(32);
    const reflect = (await openUnproved(endpoint.path)).client;
    assert.ok(reflect);
    reflect.socket.send(clientNonce);
    const answer = await within(5000, reflect.next());
    assert.ok(Buffer.isBuffer(answer));
    reflect.socket.send(answer.subarray(32));
    assert.equal(await within(5000, reflect.next()), undefined);
    assert.equal(channel.server.sessions, 0);
  });

  it('W8: a relay that listens on another socket is refused by the client before it has proved itself', async () => {
    await using channel = await TestChannel.start();
    // Of the same length, so that it is the path itself that makes the difference.
    const relayPath = `${channel.endpoint.path.slice(0, -1)}x`;
    await using relay = await relayTo(channel.endpoint.path, relayPath);
    const dialled = await within(
      5000,
      dial({ ...channel.endpoint, path: relayPath }, () => assert.fail('proved through a relay')),
    );
    assert.equal(dialled, 'unproved');
    const [head = '', sent] = relay.fromClient().toString('latin1').split('\r\n\r\n');
    assert.match(head, /^GET \/v1 HTTP/);
    assert.equal(sent?.length, maskedFrameBytes(proofSizes.nonce), 'one nonce, and nothing else');
    assert.equal(channel.server.sessions, 0);
  });
});

/** Resolves when so many of the sockets have been closed by the other side. */
function closedAmong(sockets: readonly Socket[], count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let closed = 0;
  const onClose = (): void => {
    closed += 1;
    if (closed === count) resolve();
  };
  for (const socket of sockets) {
    if (socket.destroyed) onClose();
    else socket.once('close', onClose);
  }
  return promise;
}

/** Listens itself, and passes every byte on in both directions: what a program can do that sits in between. */
async function relayTo(target: string, relayPath: string): Promise<AsyncDisposable & { fromClient(): Buffer }> {
  const received: Buffer[] = [];
  const relay = createServer((inner) => {
    const outer = connect({ path: target });
    inner.on('data', (data: Buffer) => received.push(data));
    inner.pipe(outer).pipe(inner);
    inner.on('error', () => outer.destroy());
    outer.on('error', () => inner.destroy());
  });
  await new Promise<void>((resolve) => relay.listen({ path: relayPath }, resolve));
  return {
    fromClient: () => Buffer.concat(received),
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
