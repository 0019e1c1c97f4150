import assert from 'node:assert/strict';
import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { DaemonConnection } from '../../../client/connection.ts';
import type { DaemonEvent } from '../../../protocol/events.ts';
import { sessionStop } from '../../../protocol/methods/session.ts';
import { TestChannel, within } from '../../support/channel.ts';

/** Joined to nothing: frames and the end come in the turn in which the test wants them. */
class LooseSocket extends WebSocket {
  isEnded = false;
  readonly sent: { readonly id: number }[] = [];

  constructor() {
    super('ws://127.0.0.1:9', { createConnection: () => new Duplex({ read: () => undefined, write: () => undefined }) });
    Object.defineProperty(this, 'readyState', { get: () => (this.isEnded ? WebSocket.CLOSED : WebSocket.OPEN) });
  }

  override send(text: unknown, ...rest: readonly unknown[]): void {
    this.sent.push(z.looseObject({ id: z.number() }).parse(JSON.parse(String(text))));
    const [done] = rest;
    if (typeof done === 'function') done();
    this.emit('sent');
  }

  async whenSent(count: number): Promise<void> {
    while (this.sent.length < count) await once(this, 'sent');
  }
}

describe('connection', () => {
  it('leaves no listener behind where the daemon did not take its names', async () => {
    await using channel = await TestChannel.start();
    await using connection = await channel.connectSilently();
    const refused: DaemonEvent[] = [];
    await assert.rejects(
      connection.subscribe(['action.changed'], (event) => void refused.push(event)),
      { code: 'protocolViolation' },
      'nobody has said hello',
    );
    await connection.hello('test');
    const heard = Promise.withResolvers<DaemonEvent>();
    using stack = new DisposableStack();
    stack.use(await connection.subscribe(['action.changed'], heard.resolve));
    channel.events.publish({ name: 'action.changed', subject: 'one' });
    assert.deepEqual(await within(5000, heard.promise), { name: 'action.changed', subject: 'one' });
    assert.deepEqual(refused, []);
  });

  it('takes the answers that came in one piece with the end, and loses only what was not answered', async () => {
    const socket = new LooseSocket();
    const connection = new DaemonConnection(socket, createSecretKey(Buffer.alloc(32)));
    const answered = connection.call(sessionStop, {});
    const lost = connection.call(sessionStop, {});
    await socket.whenSent(2);
    const [first] = socket.sent;
    socket.emit('message', Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: first?.id, result: { pid: 7, cancelledActions: 0 } })), false);
    socket.isEnded = true;
    socket.emit('close');
    assert.deepEqual(await within(5000, answered), { pid: 7, cancelledActions: 0 });
    await assert.rejects(within(5000, lost), { code: 'daemonEnded' });
    await within(5000, connection.closed);
  });
});
