import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { type HandlerContext, handlerOf } from '../../../daemon/server/handler.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { hello } from '../../../protocol/hello.ts';
import { type Method, type SecretRef, secretRef, type StreamRef, streamRef } from '../../../protocol/method.ts';
import { echo, type RawClient, TestChannel, within } from '../../support/channel.ts';

const helloMessage = {
  jsonrpc: '2.0',
  id: 'h',
  method: hello.name,
  params: { protocol: { major: 1, minor: 0 }, clientName: 't', clientVersion: '0' },
};

const takeSecret: Method<{ readonly secret: SecretRef }, string> = {
  name: 'test.takeSecret',
  params: z.strictObject({ secret: secretRef }),
  result: z.string(),
  right: 'always',
};
const openStream: Method<{ readonly bytes: number }, StreamRef> = {
  name: 'test.openStream',
  params: z.strictObject({ bytes: z.int() }),
  result: streamRef,
  right: 'always',
};
const waitForever: Method<Readonly<Record<never, never>>, null> = {
  name: 'test.waitForever',
  params: z.strictObject({}),
  result: z.null(),
  right: 'always',
};
const methods = [takeSecret, openStream, waitForever];

function untilAborted({ signal }: Pick<HandlerContext, 'signal'>): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(new HoldfastError('cancelled', 'Failed to wait: it was cancelled.')), { once: true });
  return promise;
}

async function answerTo(client: RawClient, message: unknown): Promise<unknown> {
  client.socket.send(JSON.stringify(message));
  const answer = await within(5000, client.next());
  return answer === undefined ? undefined : JSON.parse(String(answer));
}

