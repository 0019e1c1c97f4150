import { type KeyObject, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { webSocketHost, webSocketLimits, webSocketPath, webSocketProtocol } from '../../protocol/endpoint.ts';
import { isProofTag, proofSizes, proofTag, proofTranscript, secretFrameKey } from '../../protocol/proof.ts';
import { closeCodes, cutOff, frameBytes } from '../../protocol/webSocketMessages.ts';
import type { Logger } from './logger.ts';
import { UnprovedSockets } from './unprovedSockets.ts';

export interface HandshakeOptions {
  /** The path that the server listens on: what its proofs are bound to. */
  readonly path: string;
  readonly instanceId: Uint8Array;
  readonly proofKey: KeyObject;
  /** Told with each line of the log. */
  readonly onFailedProof: () => void;
  readonly log: Logger;
  /** Called in the same turn in which the proof came, so that no frame behind it is lost. */
  readonly onProved: (socket: WebSocket, secretKey: KeyObject) => void;
}

/** `closeTimeout`, in milliseconds, is younger than the declarations of `ws`. */
const serverOptions = { noServer: true, clientTracking: false, closeTimeout: 2000, ...webSocketLimits };

/** HTTP only as far as the upgrade, WebSocket only as far as the proof. What gets through is a client that knows the proof key. */
export class Handshake {
  readonly server: Server;
  readonly #options: HandshakeOptions;
  readonly #unproved = new UnprovedSockets();
  readonly #webSockets = new WebSocketServer(serverOptions);
  #failedProofs = 0;

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.server = createServer({ maxHeaderSize: 8192, headersTimeout: 2000, requestTimeout: 2000, keepAliveTimeout: 1 });
    this.server.on('connection', (socket) => this.#unproved.admit(socket));
    this.server.on('request', (_request, response) => {
      response.writeHead(426, { connection: 'close', 'content-length': 0 }).end();
    });
    this.server.on('clientError', (_error, socket) => socket.destroy());
    this.server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** Wrong proofs since the start. */
  get failedProofs(): number {
    return this.#failedProofs;
  }

  /** Ends what has not been proved; sessions are not touched. */
  close(): void {
    this.#unproved.destroyAll();
    this.#webSockets.close();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const status = refusalOfUpgrade(request);
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => this.#prove(webSocket, socket));
  }

  #prove(webSocket: WebSocket, socket: Duplex): void {
    const { path, instanceId, proofKey } = this.#options;
    let transcript: Buffer | undefined;
    const onMessage = (data: RawData, isBinary: boolean): void => {
      const message = frameBytes(data);
      if (!isBinary || message.length !== proofSizes.nonce) {
        fail();
        return;
      }
      if (transcript === undefined) {
        const serverNonce = randomBytes(proofSizes.nonce);
        transcript = proofTranscript({ path, instanceId, clientNonce: message, serverNonce });
        webSocket.send(Buffer.concat([serverNonce, proofTag(proofKey, 'server', transcript)]));
        return;
      }
      if (!isProofTag(proofKey, 'client', transcript, message)) {
        fail();
        return;
      }
      webSocket.off('message', onMessage);
      this.#unproved.release(socket);
      this.#options.onProved(webSocket, secretFrameKey(proofKey, transcript));
      // Only now: an error that nobody listens for would end the process.
      webSocket.off('error', onError);
    };
    const onError = (): void => cutOff(webSocket, closeCodes.protocolError, 'a broken frame');
    const fail = (): void => {
      webSocket.off('message', onMessage);
      this.#countFailure();
      webSocket.close(closeCodes.policyViolation, 'no proof');
      webSocket.terminate();
    };
    webSocket.on('error', onError);
    webSocket.on('message', onMessage);
  }

  /** A log line for the first and then for each power of two, so that a flood of wrong proofs does not become a flood of lines. */
  #countFailure(): void {
    this.#failedProofs += 1;
    if (Number.isInteger(Math.log2(this.#failedProofs))) {
      this.#options.log.warn('Somebody who does not know the proof key tried to connect.', { failedProofs: this.#failedProofs });
      this.#options.onFailedProof();
    }
  }
}

/** The status that refuses an upgrade; `undefined` for one of our own client's shape. Browsers name an origin, proxies and rebound names another host. */
export function refusalOfUpgrade(request: Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>): number | undefined {
  const values = (name: string): readonly (string | undefined)[] =>
    request.rawHeaders.filter((_value, index) => index % 2 === 1 && request.rawHeaders[index - 1]?.toLowerCase() === name);
  const isOnly = (name: string, value: string): boolean => values(name).length === 1 && values(name)[0] === value;
  if (values('origin').length > 0 || values('sec-websocket-origin').length > 0) return 403;
  if (!isOnly('host', webSocketHost)) return 403;
  if (request.method !== 'GET') return 405;
  if (request.url !== webSocketPath) return 404;
  if (!isOnly('sec-websocket-protocol', webSocketProtocol)) return 400;
  return isOnly('sec-websocket-version', '13') ? undefined : 426;
}
