import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  /** With `/v1`. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** `hang`: no answer ever. `cut`: the connection ends in the middle. A text is sent as it is, anything else as JSON. */
export type ScriptedAnswer =
  | { readonly status?: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | 'hang'
  | 'cut';

/** Answers like Vault, or like nothing that Vault would say. */
export class ScriptedVault implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `answer` is asked for every request; where it gives nothing the answer is 404 as for a key that is not there. */
  static async start(answer: (request: SeenRequest) => ScriptedAnswer | undefined): Promise<ScriptedVault> {
    const server = createServer();
    const scripted = new ScriptedVault(server);
    server.on('request', (request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.once('end', () => {
        const seen: SeenRequest = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(pieces).toString('utf8'),
        };
        scripted.seen.push(seen);
        const given = answer(seen) ?? { status: 404, body: { errors: [] } };
        if (given === 'hang') return;
        if (given === 'cut') {
          response.writeHead(200, { 'Content-Length': 100 });
          response.write('{"data":', () => request.socket.destroy());
          return;
        }
        response.writeHead(given.status ?? 200, given.headers);
        response.end(typeof given.body === 'string' ? given.body : given.body === undefined ? undefined : JSON.stringify(given.body));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return scripted;
  }

  get address(): string {
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string') throw new Error('it listens no more');
    return `http://127.0.0.1:${bound.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
