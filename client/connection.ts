import type { KeyObject } from 'node:crypto';
import { CancellationTokenSource, createMessageConnection, type MessageConnection, ResponseError } from 'vscode-jsonrpc/node';
import type { WebSocket } from 'ws';
import { streamCancelNotification, streamCreditNotification, streamEnded, streamEndedNotification } from '../protocol/contentFrames.ts';
import { HoldfastError } from '../protocol/errors.ts';
import { type DaemonEvent, daemonEvent, type EventName, eventNotification, subscribe } from '../protocol/events.ts';
import { hello, type HelloResult } from '../protocol/hello.ts';
import type { Method, SecretRef, StreamRef } from '../protocol/method.ts';
import { openAnswer, SecretFrameSealer } from '../protocol/secretFrames.ts';
import { programVersion, protocolVersion, versionProblem } from '../protocol/version.ts';
import { closeCodes, cutOff, MessageSocket } from '../protocol/webSocketMessages.ts';
import { fromWireError, wireError } from '../protocol/wireErrors.ts';
import { CutOnAbort } from './cutOnAbort.ts';
import { IncomingStreams } from './incomingStreams.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
}

interface Listener {
  readonly names: ReadonlySet<EventName>;
  readonly tell: (event: DaemonEvent) => void;
}

/** A proved connection to the daemon. Calls reject with the daemon's own errors, and with `daemonEnded` when it goes away in the middle or has gone. */
export class DaemonConnection implements AsyncDisposable {
  /** Resolves when the connection has ended, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #sealer: SecretFrameSealer;
  readonly #secretKey: KeyObject;
  readonly #connection: MessageConnection;
  readonly #streams: IncomingStreams;
  readonly #listeners = new Set<Listener>();
  #isClosed = false;
  /** Messages that the socket handed over and the connection has not looked at: it takes one a turn. */
  #unread = 0;
  #daemon: HelloResult | undefined;

