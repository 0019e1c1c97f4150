import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type RawData, WebSocket } from 'ws';
import * as z from 'zod';
import { DaemonConnection } from '../../client/connection.ts';
import { dial } from '../../client/dial.ts';
import { DaemonServer } from '../../daemon/server/daemonServer.ts';
import { EventHub } from '../../daemon/server/events.ts';
import type { HandlerMap } from '../../daemon/server/handler.ts';
import { handlerOf } from '../../daemon/server/handler.ts';
import { LogFile } from '../../daemon/server/logger.ts';
import { StepUp } from '../../daemon/server/stepUp.ts';
import { type Endpoint, webSocketHost, webSocketPath, webSocketProtocol } from '../../protocol/endpoint.ts';
import { subscribe } from '../../protocol/events.ts';
import { hello } from '../../protocol/hello.ts';
import type { AnyMethod, Method } from '../../protocol/method.ts';
import type { LogLevel } from '../../protocol/methods/log.ts';
import type { DaemonState } from '../../protocol/methods/session.ts';
import { frameBytes } from '../../protocol/webSocketMessages.ts';
import { noAudit } from './noAudit.ts';

/** Answers with what it was sent. */
export const echo: Method<{ readonly text: string }, { readonly text: string }> = {
  name: 'test.echo',
  params: z.strictObject({ text: z.string() }),
  result: z.strictObject({ text: z.string() }),
  right: 'always',
};

export interface ChannelOptions {
  readonly methods?: readonly AnyMethod[];
  readonly handlers?: HandlerMap;
  readonly daemonState?: () => DaemonState;
  readonly stepUp?: StepUp;
  readonly logLevel?: LogLevel;
}

/** A server on a real socket in this process, in a scratch folder of its own. Knows `hello`, `events.subscribe`, `test.echo` and what is handed in. */
export class TestChannel implements AsyncDisposable {
  readonly folder: string;
  readonly logFile: string;
  readonly events: EventHub;
  readonly server: DaemonServer;
  readonly #log: LogFile;

  private constructor(folder: string, log: LogFile, events: EventHub, server: DaemonServer) {
    this.folder = folder;
    this.logFile = path.join(folder, 'daemon.log');
    this.#log = log;
    this.events = events;
    this.server = server;
  }

  static async start(options: ChannelOptions = {}): Promise<TestChannel> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'hf-'));
    const log = new LogFile({ path: path.join(folder, 'daemon.log'), level: options.logLevel ?? 'trace' });
    const events = new EventHub();
    const server = await DaemonServer.start({
      stateDirectory: folder,
      entryPath: import.meta.filename,
      startedAt: new Date(),
      methods: [hello, subscribe, echo, ...(options.methods ?? [])],
      handlers: { ...Object.fromEntries([handlerOf(echo, ({ text }) => Promise.resolve({ text }))]), ...options.handlers },
      daemonState: options.daemonState ?? (() => 'unlocked'),
      stepUp: options.stepUp ?? new StepUp(),
      audit: noAudit,
      events,
      log,
      surroundings: { platform: process.platform, environment: {}, temporaryDirectory: folder, userId: process.getuid?.() },
    });
    return new TestChannel(folder, log, events, server);
  }

  get endpoint(): Endpoint {
    return this.server.endpoint;
  }

  /** Proved, and after `hello`. */
  async connect(): Promise<DaemonConnection> {
    const connection = await this.connectSilently();
    await connection.hello('test');
    return connection;
  }

  /** Proved; nothing was said yet. */
  async connectSilently(): Promise<DaemonConnection> {
    let connection: DaemonConnection | undefined;
    const dialled = await dial(this.endpoint, (socket, secretKey) => {
      connection = new DaemonConnection(socket, secretKey);
    });
    if (connection === undefined) throw new Error(`not proved: ${dialled}`);
    return connection;
  }

  /** Proved, as a bare WebSocket: for what the product's client would never send. */
  async connectRaw(): Promise<RawClient> {
    let client: RawClient | undefined;
    const dialled = await dial(this.endpoint, (socket) => {
      client = new RawClient(socket);
    });
    if (client === undefined) throw new Error(`not proved: ${dialled}`);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.#log[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One side of a WebSocket with what came in, in order. */
export class RawClient {
  readonly socket: WebSocket;
  /** The close code. */
  readonly closed: Promise<number>;
  readonly #received: (Buffer | string)[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(socket: WebSocket) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.closed = promise;
    socket.on('error', () => undefined);
    socket.on('message', (data: RawData, isBinary: boolean) => {
      this.#received.push(isBinary ? frameBytes(data) : frameBytes(data).toString('utf8'));
      this.#wake?.();
    });
    socket.once('close', (code) => {
      this.#isClosed = true;
      resolve(code);
      this.#wake?.();
    });
  }

  /** The next message; `undefined` when the socket has closed. */
  async next(): Promise<Buffer | string | undefined> {
    for (;;) {
      const message = this.#received.shift();
      if (message !== undefined) return message;
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A WebSocket without any proof; resolves when the upgrade was taken or refused. */
export async function openUnproved(
  socketPath: string,
  options: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly path?: string;
    readonly host?: string;
    readonly protocol?: string | undefined;
  } = {},
): Promise<{ readonly status: 101; readonly client: RawClient } | { readonly status: number; readonly client: undefined }> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof openUnproved>>>();
  const protocol = 'protocol' in options ? options.protocol : webSocketProtocol;
  const socket = new WebSocket(
    `ws://${options.host ?? webSocketHost}${options.path ?? webSocketPath}`,
    protocol === undefined ? [] : [protocol],
    {
      createConnection: () => connect({ path: socketPath }),
      ...(options.headers === undefined ? {} : { headers: options.headers }),
      handshakeTimeout: 5000,
    },
  );
  const client = new RawClient(socket);
  socket.once('open', () => resolve({ status: 101, client }));
  socket.once('unexpected-response', (_request, response) => {
    resolve({ status: response.statusCode ?? 0, client: undefined });
    socket.terminate();
  });
  socket.once('error', () => resolve({ status: 0, client: undefined }));
  return promise;
}

/** A plain connection to a socket: for what is no HTTP at all. */
export async function connectPlain(socketPath: string): Promise<Socket> {
  const socket = connect({ path: socketPath });
  socket.on('error', () => undefined);
  const { promise, resolve } = Promise.withResolvers<Socket>();
  socket.once('connect', () => resolve(socket));
  socket.once('close', () => resolve(socket));
  return promise;
}

/** Resolves when the other side has closed the connection. */
export async function ended(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once('close', () => resolve());
  socket.resume();
  await promise;
}

/** Rejects when the work has not come to an end in time, so that no test hangs. */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done within ${milliseconds} ms`)), milliseconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
