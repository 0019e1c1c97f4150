import http from 'node:http';
import https from 'node:https';
import tls from 'node:tls';
import { isLoopbackEndpoint } from '../../../../protocol/endpointAddress.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';
import { networkFailure } from './vaultNetworkFailure.ts';

/** A request as node-vault makes it. */
export interface VaultRequest {
  readonly uri: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body. */
  readonly json?: unknown;
}

/** An answer as node-vault takes it. */
export interface VaultReply {
  readonly statusCode: number;
  /** `undefined` where the answer is no JSON. */
  readonly body: unknown;
  readonly request: { readonly path: string };
}

/** Milliseconds. */
export interface VaultLimits {
  /** Until the address takes the connection. */
  readonly connect: number;
  /** Until the answer has come whole. */
  readonly answer: number;
}

export interface VaultTransportOptions {
  /** What `endpointProblem` has nothing against. */
  readonly address: string;
  /** PEM of the only authorities that count; without it Node's own and those of the system. */
  readonly authorities: string | undefined;
  readonly limits: VaultLimits;
  /** For proxies: `HTTPS_PROXY`, `NO_PROXY`. */
  readonly environment: NodeJS.ProcessEnv;
}

const longestAnswer = 64 * 1024;

/**
 * Requests to one address and no other: redirects are not followed, since a token would go with them; answers have a limit and a time; certificates are
 * always checked; what goes to this machine goes through no proxy.
 */
export class VaultTransport implements Disposable {
  readonly #address: string;
  readonly #limits: VaultLimits;
  readonly #agent: http.Agent | https.Agent;
  readonly #send: typeof https.request;

  constructor({ address, authorities, limits, environment }: VaultTransportOptions) {
    this.#address = address;
    this.#limits = limits;
    const proxies = isLoopbackEndpoint(address) ? {} : { proxyEnv: environment };
    if (address.startsWith('https:')) {
      this.#agent = new https.Agent({
        keepAlive: true,
        maxSockets: 1,
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true,
        // Authorities of an organisation are those of the system; Node alone would know its own.
        ca: authorities ?? [...tls.getCACertificates('default'), ...tls.getCACertificates('system')],
        ...proxies,
      });
      this.#send = https.request;
    } else {
      this.#agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      this.#send = http.request;
    }
  }

  /** Rejects with `KeyServiceFailure`. */
  async request({ uri, method, headers, json }: VaultRequest): Promise<VaultReply> {
    if (!uri.startsWith(`${this.#address}/v1/`)) throw new RangeError('a request to another address');
    const url = new URL(uri);
    const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
    const { promise: answered, resolve, reject } = Promise.withResolvers<VaultReply>();
    const request = this.#send(url, {
      method,
      agent: this.#agent,
      headers: {
        ...headers,
        Accept: 'application/json',
        // A proxy in front of an agent of Vault asks for it, so that no page in a browser can make such requests.
        'X-Vault-Request': 'true',
        'User-Agent': 'holdfast',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': body.length }),
      },
    });
    const connecting = setTimeout(() => {
      request.destroy(unreachable(`nothing answers at ${url.host}`));
    }, this.#limits.connect);
    const answering = setTimeout(() => {
      request.destroy(
        new KeyServiceFailure('timeout', `${url.host} does not answer in time`, 'Look whether Vault is overloaded, then try again.'),
      );
    }, this.#limits.answer);
    request.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => clearTimeout(connecting));
      else clearTimeout(connecting);
    });
    request.once('error', reject);
    request.once('response', (response) => {
      const { statusCode = 0 } = response;
      if (statusCode >= 300 && statusCode < 400) {
        reject(redirectFailure(statusCode, response.headers.location));
        request.destroy();
        return;
      }
      const pieces: Buffer[] = [];
      let length = 0;
      response.on('data', (piece: Buffer) => {
        length += piece.length;
        pieces.push(piece);
        if (length <= longestAnswer) return;
        reject(new KeyServiceFailure('badAnswer', `${url.host} answers more than ${longestAnswer / 1024} KiB`, looksLikeVault));
        request.destroy();
      });
      response.once('error', reject);
      response.once('end', () => resolve({ statusCode, body: parsed(Buffer.concat(pieces)), request: { path: url.pathname } }));
    });
    request.end(body);
    try {
      return await answered;
    } catch (error) {
      throw networkFailure(error, url.host);
    } finally {
      clearTimeout(connecting);
      clearTimeout(answering);
      body?.fill(0);
    }
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

const looksLikeVault = 'Look whether the address is that of a Vault or OpenBao server.';

function unreachable(reason: string): KeyServiceFailure {
  return new KeyServiceFailure('unreachable', reason, 'Look at the network and at the address of Vault, then try again.');
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  } finally {
    bytes.fill(0);
  }
}

/** A standby that does not pass requests on names its leader (Vault, HTTP API, 307); any other redirect is somebody else's. */
function redirectFailure(status: number, location: string | undefined): KeyServiceFailure {
  const target = location !== undefined && URL.canParse(location) ? new URL(location) : undefined;
  const origin = target !== undefined && /^https?:$/.test(target.protocol) && target.host.length <= 253 ? target.origin : undefined;
  if (status === 307) {
    return new KeyServiceFailure(
      'standby',
      origin === undefined ? 'this Vault server stands by' : `this Vault server stands by; it names ${origin} as the active one`,
      'Wait until it is active again, or use an address that always leads to the active server.',
    );
  }
  return new KeyServiceFailure(
    'badAnswer',
    origin === undefined ? 'the address leads elsewhere' : `the address leads to ${origin}`,
    'Name the address of Vault itself: no token is sent where an answer leads.',
  );
}
