import { Readable } from 'node:stream';
import type { GetObjectCommand } from '@aws-sdk/client-s3';
import { AnswerReader, type PlaceFor } from './answerReader.ts';
import { AnswerSocket, type SocketAddress, type SocketLimits } from './answerSocket.ts';

export interface ObjectReadsOptions extends SocketLimits {
  /** Sockets at once. */
  readonly connections: number;
}

/** A request as the SDK has signed it. */
interface SignedRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  /** Percent-encoded. */
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The way on which objects come: requests that the SDK has made and signed go over sockets of our own, whose bytes are written where they belong and kept
 * nowhere in between. Answers that are no object go back to the SDK as it knows them.
 */
export class ObjectReads implements Disposable {
  readonly #options: ObjectReadsOptions;
  readonly #sockets = new Map<AnswerSocket, string>();
  readonly #busy = new Set<AnswerSocket>();
  readonly #waiting = new Set<() => void>();

  constructor(options: ObjectReadsOptions) {
    this.#options = options;
  }

  /** Lets one command go this way. Its output has an empty body: the bytes are where `place` said. */
  carry(command: GetObjectCommand, place: PlaceFor, signal: AbortSignal | undefined): void {
    command.middlewareStack.add(
      () =>
        async ({ request }) => {
          if (!isSigned(request)) throw new TypeError('A read of an object is no HTTP request.');
          return { response: await this.#exchange(request, place, signal) };
        },
      { step: 'deserialize', name: 'holdfastObjectReads', priority: 'low' },
    );
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets.keys()) socket[Symbol.dispose]();
    this.#sockets.clear();
  }

  async #exchange(
    request: SignedRequest,
    place: PlaceFor,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly statusCode: number; readonly headers: Readonly<Record<string, string>>; readonly body: unknown }> {
    const text = requestText(request);
    const reader = new AnswerReader(place);
    while (this.#busy.size >= this.#options.connections) await this.#turn(signal);
    const socket = this.#socketTo(addressOf(request));
    try {
      await socket.ask(text, reader, signal);
    } finally {
      this.#busy.delete(socket);
      this.#nextTurn();
    }
    const { head, text: said } = reader.answer;
    // Where nothing went wrong the SDK wants a stream.
    return { statusCode: head.status, headers: head.headers, body: head.status < 300 ? Readable.from([]) : said };
  }

  /** One that is free, or a new one. */
  #socketTo(address: SocketAddress): AnswerSocket {
    const place = `${address.isSecure ? 'https' : 'http'} ${address.host} ${address.port}`;
    let found: AnswerSocket | undefined;
    for (const [socket, leadsTo] of this.#sockets) {
      if (leadsTo === place && socket.isUsable && !this.#busy.has(socket)) found = socket;
    }
    const socket: AnswerSocket = found ?? new AnswerSocket(address, this.#options, () => this.#sockets.delete(socket));
    this.#sockets.set(socket, place);
    this.#busy.add(socket);
    return socket;
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      this.#waiting.delete(resolve);
      reject(signal?.reason);
    };
    this.#waiting.add(resolve);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #nextTurn(): void {
    for (const resolve of this.#waiting) {
      this.#waiting.delete(resolve);
      return resolve();
    }
  }
}

/** Whether requests to a TLS endpoint go through a proxy as far as the environment says. */
export function hasProxy(environment: NodeJS.ProcessEnv): boolean {
  return ['HTTPS_PROXY', 'https_proxy'].some((name) => (environment[name] ?? '') !== '');
}

function isSigned(request: unknown): request is SignedRequest {
  return typeof request === 'object' && request !== null && 'method' in request && 'path' in request && 'headers' in request;
}

function addressOf({ protocol, hostname, port }: SignedRequest): SocketAddress {
  const isSecure = protocol !== 'http:';
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { isSecure, host, port: port ?? (isSecure ? 443 : 80) };
}

/** RFC 9110, sections 5.1 and 5.5; of what a value may hold, what is sent here. */
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const headerValue = /^[\t\x20-\x7e]*$/;

/** Throws where a part of it would not be one. */
export function requestText({ method, path, query, headers }: Pick<SignedRequest, 'method' | 'path' | 'query' | 'headers'>): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((one) => pairOf(name, one)));
  const target = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
  if (!/^\/[\x21-\x7e]*$/.test(target)) throw new TypeError('The target of a request has to be percent-encoded.');
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (!headerName.test(name) || !headerValue.test(value)) throw new TypeError('A header of a request holds what no header may.');
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

function pairOf(name: string, value: string | null): string {
  return value === null ? encoded(name) : `${encoded(name)}=${encoded(value)}`;
}

/** As it was signed: RFC 3986, section 2.3, leaves fewer characters alone than ECMAScript does. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
