import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { ObjectPart, PartSink } from '../../../../daemon/locations/objectParts.ts';
import type { GetPartsOptions, ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { RawServer } from '../../../support/rawServer.ts';
import { testCertificate } from '../../../support/tlsIdentity.ts';

const key = 'a/packs/00/one';
const body = randomBytes(3_000_000);
/** The third begins within the second, the fourth behind a gap. */
const parts: readonly ObjectPart[] = [
  { offset: 1000, length: 900_000 },
  { offset: 901_000, length: 600_000 },
  { offset: 1_436_000, length: 500_000 },
  { offset: 2_000_000, length: 900_001 },
];
const end = 2_900_001;

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && error.code === code;

/** The answer to a request for a range, as an honest store gives it. */
function answerTo(request: string, size: number = body.length): Buffer {
  const [, first, last] = /^range: bytes=(\d+)-(\d+)\r$/im.exec(request) ?? [];
  const [from, to] = [Number(first), Number(last)];
  const head =
    `HTTP/1.1 206 Partial Content\r\nlast-modified: Fri, 02 Jan 2026 03:04:05 GMT\r\n` +
    `content-range: bytes ${from}-${to}/${size}\r\ncontent-length: ${to + 1 - from}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body.subarray(from, to + 1)]);
}

const startOf = (request: string | undefined): number => Number(/^range: bytes=(\d+)-/im.exec(request ?? '')?.[1]);

/** Has one piece of memory for all parts: the next gets it when the one before was taken away, a moment later. */
class OneBuffer implements PartSink {
  readonly told: Buffer[] = [];
  onFilled: (() => void) | undefined;
  readonly #buffer = new Uint8Array(new SharedArrayBuffer(1_000_000));
  readonly #given = new Map<number, Uint8Array | Promise<Uint8Array>>();

  readonly memory = (part: number): Uint8Array | Promise<Uint8Array> => {
    const known = this.#given.get(part);
    if (known !== undefined) return known;
    const memory = this.#buffer.subarray(0, parts[part]?.length);
    const given = part === 0 ? memory : new Promise<Uint8Array>((resolve) => setImmediate(() => resolve(memory)));
    this.#given.set(part, given);
    return given;
  };

  readonly filled = (part: number): void => {
    assert.equal(part, this.told.length);
    this.told.push(Buffer.from(this.#buffer.subarray(0, parts[part]?.length)));
    this.#buffer.fill(0xee);
    this.onFilled?.();
  };

  get isWhole(): boolean {
    return (
      this.told.length === parts.length &&
      parts.every(({ offset, length }, at) => this.told[at]?.equals(body.subarray(offset, offset + length)))
    );
  }
}

async function read(store: ObjectStore, sink: PartSink, options: Partial<GetPartsOptions> = {}): Promise<'there' | undefined> {
  assert.ok(store.getParts !== undefined);
  return await store.getParts(key, { size: body.length, parts, sink, ...options });
}

describe('parts of an object on their way from a bucket', () => {
  let server: RawServer;
  beforeEach(async () => {
    server = await RawServer.start((socket, count) => void socket.write(answerTo(server.requests[count - 1] ?? '')));
  });
  afterEach(() => server[Symbol.asyncDispose]());

  it('come by one request, into memory that is used again, and the connection is good for the next', async () => {
    const store = await server.open();
    for (let asked = 1; asked <= 3; asked += 1) {
      const sink = new OneBuffer();
      assert.equal(await read(store, sink), 'there');
      assert.ok(sink.isWhole);
      assert.deepEqual([server.requests.length, server.connections], [asked, 1]);
    }
    assert.match(server.requests[0] ?? '', /^range: bytes=1000-2900000\r$/im);
  });

  it('come over TLS as well', async () => {
    await using secure = await RawServer.start((socket, count) => void socket.write(answerTo(secure.requests[count - 1] ?? '')), {
      isSecure: true,
    });
    const trusted = getCACertificates();
    setDefaultCACertificates([...trusted, testCertificate]);
    try {
      const store = await secure.open();
      for (let asked = 0; asked < 2; asked += 1) {
        const sink = new OneBuffer();
        assert.equal(await read(store, sink), 'there');
        assert.ok(sink.isWhole);
      }
      assert.equal(secure.connections, 1);
    } finally {
      setDefaultCACertificates(trusted);
    }
  });

  it('are asked for part by part where all requests go through a proxy', async () => {
    const store = await server.open({ environment: { HTTPS_PROXY: 'http://127.0.0.1:9' } });
    const sink = new OneBuffer();
    assert.equal(await read(store, sink), 'there');
    assert.ok(sink.isWhole);
  });

  it('S2: go on behind what has come where the connection is reset, ended or gone silent, as often as it takes', async () => {
    const breaks: readonly ((socket: Socket) => void)[] = [
      (socket) => void socket.resetAndDestroy(),
      (socket) => void socket.end(),
      () => undefined,
    ];
    for (const breakOff of breaks) {
      server.requests.length = 0;
      const sink = new OneBuffer();
      server.reply = (socket, count) => {
        const answer = answerTo(server.requests[count - 1] ?? '');
        // Enough for one more part each time; a reset takes away what was not read yet.
        const isRest = answer.length < 1_000_000;
        sink.onFilled = isRest ? undefined : (): void => breakOff(socket);
        socket.write(isRest ? answer : answer.subarray(0, 980_000));
      };
      assert.equal(await read(await server.open({ limits: { silenceTimeout: 150 } }), sink), 'there');
      assert.ok(sink.isWhole);
      assert.deepEqual(
        server.requests.map(startOf),
        parts.map(({ offset }) => offset),
      );
    }
  });

  it('S2: come to an end with a sentence where nothing more comes', async () => {
    server.reply = (socket, count) => {
      if (count === 1) socket.write(answerTo(server.requests[0] ?? '').subarray(0, 1_000_000), () => socket.destroy());
      else socket.destroy();
    };
    const sink = new OneBuffer();
    await assert.rejects(read(await server.open({ limits: { attempts: 3 } }), sink), withCode('storeUnreachable'));
    assert.equal(sink.told.length, 1);
  });

  it('S11: wait for memory as long as it takes: who is silent meanwhile is not the store', async () => {
    const sink = new OneBuffer();
    const patient: PartSink = {
      filled: sink.filled,
      memory: async (part) => {
        // Three times as long as the store may be silent.
        if (part === 2) await new Promise((resolve) => setTimeout(resolve, 450));
        return await sink.memory(part);
      },
    };
    assert.equal(
      await read(await server.open({ limits: { silenceTimeout: 150 } }), {
        ...patient,
        memory: (part) => (part < 2 ? sink.memory(part) : patient.memory(part)),
      }),
      'there',
    );
    assert.ok(sink.isWhole);
    assert.equal(server.requests.length, 1);
  });

  it('C5 S5: are refused before any is told of where the object has another size, and where another range comes', async () => {
    const sink = new OneBuffer();
    await assert.rejects(read(await server.open(), sink, { size: body.length - 1 }), withCode('damaged'));
    server.reply = (socket, count) =>
      void socket.write(
        Buffer.from(
          answerTo(server.requests[count - 1] ?? '')
            .toString('latin1')
            .replace('bytes 1000-', 'bytes 1001-'),
          'latin1',
        ),
      );
    await assert.rejects(read(await server.open({ limits: { attempts: 2 } }), sink), withCode('storeFailed'));
    assert.equal(sink.told.length, 0);
  });

  it('end at once when they are not wanted any more, also while memory is waited for', async () => {
    const controller = new AbortController();
    const sink = new OneBuffer();
    const stuck: PartSink = {
      filled: sink.filled,
      memory: (part) => {
        if (part === 0) return sink.memory(part);
        setImmediate(() => controller.abort());
        return new Promise(() => undefined);
      },
    };
    await assert.rejects(read(await server.open(), stuck, { signal: controller.signal }), withCode('cancelled'));
    assert.equal(sink.told.length, 1);
    assert.equal(end, (parts.at(-1)?.offset ?? 0) + (parts.at(-1)?.length ?? 0));
  });
});
