import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { hasProxy, requestText } from '../../../../daemon/locations/s3/objectReads.ts';
import type { ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { RawServer } from '../../../support/rawServer.ts';
import { testCertificate } from '../../../support/tlsIdentity.ts';

const key = 'a/packs/00/one';
const body = randomBytes(700_000);
const date = 'last-modified: Fri, 02 Jan 2026 03:04:05 GMT';
const whole = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${date}\r\ncontent-length: ${body.length}\r\n\r\n`), body]);

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    HoldfastError.is(error) && error.code === code;

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

const answerWhole = (socket: Socket): void => void socket.write(whole);

describe('objects on their way from a bucket', () => {
  it('come one after the other over one connection, and side by side over as many as are allowed', async () => {
    await using server = await RawServer.start(answerWhole);
    const store = await server.open({ limits: { connections: 3 } });
    for (let asked = 0; asked < 3; asked += 1) assert.ok(body.equals((await store.get(key))?.body ?? Buffer.alloc(0)));
    assert.equal(server.connections, 1);
    const found = await Promise.all(Array.from({ length: 10 }, () => store.get(key)));
    assert.ok(found.every((one) => one !== undefined && body.equals(one.body)));
    assert.equal(server.connections, 3);
  });

  it('come whole over TLS, and from nobody whose certificate is not trusted', async () => {
    await using server = await RawServer.start(answerWhole, { isSecure: true });
    const store = await server.open();
    await assert.rejects(store.get(key), withCode('storeUnreachable'));
    assert.equal(server.requests.length, 0);
    const trusted = getCACertificates();
    setDefaultCACertificates([...trusted, testCertificate]);
    try {
      for (let asked = 0; asked < 2; asked += 1) assert.ok(body.equals((await store.get(key))?.body ?? Buffer.alloc(0)));
      const connections = server.connections;
      await store.get(key);
      assert.equal(server.connections, connections);
    } finally {
      setDefaultCACertificates(trusted);
    }
  });

  it('S2: begin anew where the connection is reset, ended or gone silent in the middle', async () => {
    for (const breakOff of [
      (socket: Socket): void => void socket.resetAndDestroy(),
      (socket: Socket): void => void socket.end(),
      (): void => undefined,
    ]) {
      await using server = await RawServer.start(answerWhole);
      server.reply = (socket, count) => {
        socket.write(count < 3 ? whole.subarray(0, count * 200_000) : whole, () => (count < 3 ? breakOff(socket) : undefined));
      };
      const store = await server.open({ limits: { silenceTimeout: 150 } });
      const into = new Uint8Array(new SharedArrayBuffer(body.length));
      assert.ok(body.equals((await store.get(key, { into }))?.body ?? Buffer.alloc(0)));
      assert.deepEqual([server.requests.length, server.connections], [3, 3]);
    }
  });

  const answerOf = (text: string): string => `HTTP/1.1 200 OK\r\n${date}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
  const textOf = async (store: ObjectStore): Promise<string> => Buffer.from((await store.get(key))?.body ?? '').toString();

  it('S5: are what was announced where the server sends more, and what lies behind is no answer to the next request', async () => {
    await using server = await RawServer.start(answerWhole);
    server.reply = (socket) => void socket.write(answerOf('right') + answerOf('false'));
    const store = await server.open();
    for (let asked = 0; asked < 3; asked += 1) assert.equal(await textOf(store), 'right');
    assert.equal(server.connections, 3);
  });

  it('S5: come over a new connection where the server said something that it was not asked', async () => {
    await using server = await RawServer.start(answerWhole);
    server.reply = (socket) => void socket.write(answerOf('right'));
    const store = await server.open();
    assert.equal(await textOf(store), 'right');
    const [idle] = server.sockets;
    assert.ok(idle !== undefined);
    const closed = new Promise((resolve) => idle.once('close', resolve));
    idle.write(answerOf('false'));
    await closed;
    assert.equal(await textOf(store), 'right');
    assert.equal(server.connections, 2);
  });

  it('S5: are refused where the answer is in chunks or says no length', async () => {
    await using server = await RawServer.start(answerWhole);
    for (const [header, text] of [
      ['transfer-encoding: chunked', '3\r\nabc\r\n0\r\n\r\n'],
      ['connection: close', 'abc'],
    ] as const) {
      server.reply = (socket) => void socket.end(`HTTP/1.1 200 OK\r\n${date}\r\n${header}\r\n\r\n${text}`);
      await assert.rejects((await server.open()).get(key), withCode('storeFailed'));
    }
  });

  it('are not there where the answer says so in chunks, and the connection goes on', async () => {
    await using server = await RawServer.start(answerWhole);
    const said = '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>';
    const missing = `HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n${said.length.toString(16)}\r\n${said}\r\n0\r\n\r\n`;
    const page = '<?xml version="1.0"?><ListBucketResult><Name>raw</Name><IsTruncated>false</IsTruncated></ListBucketResult>';
    server.reply = (socket) => {
      const isList = server.requests.at(-1)?.includes('list-type') === true;
      socket.write(isList ? `HTTP/1.1 200 OK\r\ncontent-length: ${page.length}\r\n\r\n${page}` : missing);
    };
    const store = await server.open();
    for (let asked = 0; asked < 3; asked += 1) assert.equal(await store.get(key), undefined);
    // One for reading objects, one for the listing that shows the bucket to be there.
    assert.equal(server.connections, 2);
  });

  it('give up at once when they are cancelled in the middle or while they wait for their turn, and leave the way to others', async () => {
    await using server = await RawServer.start(answerWhole);
    const half = Promise.withResolvers<Socket>();
    server.reply = (socket, count) => {
      if (count > 1) socket.write(whole);
      else socket.write(whole.subarray(0, 300_000), () => half.resolve(socket));
    };
    const store = await server.open({ limits: { connections: 1 } });
    const [underWay, waiting] = [new AbortController(), new AbortController()];
    const first = store.get(key, { signal: underWay.signal });
    const socket = await half.promise;
    const second = store.get(key, { signal: waiting.signal });
    // Signing is done in these turns, so that it waits for the one connection before the next one does.
    await turns();
    const third = store.get(key);
    await turns();
    waiting.abort();
    await assert.rejects(second, withCode('cancelled'));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    underWay.abort();
    await assert.rejects(first, withCode('cancelled'));
    await closed;
    assert.ok(body.equals((await third)?.body ?? Buffer.alloc(0)));
    assert.equal(server.requests.length, 2);
  });

  it('S1: come although the server has closed the idle connection, with no attempt lost', async () => {
    await using server = await RawServer.start(answerWhole);
    const store = await server.open({ limits: { attempts: 1 } });
    await store.get(key);
    const [idle] = server.sockets;
    assert.ok(idle !== undefined);
    const closed = new Promise((resolve) => idle.once('close', resolve));
    idle.end();
    await closed;
    assert.ok(body.equals((await store.get(key))?.body ?? Buffer.alloc(0)));
  });

  it('M8: go through the client that knows proxies where the environment names one for TLS', () => {
    assert.deepEqual(
      [{}, { HTTPS_PROXY: '' }, { HTTP_PROXY: 'http://x' }, { HTTPS_PROXY: 'http://x' }, { https_proxy: 'http://x' }].map((one) =>
        hasProxy(one),
      ),
      [false, false, false, true, true],
    );
  });
});

describe('the text of a request', () => {
  it('is what was signed', () => {
    const query = { versionId: "a/b+c'(*", empty: '', alone: null, twice: ['1', '2'] };
    assert.equal(
      requestText({ method: 'GET', path: '/b/k%20', query, headers: { host: 'x:1', range: 'bytes=0-1' } }),
      'GET /b/k%20?versionId=a%2Fb%2Bc%27%28%2A&empty=&alone&twice=1&twice=2 HTTP/1.1\r\nhost: x:1\r\nrange: bytes=0-1\r\n\r\n',
    );
  });

  it('M8: takes no line break, and no space, from any of its parts', () => {
    const right = { method: 'GET', path: '/b/k', query: {}, headers: {} };
    for (const wrong of [
      { path: '/b/k HTTP/1.1\r\nx: y' },
      { path: 'b' },
      { path: '/b/ä' },
      { headers: { range: 'bytes=0-1\r\nx: y' } },
      { headers: { 'x y': '1' } },
    ]) {
      assert.throws(() => requestText({ ...right, ...wrong }), TypeError);
    }
  });
});
