import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node';
import type { RawData, WebSocket } from 'ws';
import { webSocketLimits } from './endpoint.ts';
import { readEnvelope, type RequestId, type Role } from './envelope.ts';
import { HoldfastError } from './errors.ts';
import { parseStrictJson } from './strictJson.ts';
import { jsonRpcCodes } from './wireErrors.ts';

/** Close codes of RFC 6455, section 7.4.1. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  invalidData: 1007,
  policyViolation: 1008,
} as const;

const jsonDepthLimit = 32;

export interface MessageSocketOptions {
  readonly role: Role;
  /** Takes a binary frame; `false` where it is none that may come now, which closes the socket (1003). */
  readonly onBinary: (frame: Buffer) => boolean;
  /** Called for each well-formed message before it is handed on, for back-pressure. */
  readonly onMessage?: () => void;
}

/**
 * One JSON-RPC message a text frame over one socket, both ways. Nothing malformed is passed over: what is no JSON closes the socket (1007), a broken
 * envelope is answered with an error where the daemon reads and closes the socket where the client does (1002), and so does an id that is used twice at the same time,
 * or a response that nobody waits for.
 */
export class MessageSocket {
  readonly reader: MessageReader;
  readonly writer: MessageWriter;

  constructor(socket: WebSocket, options: MessageSocketOptions) {
    const open = new Set<RequestId>();
    this.writer = new SocketWriter(socket, options.role, open);
    this.reader = new SocketReader(socket, options, open, this.writer);
  }
}

class SocketReader extends AbstractMessageReader implements MessageReader {
  readonly #socket: WebSocket;
  readonly #options: MessageSocketOptions;
  readonly #open: Set<RequestId>;
  readonly #writer: MessageWriter;

  constructor(socket: WebSocket, options: MessageSocketOptions, open: Set<RequestId>, writer: MessageWriter) {
    super();
    this.#socket = socket;
    this.#options = options;
    this.#open = open;
    this.#writer = writer;
  }

  listen(callback: DataCallback): Disposable {
    const onMessage = (data: RawData, isBinary: boolean): void => this.#read(frameBytes(data), isBinary, callback);
    const onError = (error: Error): void => {
      this.fireError(error);
      // The code of what was wrong with the frame was sent by ws already.
      cutOff(this.#socket, closeCodes.protocolError, 'a broken frame');
    };
    const onClose = (): void => this.fireClose();
    this.#socket.on('message', onMessage).on('error', onError).on('close', onClose);
    return {
      dispose: () => {
        this.#socket.off('message', onMessage).off('close', onClose);
      },
    };
  }

  #read(frame: Buffer, isBinary: boolean, callback: DataCallback): void {
    // What the socket had taken in before it was closed is not acted upon any more.
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (isBinary) {
      if (!this.#options.onBinary(frame)) this.#close(closeCodes.unsupportedData, 'unexpected binary frame');
      return;
    }
    let value: unknown;
    try {
      value = parseStrictJson(frame, { maxBytes: webSocketLimits.maxPayload, maxDepth: jsonDepthLimit, what: 'a frame' });
    } catch {
      this.#close(closeCodes.invalidData, 'not JSON');
      return;
    }
    const envelope = readEnvelope(value, this.#options.role);
    switch (envelope.kind) {
      case 'refused':
        this.#refuse(envelope.id, envelope.reason);
        return;
      case 'request':
        if (this.#open.has(envelope.id)) {
          this.#close(closeCodes.protocolError, 'an id that is in use');
          return;
        }
        this.#open.add(envelope.id);
        break;
      case 'response':
        if (!this.#open.delete(envelope.id)) {
          this.#close(closeCodes.protocolError, 'a response to no request');
          return;
        }
        break;
      case 'notification':
        break;
    }
    this.#options.onMessage?.();
    callback(envelope.message);
  }

  #refuse(id: RequestId | null, reason: string): void {
    if (this.#options.role === 'client' || (id !== null && this.#open.has(id))) {
      this.#close(closeCodes.protocolError, reason);
      return;
    }
    const message = `Failed to read a message: ${reason}.`;
    const response = { jsonrpc: '2.0', id, error: { code: jsonRpcCodes.invalidRequest, message, data: { code: 'protocolViolation' } } };
    this.#writer.write(response).catch((error: unknown) => this.fireError(error));
  }

  #close(code: number, reason: string): void {
    this.fireError(new HoldfastError('protocolViolation', `Failed to read a frame: ${reason}.`));
    cutOff(this.#socket, code, reason);
  }
}

class SocketWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #socket: WebSocket;
  readonly #role: Role;
  readonly #open: Set<RequestId>;
  #errorCount = 0;

  constructor(socket: WebSocket, role: Role, open: Set<RequestId>) {
    super();
    this.#socket = socket;
    this.#role = role;
    this.#open = open;
  }

  /** Settles when the socket took the bytes, so that a send on a dead socket is an error. */
  write(message: Message): Promise<void> {
    const id = 'id' in message && (typeof message.id === 'string' || typeof message.id === 'number') ? message.id : undefined;
    // A response gives its id free before it is sent: the other side may use it again as soon as it has read it.
    if (id !== undefined && this.#role === 'client') this.#open.add(id);
    if (id !== undefined && this.#role === 'daemon') this.#open.delete(id);
    return new Promise((resolve, reject) => {
      const settle = (error?: Error | null): void => {
        if (error === undefined || error === null) {
          resolve();
          return;
        }
        if (id !== undefined && this.#role === 'client') this.#open.delete(id);
        this.#errorCount += 1;
        this.fireError(error, message, this.#errorCount);
        reject(error);
      };
      this.#socket.send(JSON.stringify(message), settle);
    });
  }

  end(): void {
    this.#socket.close(closeCodes.normal);
  }
}

const farewellMilliseconds = 200;

/**
 * Ends a socket whose other side broke a rule: the close frame goes out, and nothing is read any more. `ws` by itself would read and drop whatever still comes,
 * for as long as the other side sends it.
 */
export function cutOff(socket: WebSocket, code: number, reason: string): void {
  socket.close(code, reason);
  // ws resumes an erring socket in the next tick.
  setImmediate(() => socket.pause());
  const timer = setTimeout(() => socket.terminate(), farewellMilliseconds).unref();
  socket.once('close', () => clearTimeout(timer));
}

/** One frame's bytes, however `ws` hands them over. */
export function frameBytes(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