describe('session', () => {
  it('answers a malformed envelope with an error, and goes on', async () => {
    await using channel = await TestChannel.start();
    const client = await channel.connectRaw();
    await answerTo(client, helloMessage);
    const malformed: readonly [unknown, string | number | null][] = [
      [[1, 2], null],
      [[], null],
      [null, null],
      ['text', null],
      [7, null],
      [{}, null],
      [{ jsonrpc: '2.0', id: 1 }, 1],
      [{ jsonrpc: '1.0', id: 2, method: echo.name, params: { text: '' } }, 2],
      [{ id: 3, method: echo.name, params: { text: '' } }, 3],
      [{ jsonrpc: '2.0', id: null, method: echo.name }, null],
      [{ jsonrpc: '2.0', id: 1.5, method: echo.name }, null],
      [{ jsonrpc: '2.0', id: {}, method: echo.name }, null],
      [{ jsonrpc: '2.0', id: 'x'.repeat(129), method: echo.name }, null],
      [{ jsonrpc: '2.0', id: 4, method: 5 }, 4],
      [{ jsonrpc: '2.0', id: 5, method: '' }, 5],
      [{ jsonrpc: '2.0', id: 6, method: echo.name, params: ['x'] }, 6],
      [{ jsonrpc: '2.0', id: 7, method: echo.name, params: 'x' }, 7],
      [{ jsonrpc: '2.0', id: 8, method: echo.name, params: { text: '' }, extra: 1 }, 8],
      [{ jsonrpc: '2.0', id: 9, result: null }, 9],
      [{ jsonrpc: '2.0', method: echo.name, params: { text: '' } }, null],
      [{ jsonrpc: '2.0', method: '$/cancelRequest', params: null }, null],
      [{ jsonrpc: '2.0', method: '$/cancelRequest', params: { id: null } }, null],
      [{ jsonrpc: '2.0', method: '$/cancelRequest' }, null],
      [{ jsonrpc: '2.0', method: '$/progress', params: { token: 1 } }, null],
    ];
    for (const [message, id] of malformed) {
      const answer = z.looseObject({ id: z.unknown(), error: z.looseObject({ code: z.int() }) }).parse(await answerTo(client, message));
      assert.deepEqual([answer.id, answer.error.code], [id, -32600], JSON.stringify(message));
    }
    assert.deepEqual(await answerTo(client, { jsonrpc: '2.0', id: 99, method: echo.name, params: { text: 'still there' } }), {
      jsonrpc: '2.0',
      id: 99,
      result: { text: 'still there' },
    });
  });

  it('closes the socket on what is no JSON, no UTF-8, too deep, ambiguous, too large or binary out of turn', async () => {
    await using channel = await TestChannel.start();
    const attempts: readonly [string, (client: RawClient) => void, number][] = [
      ['no JSON', ({ socket }) => socket.send('{'), 1007],
      ['an empty frame', ({ socket }) => socket.send(''), 1007],
      ['NaN', ({ socket }) => socket.send('{"jsonrpc":"2.0","id":1,"method":"m","params":{"n":NaN}}'), 1007],
      ['a member twice', ({ socket }) => socket.send('{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}'), 1007],
      ['a prototype', ({ socket }) => socket.send('{"jsonrpc":"2.0","id":1,"method":"m","params":{"__proto__":{}}}'), 1007],
      ['a deep array', ({ socket }) => socket.send(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), 1007],
      ['no UTF-8', ({ socket }) => socket.send(Buffer.of(0x22, 0xff, 0x22), { binary: false }), 1007],
      ['a large frame', ({ socket }) => socket.send('x'.repeat(1024 * 1024 + 1)), 1009],
      ['an empty binary frame', ({ socket }) => socket.send(Buffer.alloc(0)), 1003],
      ['a binary frame of no kind', ({ socket }) => socket.send(randomBytes(64).fill(9, 0, 1)), 1003],
      ['a content frame to the daemon', ({ socket }) => socket.send(Buffer.of(2, 0, 0, 0, 0, 1)), 1003],
      ['a secret that was not sealed', ({ socket }) => socket.send(Buffer.concat([Buffer.of(1, 0, 0, 0, 0), randomBytes(40)])), 1003],
      [
        'credit that is no number',
        ({ socket }) => socket.send('{"jsonrpc":"2.0","method":"stream.credit","params":{"streamId":0,"frames":"x"}}'),
        1008,
      ],
    ];
    const closed = attempts.map(async ([what, send, code]) => {
      const client = await channel.connectRaw();
      await answerTo(client, helloMessage);
      send(client);
      assert.equal(await within(5000, client.closed), code, what);
    });
    await Promise.all(closed);
  });

  it('closes the socket on an id that is in use, and frees it with the answer', async () => {
    await using channel = await TestChannel.start({
      methods,
      handlers: Object.fromEntries([handlerOf(waitForever, (_params, context) => untilAborted(context))]),
    });
    const client = await channel.connectRaw();
    await answerTo(client, helloMessage);
    const request = { jsonrpc: '2.0', id: 1, method: echo.name, params: { text: 'a' } };
    assert.deepEqual(await answerTo(client, request), await answerTo(client, request));
    client.socket.send(JSON.stringify({ jsonrpc: '2.0', id: 2, method: waitForever.name, params: {} }));
    client.socket.send(JSON.stringify({ ...request, id: 2 }));
    assert.equal(await within(5000, client.closed), 1002);
  });

  it('asks for hello first, and says what to do where the protocols differ', async () => {
    await using channel = await TestChannel.start();
    await using silent = await channel.connectSilently();
    await assert.rejects(silent.call(echo, { text: '' }), { code: 'protocolViolation' });
    const newer = { protocol: { major: 2, minor: 0 }, clientName: 'test', clientVersion: '9' };
    await assert.rejects(silent.call(hello, newer), { code: 'versionMismatch', message: /End the daemon/ });
    await silent.hello('test');
    assert.deepEqual(await silent.call(echo, { text: 'now' }), { text: 'now' });
  });

  it('hands a secret to the one request that names it, once, and overwrites what nobody took', async () => {
    const seen: Buffer[] = [];
    await using channel = await TestChannel.start({
      methods,
      handlers: Object.fromEntries([
        handlerOf(takeSecret, ({ secret }, { secrets }) => {
          const bytes = secrets.take(secret);
          seen.push(bytes);
          assert.throws(() => secrets.take(secret), { code: 'badValue' });
          return Promise.resolve(bytes.toString('utf8'));
        }),
      ]),
    });
    await using connection = await channel.connect();
    const secret = Buffer.from('correct horse');
    const ref = connection.sendSecret(secret);
    assert.equal(await connection.call(takeSecret, { secret: ref }), 'correct horse');
    assert.equal(secret.toString(), 'correct horse', 'the caller’s own bytes are left to the caller');
    await assert.rejects(connection.call(takeSecret, { secret: ref }), { code: 'badValue' });
    await assert.rejects(connection.call(takeSecret, { secret: { secretId: 77 } }), { code: 'badValue' });
    const second = connection.sendSecret(Buffer.from('another'));
    assert.notEqual(second.secretId, ref.secretId);
    assert.equal(await connection.call(takeSecret, { secret: second }), 'another');
    assert.equal(seen.length, 2);
    assert.ok(!readFileSync(channel.logFile, 'utf8').includes('horse'));
  });

  it('takes no more than a few secrets that no request names', async () => {
    await using channel = await TestChannel.start();
    const connection = await channel.connect();
    for (let index = 0; index < 17; index += 1) connection.sendSecret(Buffer.from('unused'));
    await within(5000, connection.closed);
  });

  it('cancels a request when the client does, and when the client goes away', async () => {
    const ends: string[] = [];
    const started = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    await using channel = await TestChannel.start({
      methods,
      handlers: Object.fromEntries([
        handlerOf(waitForever, async (_params, context) => {
          started.resolve();
          try {
            return await untilAborted(context);
          } finally {
            ends.push('ended');
            if (ends.length === 2) gone.resolve();
          }
        }),
      ]),
    });
    const connection = await channel.connect();
    const abort = new AbortController();
    const call = connection.call(waitForever, {}, { signal: abort.signal });
    await started.promise;
    abort.abort();
    await assert.rejects(within(5000, call), { code: 'cancelled', exitStatus: 130 });
    const other = connection.call(waitForever, {});
    await connection.call(echo, { text: '' });
    connection.terminate();
    await assert.rejects(within(5000, other), { code: 'daemonEnded' });
    await within(5000, gone.promise);
  });

  it('rejects a call in the middle with daemonEnded when the daemon ends, and every one after it', async () => {
    const channel = await TestChannel.start({
      methods,
      handlers: Object.fromEntries([handlerOf(waitForever, (_params, context) => untilAborted(context))]),
    });
    const connection = await channel.connect();
    const call = connection.call(waitForever, {});
    await connection.call(echo, { text: '' });
    const [outcome] = await Promise.allSettled([call, channel[Symbol.asyncDispose]()]);
    assert.ok(outcome.status === 'rejected' && HoldfastError.is(outcome.reason, 'daemonEnded', 'cancelled'));
    await within(5000, connection.closed);
    await assert.rejects(connection.call(echo, { text: '' }), { code: 'daemonEnded', exitStatus: 1 });
    assert.throws(() => connection.sendSecret(Buffer.from('x')), { code: 'daemonEnded' });
  });

  it('streams content as fast as it is read, and no faster', async () => {
    const content = randomBytes(5 * 1024 * 1024 + 17);
    let written = 0;
    await using channel = await TestChannel.start({
      methods,
      handlers: Object.fromEntries([
        handlerOf(openStream, (_params, { openStream: open }) =>
          Promise.resolve(
            open(async (sink) => {
              for (let offset = 0; offset < content.length; offset += 1_000_003) {
                const piece = content.subarray(offset, offset + 1_000_003);
                await sink.write(piece);
                written += piece.length;
              }
            }),
          ),
        ),
      ]),
    });
    await using connection = await channel.connect();
    const ref = await connection.call(openStream, { bytes: content.length });
    await connection.call(echo, { text: '' });
    assert.equal(written, 0, 'nothing is produced before somebody reads');
    const pieces: Uint8Array[] = [];
    for await (const piece of connection.stream(ref)) {
      assert.ok(piece.length <= 256 * 1024);
      pieces.push(piece);
      if (pieces.length === 1) {
        for (let turn = 0; turn < 50; turn += 1) await connection.call(echo, { text: 'the reader is busy' });
        assert.ok(written <= 9 * 256 * 1024, 'a reader that stands still is not sent more than its window');
      }
    }
    assert.ok(Buffer.concat(pieces).equals(content));
  });

  it('ends a stream with the producer’s error, and stops the producer when the reader leaves', async () => {
    const stopped = Promise.withResolvers<void>();
    await using channel = await TestChannel.start({
      methods,
      handlers: Object.fromEntries([
        handlerOf(openStream, ({ bytes }, { openStream: open }) =>
          Promise.resolve(
            open(async (sink) => {
              await sink.write(Buffer.alloc(10));
              if (bytes === 0) throw new HoldfastError('damaged', 'Failed to read a file: a chunk is damaged.');
              if (bytes === 1) throw new TypeError('the canary-secret sits in "a message"');
              try {
                for (;;) await sink.write(Buffer.alloc(1000));
              } finally {
                stopped.resolve();
              }
            }),
          ),
        ),
      ]),
    });
    await using connection = await channel.connect();
    const read = async (bytes: number): Promise<number> => {
      let total = 0;
      for await (const piece of connection.stream(await connection.call(openStream, { bytes }))) {
        total += piece.length;
        if (total > 5000) break;
      }
      return total;
    };
    await assert.rejects(within(5000, read(0)), { code: 'damaged', message: /a chunk is damaged/ });
    await assert.rejects(within(5000, read(1)), (error) => HoldfastError.is(error, 'failed') && !error.message.includes('canary'));
    assert.ok((await within(5000, read(2))) > 5000);
    await within(5000, stopped.promise);
    assert.deepEqual(await connection.call(echo, { text: 'after' }), { text: 'after' });
  });

  it('tells subscribers of what they asked for, and nobody else', async () => {
    await using channel = await TestChannel.start();
    await using listening = await channel.connect();
    await using other = await channel.connect();
    const heard: string[] = [];
    const state = Promise.withResolvers<void>();
    using subscription = await listening.subscribe(['action.changed', 'state.changed'], ({ name, subject }) => {
      heard.push(`${name} ${subject}`);
      if (name === 'state.changed') state.resolve();
    });
    assert.ok(subscription);
    using silent = await other.subscribe(['alert.changed'], () => assert.fail('not asked for'));
    assert.ok(silent);
    channel.events.publish({ name: 'action.changed', subject: 'a' });
    channel.events.publish({ name: 'catalog.changed', subject: 'policies/1' });
    channel.events.publish({ name: 'state.changed', subject: '' });
    await within(5000, state.promise);
    assert.deepEqual(heard, ['action.changed a', 'state.changed ']);
  });

  it('reads no further from a client that floods it with requests and takes no answers', async () => {
    await using channel = await TestChannel.start();
    const client = await channel.connectRaw();
    await answerTo(client, helloMessage);
    client.socket.pause();
    const text = 'x'.repeat(100_000);
    let sent = 0;
    const flood = (): void => {
      while (client.socket.bufferedAmount < 4 * 1024 * 1024 && sent < 2000) {
        sent += 1;
        client.socket.send(JSON.stringify({ jsonrpc: '2.0', id: sent, method: echo.name, params: { text } }));
      }
    };
    flood();
    // Another client is served all the while, which takes many turns of the loop.
    await using patient = await channel.connect();
    for (let turn = 0; turn < 300; turn += 1) {
      flood();
      await within(5000, patient.call(echo, { text: '' }));
    }
    assert.ok(sent < 600, `${sent} requests of 100 kB were taken without an answer being read`);
    client.socket.resume();
    for (let answered = 0; answered < sent; answered += 1)
      assert.match(String(await within(5000, client.next())), /^\{"jsonrpc":"2.0","id":\d+,"result":/);
    client.socket.terminate();
  });
});