  /** Has to be called in the turn in which the socket was proved, so that no frame is lost. */
  constructor(socket: WebSocket, secretKey: KeyObject) {
    this.#socket = socket;
    this.#sealer = new SecretFrameSealer(secretKey);
    this.#secretKey = secretKey;
    this.#streams = new IncomingStreams({
      credit: (streamId, frames) => this.#notify(streamCreditNotification, { streamId, frames }),
      cancel: (streamId) => this.#notify(streamCancelNotification, { streamId }),
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    const endWhenRead = (): void => {
      if (!this.#isClosed || this.#unread > 0) return;
      this.#connection.dispose();
      this.#streams.lose(daemonEnded('a stream'));
      resolve();
    };
    const { reader, writer } = new MessageSocket(socket, {
      role: 'client',
      onBinary: (frame) => this.#streams.take(frame),
      onMessage: () => {
        this.#unread += 1;
      },
    });
    this.#connection = createMessageConnection(reader, writer, undefined, {
      messageStrategy: {
        handleMessage: async (message, next) => {
          try {
            await next(message);
          } finally {
            this.#unread -= 1;
            endWhenRead();
          }
        },
      },
    });
    this.#connection.onNotification(eventNotification, (params: unknown) => this.#tell(params));
    this.#connection.onNotification(streamEndedNotification, (params: unknown) => this.#endStream(params));
    socket.once('close', () => {
      this.#isClosed = true;
      // An answer can come in one piece with the end, as the one to session.stop does: it counts.
      endWhenRead();
    });
    this.#connection.listen();
  }

  /** The first request: settles whether the two can talk. Rejects with `versionMismatch`. An abort ends the connection, also where the daemon is silent. */
  async hello(clientName: string, { signal }: CallOptions = {}): Promise<HelloResult> {
    using cut = new CutOnAbort(this, signal);
    const result = await cut.wait(this.call(hello, { protocol: protocolVersion, clientName, clientVersion: programVersion }));
    const problem = versionProblem(result.protocol, protocolVersion);
    if (problem !== undefined) throw new HoldfastError('versionMismatch', problem);
    this.#daemon = result;
    return result;
  }

  /** What the daemon said of itself. */
  get daemon(): HelloResult {
    if (this.#daemon === undefined) throw new HoldfastError('protocolViolation', 'Failed to ask about the daemon: nobody has said hello.');
    return this.#daemon;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async call<Params, Result>(method: Method<Params, Result>, params: Params, options: CallOptions = {}): Promise<Result> {
    if (options.signal?.aborted === true) throw new HoldfastError('cancelled', `Failed to finish ${method.name}: it was cancelled.`);
    using cancellation = cancellationOf(options.signal);
    let value: unknown;
    try {
      value = await this.#connection.sendRequest<unknown>(method.name, params, cancellation.token);
    } catch (error) {
      throw this.#explain(error, method.name);
    }
    const result = method.result.safeParse(value);
    if (result.success) return result.data;
    throw new HoldfastError('protocolViolation', `Failed to read the answer to ${method.name}: it does not fit its schema.`, {
      fix: 'Update the daemon and this program to the same version.',
      details: { issues: result.error.issues.slice(0, 5).map(({ path, message }) => `${path.map(String).join('.')}: ${message}`) },
    });
  }

  /** Seals the bytes for the next request, which names them. The caller still owns the bytes. */
  sendSecret(bytes: Uint8Array): SecretRef {
    if (this.#isClosed || this.#socket.readyState !== this.#socket.OPEN) throw daemonEnded('sending a secret');
    const { ref, frame } = this.#sealer.seal(bytes);
    // A frame that was not taken shows in the request behind it, which fails on the same socket.
    this.#socket.send(frame, () => undefined);
    return ref;
  }

  /** The content that an answer named, piece by piece; asks for more only as it is read. */
  stream(ref: StreamRef): AsyncIterable<Uint8Array> {
    return this.#streams.read(ref);
  }

  /** A secret that an answer named, once, in a buffer that the caller overwrites. */
  async readSecret(ref: StreamRef): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#streams.read(ref)) pieces.push(piece);
    const secret = openAnswer(this.#secretKey, ref.streamId, Buffer.concat(pieces));
    if (secret !== undefined) return secret;
    throw new HoldfastError('protocolViolation', 'Failed to read a secret: it was not sealed for this session.');
  }

  /** Hears events of these names, and `lookAgain`, until disposed. */
  async subscribe(names: readonly EventName[], tell: (event: DaemonEvent) => void): Promise<Disposable> {
    const listener: Listener = { names: new Set<EventName>([...names, 'lookAgain']), tell };
    this.#listeners.add(listener);
    try {
      await this.#announce();
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        // At worst the daemon goes on to send events that nobody hears.
        if (!this.#isClosed) this.#announce().catch(() => undefined);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) this.#socket.close(closeCodes.normal);
    await this.closed;
  }

  /** For where waiting is not possible. */
  terminate(): void {
    this.#socket.terminate();
  }

  #announce(): Promise<null> {
    return this.call(subscribe, { names: [...new Set([...this.#listeners].flatMap(({ names }) => [...names]))] });
  }

  #tell(params: unknown): void {
    const event = daemonEvent.safeParse(params);
    if (!event.success) {
      cutOff(this.#socket, closeCodes.protocolError, 'an event that does not fit its schema');
      return;
    }
    for (const { names, tell } of this.#listeners) if (names.has(event.data.name)) tell(event.data);
  }

  #endStream(params: unknown): void {
    const ended = streamEnded.safeParse(params);
    if (ended.success) this.#streams.end(ended.data);
    else cutOff(this.#socket, closeCodes.protocolError, 'an end of a stream that does not fit its schema');
  }

  #notify(name: string, params: object): void {
    if (this.#isClosed) return;
    this.#connection.sendNotification(name, params).catch(() => undefined);
  }

  #explain(error: unknown, name: string): HoldfastError {
    if (this.#isClosed || !(error instanceof ResponseError)) return daemonEnded(name, error);
    const read = wireError.safeParse({
      code: error.code,
      message: error.message,
      ...(error.data === undefined ? {} : { data: error.data as unknown }),
    });
    if (!read.success || read.data.data === undefined) return daemonEnded(name, error);
    return fromWireError(read.data);
  }
}

function daemonEnded(what: string, cause?: unknown): HoldfastError {
  return new HoldfastError('daemonEnded', `Failed to finish ${what}: the daemon ended.`, {
    fix: 'Start it again with the next command; "holdfast action list" shows what became of running work.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function cancellationOf(signal: AbortSignal | undefined): CancellationTokenSource & Disposable {
  const source = new CancellationTokenSource();
  const onAbort = (): void => source.cancel();
  signal?.addEventListener('abort', onAbort, { once: true });
  return Object.assign(source, {
    [Symbol.dispose]: () => {
      signal?.removeEventListener('abort', onAbort);
      source.dispose();
    },
  });
}
