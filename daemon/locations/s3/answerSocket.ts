import { connect, isIP, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { AnswerReader } from './answerReader.ts';
import type { LeastProgress, ProgressWatch } from './leastProgress.ts';

/** Where a socket leads. */
export interface SocketAddress {
  readonly isSecure: boolean;
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface SocketLimits {
  /** Milliseconds until the connection must stand. */
  readonly connectTimeout: number;
  /** Milliseconds without a byte after which it is cut. */
  readonly silenceTimeout: number;
  readonly progress: LeastProgress;
}

const readLength = 256 * 1024;

/**
 * A connection to a store for one request after the other. What it gets is read to where it belongs, beginnings and ends of answers into one buffer: a client
 * that gives each read a buffer of its own costs more for collecting them than for the reading.
 */
export class AnswerSocket implements Disposable {
  readonly #socket: Socket;
  readonly #silenceTimeout: number;
  readonly #progress: LeastProgress;
  #received = 0;
  #asked: { readonly reader: AnswerReader; readonly end: PromiseWithResolvers<void>; readonly watch: ProgressWatch } | undefined;
  #isUsable = true;

  /** @param onClosed is told once, whatever closed it. */
  constructor({ isSecure, host, port }: SocketAddress, { connectTimeout, silenceTimeout, progress }: SocketLimits, onClosed: () => void) {
    const buffer = Buffer.allocUnsafeSlow(readLength);
    let given: Uint8Array = buffer;
    const callback = (length: number): boolean => {
      this.#received += length;
      if (given === buffer) this.#take(buffer.subarray(0, length));
      else this.#filled(length);
      return this.#asked?.reader.wait === undefined || this.#pause(this.#asked.reader);
    };
    const next = (): Uint8Array => {
      given = this.#asked?.reader.room ?? buffer;
      return given;
    };
    const options = { host, port, noDelay: true, keepAlive: true, onread: { buffer: next, callback } };
    const socket = isSecure
      ? connectSecurely({ ...options, ...(isIP(host) === 0 ? { servername: host } : {}), ALPNProtocols: ['http/1.1'] })
      : connect(options);
    const timer = setTimeout(() => this.#fail(timeout()), connectTimeout);
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.setTimeout(silenceTimeout);
    });
    this.#silenceTimeout = silenceTimeout;
    this.#progress = progress;
    socket.on('timeout', () => this.#fail(timeout()));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      clearTimeout(timer);
      this.#closed();
      onClosed();
    });
    this.#socket = socket;
  }

  /** Whether the next request can go there. */
  get isUsable(): boolean {
    return this.#isUsable;
  }

  /** Sends a request and reads its answer. Rejects with what the system, the reader or the abort says; the connection is closed then. */
  async ask(request: string, reader: AnswerReader, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const end = Promise.withResolvers<void>();
    const onAbort = (): void => this.#fail(aborted());
    signal?.addEventListener('abort', onAbort, { once: true });
    using watch = this.#progress.watch(
      () => this.#received,
      (error) => this.#fail(error),
    );
    this.#asked = { reader, end, watch };
    this.#socket.ref();
    this.#socket.write(request, 'latin1');
    try {
      await end.promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#asked = undefined;
      this.#socket.unref();
      if (!reader.isReusable) this[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.#isUsable = false;
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    const asked = this.#asked;
    // Nothing was asked: whatever that is, the next answer is not to be found behind it.
    if (asked === undefined || asked.reader.isComplete) return this[Symbol.dispose]();
    try {
      asked.reader.take(bytes);
    } catch (error) {
      return this.#fail(error);
    }
    if (asked.reader.isComplete) asked.end.resolve();
  }

  #filled(length: number): void {
    try {
      this.#asked?.reader.filled(length);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Reads no further while there is no memory for it: who is silent meanwhile is not the store. Says that the socket stands still. */
  #pause(reader: AnswerReader): false {
    this.#socket.setTimeout(0);
    this.#asked?.watch.pause();
    const goOn = (): void => {
      if (this.#asked?.reader !== reader) return;
      if (reader.wait !== undefined) {
        this.#pause(reader);
      } else if (reader.isComplete) {
        this.#asked.end.resolve();
      } else {
        this.#asked.watch.resume();
        this.#socket.setTimeout(this.#silenceTimeout);
        this.#socket.resume();
      }
    };
    reader.wait?.then(goOn, (error: unknown) => this.#fail(error));
    return false;
  }

  #closed(): void {
    this.#isUsable = false;
    const asked = this.#asked;
    asked?.reader.end();
    if (asked?.reader.isComplete === true) asked.end.resolve();
    else this.#fail(Object.assign(new Error('The connection was closed before the answer was complete.'), { code: 'ECONNRESET' }));
  }

  #fail(error: unknown): void {
    this[Symbol.dispose]();
    this.#asked?.end.reject(error);
  }
}

/** Both named as the SDK names them. */
function timeout(): Error {
  return Object.assign(new Error('Nothing came in time.'), { name: 'TimeoutError' });
}

function aborted(): Error {
  return Object.assign(new Error('The request was aborted.'), { name: 'AbortError' });
}
