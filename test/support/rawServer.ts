import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import type { ObjectStore } from '../../daemon/locations/objectStore.ts';
import { connectS3, type S3ConnectionOptions } from '../../daemon/locations/s3/openS3.ts';
import { idOf, type StoreId } from '../../protocol/ids.ts';
import { testCertificate, testKey } from './tlsIdentity.ts';

/** A server that answers each request with the bytes that a test says. */
export class RawServer implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly sockets: Set<Socket> = new Set();
  connections = 0;
  /** Answers the request of this number, counted from 1. */
  reply: (socket: Socket, count: number) => void;
  readonly #server: Server;
  readonly #isSecure: boolean;

  private constructor(reply: RawServer['reply'], isSecure: boolean) {
    this.reply = reply;
    this.#isSecure = isSecure;
    const serve = (socket: Socket): void => this.#serve(socket);
    this.#server = isSecure ? createSecureServer({ key: testKey, cert: testCertificate }, serve) : createServer(serve);
  }

  static async start(reply: RawServer['reply'], { isSecure = false }: { readonly isSecure?: boolean } = {}): Promise<RawServer> {
    const made = new RawServer(reply, isSecure);
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  async open(options: Partial<S3ConnectionOptions> = {}): Promise<ObjectStore> {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new RangeError('the server has no port');
    const endpoint = `${this.#isSecure ? 'https' : 'http'}://localhost:${address.port}`;
    const connection = await connectS3({
      spec: { kind: 's3', bucket: 'raw', region: 'eu-test-1', endpoint, pathStyle: true, credentials: { source: 'sealed' } },
      keys: () => ({ accessKeyId: 'AKIARAW', secretAccessKey: Buffer.from('secret') }),
      sleep: async () => await Promise.resolve(),
      ...options,
    });
    return await connection.unmarked({ storeId: idOf<StoreId>(randomUUID()), features: { versions: false } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.connections += 1;
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (!text.endsWith('\r\n\r\n')) return;
      this.requests.push(text);
      text = '';
      this.reply(socket, this.requests.length);
    });
  }
}
