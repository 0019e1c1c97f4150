import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import type { ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { type Every, LeastProgress } from '../../../../daemon/locations/s3/leastProgress.ts';
import { connectS3 } from '../../../../daemon/locations/s3/openS3.ts';
import { SlicedBody } from '../../../../daemon/locations/s3/s3Body.ts';
import { watchedHandle } from '../../../../daemon/locations/s3/watchedHandler.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { idOf, type StoreId } from '../../../../protocol/ids.ts';
import { RawServer } from '../../../support/rawServer.ts';
import { type Reply, ScriptedS3, versionsXml } from '../../../support/scriptedS3.ts';

const key = 'a/packs/00/one';
const body = randomBytes(500_000);
const date = 'last-modified: Fri, 02 Jan 2026 03:04:05 GMT';
const head = Buffer.from(`HTTP/1.1 200 OK\r\n${date}\r\ncontent-length: ${body.length}\r\n\r\n`);
const whole = Buffer.concat([head, body]);
const storeId = idOf<StoreId>(randomUUID());
const least = 32 * 1024;

/** Time as far as slow requests are looked at. */
class Looks {
  readonly #callbacks = new Set<() => void>();
  readonly every: Every = (milliseconds, callback) => {
    assert.equal(milliseconds, 30_000);
    this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  };

  get isIdle(): boolean {
    return this.#callbacks.size === 0;
  }

  /** Five minutes. */
  window(looks = 10): void {
    for (let look = 0; look < looks; look += 1) for (const callback of this.#callbacks) callback();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function listed(store: ObjectStore, signal?: AbortSignal): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const page of store.list('a/', signal === undefined ? {} : { signal })) keys.push(...page.map((one) => one.key));
  return keys;
}

const tooSlow = (error: unknown): boolean =>
  HoldfastError.is(error, 'storeUnreachable') && /hardly a byte came through/.test(error.message) && error.fix !== undefined;

describe('a request that goes on and comes to no end', () => {
  let looks: Looks;

  beforeEach(() => {
    looks = new Looks();
  });
  afterEach(() => assert.ok(looks.isIdle, 'nothing is looked at any more'));

  it('is one of which less than 32 KiB moved in a window of ten looks', () => {
    const progress = new LeastProgress({}, looks.every);
    let moved = 1000;
    const slow: string[] = [];
    const watch = progress.watch(
      () => moved,
      ({ name }) => slow.push(name),
    );
    for (let window = 0; window < 5; window += 1) {
      moved += least;
      looks.window();
    }
    looks.window(9);
    watch.pause();
    looks.window(30);
    watch.resume();
    looks.window(9);
    moved += least - 1;
    assert.deepEqual(slow, []);
    looks.window(1);
    assert.deepEqual(slow, ['TooSlow']);
    looks.window(30);
    assert.equal(slow.length, 1);
  });

  it('S2: is cut and begun anew where an object drips, and given up by one sentence', async () => {
    await using server = await RawServer.start((socket) => void socket.write(whole));
    const drips = (socket: Socket): void => {
      socket.write(whole.subarray(0, 1000));
      setImmediate(() => looks.window());
    };
    const store = await server.open({ every: looks.every });
    server.reply = (socket, count) => (count < 3 ? drips(socket) : void socket.write(whole));
    assert.ok(body.equals((await store.get(key))?.body ?? Buffer.alloc(0)));
    assert.deepEqual([server.requests.length, server.connections], [3, 3]);
    server.reply = drips;
    await assert.rejects(store.get(key), tooSlow);
    assert.equal(server.requests.length, 3 + 8);
  });

  it('S2: is cut where the head of an answer drips', async () => {
    await using server = await RawServer.start((socket) => {
      socket.write(head.subarray(0, 20));
      setImmediate(() => looks.window());
    });
    await assert.rejects((await server.open({ every: looks.every, limits: { attempts: 2 } })).get(key), tooSlow);
    assert.equal(server.requests.length, 2);
  });

  it('is none where an object comes over a slow link, however long it takes', async () => {
    const into = new Uint8Array(body.length);
    await using server = await RawServer.start((socket) => {
      const send = async (): Promise<void> => {
        socket.write(head);
        for (let at = 0; at < body.length; at += least) {
          const piece = body.subarray(at, at + least);
          socket.write(piece);
          while (Buffer.compare(piece, into.subarray(at, at + piece.length)) !== 0) await turn();
          looks.window(9);
        }
      };
      void send();
    });
    const store = await server.open({ every: looks.every, limits: { attempts: 1 } });
    assert.ok(body.equals((await store.get(key, { into }))?.body ?? Buffer.alloc(0)));
    assert.equal(server.requests.length, 1);
  });

  it('is none where its reader has no memory for what comes', async () => {
    const range = `content-range: bytes 0-${body.length - 1}/${body.length}`;
    const answer = `HTTP/1.1 206 Partial Content\r\n${date}\r\n${range}\r\ncontent-length: ${body.length}\r\n\r\n`;
    await using server = await RawServer.start((socket) => void socket.write(Buffer.concat([Buffer.from(answer), body])));
    const store = await server.open({ every: looks.every, limits: { attempts: 1 } });
    const parts = [0, 1].map((part) => ({ offset: part * 250_000, length: 250_000 }));
    const memory = parts.map(({ length }) => Buffer.alloc(length));
    const waiting = async (part: number): Promise<Uint8Array> => {
      for (let round = 0; round < 20; round += 1) {
        await turn();
        looks.window();
      }
      return memory[part] ?? assert.fail();
    };
    const filled: number[] = [];
    const sink = { memory: waiting, filled: (part: number) => void filled.push(part) };
    assert.equal(await store.getParts?.(key, { parts, size: body.length, sink }), 'there');
    assert.deepEqual([filled, server.requests.length], [[0, 1], 1]);
    assert.ok(body.equals(Buffer.concat(memory)));
  });

  it('S2: is given up although a part of an object comes now and then', async () => {
    await using server = await RawServer.start((socket) => {
      const from = Number(/^range: bytes=(\d+)-/im.exec(server.requests.at(-1) ?? '')?.[1]);
      const range = `content-range: bytes ${from}-${body.length - 1}/${body.length}`;
      const answer = `HTTP/1.1 206 Partial Content\r\n${date}\r\n${range}\r\ncontent-length: ${body.length - from}\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(answer), body.subarray(from, from + 15_000)]));
    });
    const store = await server.open({ every: looks.every, limits: { attempts: 2 } });
    const parts = Array.from({ length: 50 }, (_, part) => ({ offset: part * 10_000, length: 10_000 }));
    const memory = new Uint8Array(10_000);
    const sink = { memory: () => memory, filled: () => void setImmediate(() => looks.window()) };
    await assert.rejects(store.getParts?.(key, { parts, size: body.length, sink }) ?? Promise.resolve(), tooSlow);
    assert.equal(server.requests.length, 2);
  });

  const page = versionsXml([{ key, versionId: 'v1', size: 5 }]);
  for (const [title, drip, right, ask] of [
    [
      'a listing',
      { body: page, stallAfter: 100 },
      { body: page },
      async (server: ScriptedS3) => {
        const store = await (await server.connect({ every: looks.every })).unmarked({ storeId, features: { versions: true } });
        assert.deepEqual(await listed(store), [key]);
      },
    ],
    [
      'the answer to a put',
      { body: 'x'.repeat(100), stallAfter: 1 },
      { headers: { 'x-amz-version-id': 'v1' } },
      async (server: ScriptedS3) => {
        const store = await (await server.connect({ every: looks.every })).unmarked({ storeId, features: { versions: true } });
        assert.equal((await store.put(key, body)).versionId, 'v1');
      },
    ],
  ] as const satisfies readonly (readonly [string, Reply, Reply, (server: ScriptedS3) => Promise<void>])[]) {
    it(`S1: is cut and begun anew where ${title} drips`, async () => {
      await using server = await ScriptedS3.start((_request, count) => {
        if (count > 2) return right;
        // In the first window the request itself went to the store.
        setImmediate(() => looks.window(20));
        return drip;
      });
      await ask(server);
      assert.equal(server.requests.length, 3);
    });
  }

  it('S1: is cut where the store hardly takes what is put', async () => {
    // Whoever reads nothing takes what fits into the buffers of the system.
    const sockets: Socket[] = [];
    const server = createServer({ pauseOnConnect: true }, (socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    using connection = await connectS3({
      spec: {
        kind: 's3',
        bucket: 'raw',
        region: 'eu-test-1',
        endpoint: `http://127.0.0.1:${address.port}`,
        credentials: { source: 'sealed' },
      },
      keys: () => ({ accessKeyId: 'AKIARAW', secretAccessKey: Buffer.from('secret') }),
      sleep: async () => await Promise.resolve(),
      every: looks.every,
      limits: { attempts: 2 },
    });
    try {
      const store = await connection.unmarked({ storeId, features: { versions: false } });
      const ended = new AbortController();
      const put = store.put(key, new Uint8Array(32 << 20)).finally(() => ended.abort());
      const refused = assert.rejects(put, tooSlow);
      while (!ended.signal.aborted) {
        for (let turns = 0; turns < 50; turns += 1) await turn();
        looks.window();
      }
      await refused;
      assert.equal(sockets.length, 2);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('is none where the store takes a slice of what is put in each window', async () => {
    const progress = new LeastProgress({}, looks.every);
    const sent: Buffer[] = [];
    const handle = watchedHandle(async (request, options) => {
      assert.ok('body' in request && request.body instanceof SlicedBody);
      for await (const slice of request.body) {
        assert.ok(slice instanceof Buffer);
        sent.push(slice);
        looks.window(9);
      }
      assert.ok(options?.abortSignal instanceof AbortSignal && !options.abortSignal.aborted);
      return { response: {} };
    }, progress);
    await handle({ body: new SlicedBody(body) });
    assert.ok(body.equals(Buffer.concat(sent)));
  });

  it('is cancelled as any other, and is not looked at any more', async () => {
    const abort = new AbortController();
    await using server = await ScriptedS3.start(() => {
      setImmediate(() => setImmediate(() => abort.abort()));
      return { body: page, stallAfter: 100 };
    });
    const store = await (await server.connect({ every: looks.every })).unmarked({ storeId, features: { versions: true } });
    await assert.rejects(listed(store, abort.signal), (error) => HoldfastError.is(error, 'cancelled'));
  });
});
