import type { KeyObject } from 'node:crypto';
import { createMessageConnection, type MessageConnection, ResponseError } from 'vscode-jsonrpc/node';
import type { WebSocket } from 'ws';
import {
  streamCancel,
  streamCancelNotification,
  streamCredit,
  streamCreditNotification,
  streamEndedNotification,
} from '../../protocol/contentFrames.ts';
import { type DaemonEvent, eventNotification, subscribe } from '../../protocol/events.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { hello, type HelloParams, type HelloResult } from '../../protocol/hello.ts';
import { sealAnswer, SecretFrameOpener, secretFrameKind } from '../../protocol/secretFrames.ts';
import { sessionClaim } from '../../protocol/methods/claim.ts';
import { protocolVersion, versionProblem } from '../../protocol/version.ts';
import { closeCodes, cutOff, MessageSocket } from '../../protocol/webSocketMessages.ts';
import { toWireError } from '../../protocol/wireErrors.ts';
import type { CallingSession, Dispatcher } from './dispatcher.ts';
import type { EventHub, EventOutlet } from './events.ts';
import { type HandlerMap, handlerOf, type SessionFacts } from './handler.ts';
import type { Logger } from './logger.ts';
import { SecretStore } from './secretStore.ts';
import type { SessionRoles } from './sessionRoles.ts';
import { SessionStreams } from './streams.ts';

/** Requests that one session may have under way. */
const requestLimit = 64;
/** Messages that may wait for their turn before the socket is read no further. */
const queueLimit = 64;
/** Bytes waiting in the socket beyond which events are held back, and beyond which nothing more is read from the client. */
const behindBytes = 64 * 1024;
const chokedBytes = 1024 * 1024;

export interface SessionOptions {
  readonly sessionId: number;
  readonly socket: WebSocket;
  readonly secretKey: KeyObject;
  readonly dispatcher: Dispatcher;
  readonly events: EventHub;
  readonly roles: SessionRoles;
  readonly log: Logger;
  readonly aboutDaemon: Omit<HelloResult, 'protocol'>;
}

/** One proved client: its requests, secrets, streams and events. Ends with its socket, and everything of it then. */
export class Session implements CallingSession, EventOutlet, Disposable {
  readonly secrets: SecretStore = new SecretStore();
  readonly ownHandlers: HandlerMap;
  readonly #options: SessionOptions;
  readonly #connection: MessageConnection;
  readonly #opener: SecretFrameOpener;
  readonly #streams: SessionStreams;
  readonly #ended = new AbortController();
  readonly #caughtUp: (() => void)[] = [];
  #facts: SessionFacts | undefined;
  #underWay = 0;
  #queued = 0;
  #isClosing = false;
  #isLooking = false;

  constructor(options: SessionOptions) {
    const { socket, log } = options;
    this.#options = options;
    this.#opener = new SecretFrameOpener(options.secretKey);
    this.ownHandlers = Object.fromEntries([
      handlerOf(hello, (params) => this.#hello(params)),
      handlerOf(subscribe, async ({ names }) => {
        options.events.subscribe(this, names);
        return null;
      }),
      handlerOf(sessionClaim, async ({ role }) => ({ granted: options.roles.claim(this, role) })),
    ]);
    this.#streams = new SessionStreams({
      sendFrame: (frame) => this.#sendFrame(frame),
      sendEnded: (ended) => this.#connection.sendNotification(streamEndedNotification, ended),
      explain: (error) => options.dispatcher.explain(error, 'a stream'),
    });
    const { reader, writer } = new MessageSocket(socket, {
      role: 'daemon',
      onBinary: (frame) => this.#takeSecret(frame),
      onMessage: () => {
        this.#queued += 1;
        this.#regulate();
      },
    });
    this.#connection = createMessageConnection(reader, writer, undefined, {
      messageStrategy: {
        handleMessage: (message, next) => {
          this.#queued -= 1;
          this.#regulate();
          return next(message);
        },
      },
    });
    this.#connection.onRequest((name, params, token) => {
      const cancelled = new AbortController();
      token.onCancellationRequested(() => cancelled.abort());
      if (token.isCancellationRequested) cancelled.abort();
      return this.#answer(name, params, cancelled.signal);
    });
    this.#connection.onNotification((name, params) => this.#notice(name, params));
    this.#connection.onError(([error]) => log.debug('A session broke a rule of the protocol.', { sessionId: options.sessionId, error }));
    socket.once('close', () => this[Symbol.dispose]());
    this.#connection.listen();
  }

  get facts(): SessionFacts | undefined {
    return this.#facts;
  }

  openStream(produce: Parameters<CallingSession['openStream']>[0]): ReturnType<CallingSession['openStream']> {
    return this.#streams.open(produce);
  }

  openSecret(secret: Buffer): ReturnType<CallingSession['openSecret']> {
    try {
      let sealed: Buffer = Buffer.alloc(0);
      const ref = this.#streams.open((sink) => sink.write(sealed));
      sealed = sealAnswer(this.#options.secretKey, ref.streamId, secret);
      return ref;
    } finally {
      secret.fill(0);
    }
  }

  isBehind(): boolean {
    return this.#options.socket.bufferedAmount > behindBytes;
  }

  send(event: DaemonEvent): void {
    this.#connection.sendNotification(eventNotification, event).then(
      () => this.#regulate(),
      () => undefined,
    );
  }

  whenCaughtUp(callback: () => void): void {
    this.#caughtUp.push(callback);
    this.#regulate();
  }

  /** Ends the session from this side, after the answers that are being written. */
  close(): void {
    this.#isClosing = true;
    this.#closeWhenIdle();
  }

  /** Ends it without waiting for the client. */
  terminate(): void {
    this.#options.socket.terminate();
  }

  [Symbol.dispose](): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#options.events.unsubscribe(this);
    if (this.#options.roles.release(this)) this.#options.events.publish({ name: 'state.changed', subject: '' });
    this.#streams[Symbol.dispose]();
    this.secrets[Symbol.dispose]();
    this.#connection.dispose();
    this.#options.log.debug('A session ended.', { sessionId: this.#options.sessionId });
  }

  #hello({ protocol, clientName, clientVersion }: HelloParams): Promise<HelloResult> {
    const problem = versionProblem(protocolVersion, protocol);
    if (problem !== undefined) {
      return Promise.reject(new HoldfastError('versionMismatch', problem, { details: { daemon: protocolVersion, client: protocol } }));
    }
    this.#facts = { sessionId: this.#options.sessionId, clientName, clientVersion };
    this.#options.log.debug('A client said hello.', { sessionId: this.#options.sessionId, clientName, clientVersion });
    return Promise.resolve({ protocol: protocolVersion, ...this.#options.aboutDaemon });
  }

  async #answer(name: string, params: unknown, cancelled: AbortSignal): Promise<unknown> {
    this.#underWay += 1;
    try {
      if (this.#underWay > requestLimit) {
        throw new HoldfastError(
          'protocolViolation',
          `Failed to answer a request: more than ${requestLimit} are under way in this session.`,
        );
      }
      return await this.#options.dispatcher.call(this, name, params, { cancelled, sessionEnded: this.#ended.signal });
    } catch (error) {
      const { code, message, data } = toWireError(HoldfastError.is(error) ? error : this.#options.dispatcher.explain(error, name));
      return new ResponseError(code, message, data);
    } finally {
      this.#underWay -= 1;
      // The answer is written in this turn; what follows looks at the socket behind it.
      setImmediate(() => {
        this.#regulate();
        this.#closeWhenIdle();
      });
    }
  }

  #closeWhenIdle(): void {
    if (this.#isClosing && this.#underWay === 0) this.#options.socket.close(closeCodes.goingAway, 'the daemon ends');
  }

  #notice(name: string, params: unknown): void {
    const credit = name === streamCreditNotification ? streamCredit.safeParse(params) : undefined;
    const cancel = name === streamCancelNotification ? streamCancel.safeParse(params) : undefined;
    if (credit?.success === true) this.#streams.grant(credit.data.streamId, credit.data.frames);
    else if (cancel?.success === true) this.#streams.cancel(cancel.data.streamId);
    else cutOff(this.#options.socket, closeCodes.policyViolation, 'a notification that does not fit its schema');
  }

  #takeSecret(frame: Buffer): boolean {
    if (frame[0] !== secretFrameKind) return false;
    const opened = this.#opener.open(frame);
    return opened !== undefined && this.secrets.add(opened.secretId, opened.secret);
  }

  #sendFrame(frame: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#options.socket.send(frame, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }

  /** Reads no further while too much waits in either direction; a client that does not take its answers is not asked for more requests. */
  #regulate(): void {
    const { socket } = this.#options;
    if (socket.readyState !== socket.OPEN) return;
    const waiting = socket.bufferedAmount;
    if (waiting <= behindBytes) for (const callback of this.#caughtUp.splice(0)) callback();
    const isChoked = this.#queued >= queueLimit || waiting > chokedBytes;
    if (isChoked && !socket.isPaused) socket.pause();
    else if (!isChoked && socket.isPaused) socket.resume();
    if (waiting > chokedBytes || this.#caughtUp.length > 0) this.#lookWhenSent();
  }

  /** A ping that the socket has taken says that all before it is out as well. */
  #lookWhenSent(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#options.socket.ping(undefined, undefined, () => {
      this.#isLooking = false;
      this.#regulate();
    });
  }
}
