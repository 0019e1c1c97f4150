import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as z from 'zod';
import { freePorts } from './freePorts.ts';
import { GuardedProcess } from './guardedProcess.ts';
import type { ServerPrograms } from './serverPrograms.ts';

const startLimit = 30_000;
const endGrace = 5000;
const attempts = 3;
const pollMilliseconds = 25;

/**
 * `memory`: a dev server, there in half a second, unsealed. `tls`: the same with a certificate that an authority of its own signed. `disk`: one whose state
 * lies in a folder, so that it can be sealed, unsealed and started again.
 */
export type OpenBaoKind = 'memory' | 'tls' | 'disk';

/** An answer of the API. */
export interface BaoAnswer {
  readonly status: number;
  readonly body: unknown;
}

interface BaoRequest {
  readonly body?: Readonly<Record<string, unknown>>;
  readonly token?: string;
  readonly namespace?: string;
}

interface Launch {
  readonly programs: ServerPrograms;
  readonly kind: OpenBaoKind;
  readonly folder: string;
  readonly port: number;
  readonly clusterPort: number;
  readonly rootToken: string;
}

const initSchema = z.object({ keys: z.array(z.string()).length(1), root_token: z.string() });

/** OpenBao: a server that speaks as Vault does. All of its state lies in a temporary folder or in its memory. */
export class OpenBaoServer implements AsyncDisposable {
  readonly address: string;
  /** Of the authority of its certificate; for `tls` alone. */
  readonly caFile: string;
  #rootToken: string;
  #unsealKey = '';
  readonly #launch: Launch;
  #process: GuardedProcess;

  private constructor(launched: Launch, started: GuardedProcess) {
    this.#launch = launched;
    this.#process = started;
    this.#rootToken = launched.rootToken;
    this.address = addressOf(launched);
    this.caFile = path.join(launched.folder, 'vault-ca.pem');
  }

  /** About half a second. */
  static async start(programs: ServerPrograms, kind: OpenBaoKind = 'memory'): Promise<OpenBaoServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'hf-bao-'));
    for (let attempt = 1; ; attempt += 1) {
      const [port = 0, clusterPort = 0] = await freePorts(2);
      const launched: Launch = { programs, kind, folder, port, clusterPort, rootToken: randomBytes(12).toString('hex') };
      try {
        const server = new OpenBaoServer(launched, await launch(launched));
        if (kind === 'disk') await server.#initialise();
        return server;
      } catch (error) {
        // Somebody else may have taken the port meanwhile.
        if (attempt < attempts) continue;
        rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
        throw error;
      }
    }
  }

  get rootToken(): string {
    return this.#rootToken;
  }

  get output(): string {
    return this.#process.output;
  }

  /** A request as its operator makes it; `route` without `v1/`. With the root token where none is given. */
  async send(method: string, route: string, { body, token = this.#rootToken, namespace }: BaoRequest = {}): Promise<BaoAnswer> {
    return await send(this.#launch, method, route, {
      token,
      ...(body === undefined ? {} : { body }),
      ...(namespace === undefined ? {} : { namespace }),
    });
  }

  /** As `send`; rejects for what is no success. */
  async write(route: string, body: Readonly<Record<string, unknown>> = {}, options: Omit<BaoRequest, 'body'> = {}): Promise<unknown> {
    const answer = await this.send('POST', route, { body, ...options });
    if (answer.status >= 300) throw new Error(`OpenBao answers ${answer.status} to ${route}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** A transit engine at `transit` with this key. */
  async createKey(key: string, body: Readonly<Record<string, unknown>> = { type: 'aes256-gcm96' }): Promise<void> {
    const mounted = await this.send('POST', 'sys/mounts/transit', { body: { type: 'transit' } });
    if (mounted.status >= 300 && mounted.status !== 400) throw new Error(`no transit engine: ${JSON.stringify(mounted.body)}`);
    await this.write(`transit/keys/${key}`, body);
  }

  /** A token with the rights of one policy, written for it. */
  async createToken(rules: string, options: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const name = `p-${randomBytes(4).toString('hex')}`;
    await this.write(`sys/policies/acl/${name}`, { policy: rules });
    const body = await this.write('auth/token/create', { policies: [name], ...options });
    return z.object({ auth: z.object({ client_token: z.string() }) }).parse(body).auth.client_token;
  }

  async seal(): Promise<void> {
    await this.write('sys/seal');
  }

  async unseal(): Promise<void> {
    await this.write('sys/unseal', { key: this.#unsealKey });
    // It is the active one a moment after.
    await this.#waitFor(async () => (await this.send('GET', 'sys/health')).status === 200);
  }

  /** Ends it as an administrator would; what lies on the disk stays. */
  async stop(): Promise<void> {
    await this.#process.end(endGrace);
  }

  /** Starts it again at the same address; sealed. */
  async startAgain(): Promise<void> {
    this.#process = await launch(this.#launch);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.end(0);
    rmSync(this.#launch.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  async #initialise(): Promise<void> {
    const answer = await this.send('POST', 'sys/init', { body: { secret_shares: 1, secret_threshold: 1 } });
    const { keys, root_token: rootToken } = initSchema.parse(answer.body);
    this.#unsealKey = keys[0] ?? '';
    this.#rootToken = rootToken;
    await this.unseal();
  }

  async #waitFor(isThere: () => Promise<boolean>): Promise<void> {
    await waitFor(isThere, this.#process);
  }
}

function addressOf({ kind, port }: Launch): string {
  return `${kind === 'tls' ? 'https' : 'http'}://127.0.0.1:${port}`;
}

async function launch(launched: Launch): Promise<GuardedProcess> {
  const { programs, kind, folder, port, clusterPort, rootToken } = launched;
  const dev = ['-dev', `-dev-root-token-id=${rootToken}`, `-dev-listen-address=127.0.0.1:${port}`];
  const args = {
    memory: dev,
    tls: ['-dev-tls', `-dev-tls-cert-dir=${folder}`, ...dev.slice(1)],
    disk: [`-config=${path.join(folder, 'server.hcl')}`],
  }[kind];
  if (kind === 'disk') {
    mkdirSync(path.join(folder, 'data'), { recursive: true });
    writeFileSync(
      path.join(folder, 'server.hcl'),
      [
        `storage "raft" { path = ${JSON.stringify(path.join(folder, 'data'))} node_id = "one" performance_multiplier = 1 }`,
        `listener "tcp" { address = "127.0.0.1:${port}" cluster_address = "127.0.0.1:${clusterPort}" tls_disable = true }`,
        `api_addr = "http://127.0.0.1:${port}"`,
        `cluster_addr = "https://127.0.0.1:${clusterPort}"`,
        '',
      ].join('\n'),
    );
  }
  const started = await GuardedProcess.start(programs.bao, ['server', ...args], {
    cwd: folder,
    remains: [folder],
    env: { HOME: folder, PATH: '/usr/bin:/bin', TMPDIR: folder },
  });
  try {
    // A dev server answers before its root token is there.
    const isThere = async (): Promise<boolean> => {
      const token = await send(launched, 'GET', kind === 'disk' ? 'sys/seal-status' : 'auth/token/lookup-self', { token: rootToken });
      return token.status === 200;
    };
    await waitFor(isThere, started);
    return started;
  } catch (error) {
    await started.end(0);
    throw error;
  }
}

/** Resolves once it is so. Rejects with what the server said where that takes too long. */
async function waitFor(isThere: () => Promise<boolean>, server: GuardedProcess): Promise<void> {
  const end = performance.now() + startLimit;
  for (;;) {
    try {
      if (await isThere()) return;
    } catch (error) {
      if (!server.isRunning) throw new Error(`OpenBao has ended. It said:\n${server.output}`, { cause: error });
    }
    if (performance.now() > end) throw new Error(`OpenBao does not answer. It said:\n${server.output}`);
    await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
  }
}

async function send(launched: Launch, method: string, route: string, { body, token = '', namespace }: BaoRequest): Promise<BaoAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<BaoAnswer>();
  const isTls = launched.kind === 'tls';
  const options = {
    method,
    timeout: 10_000,
    headers: { 'X-Vault-Token': token, ...(namespace === undefined ? {} : { 'X-Vault-Namespace': namespace }) },
    agent: false as const,
    ...(isTls ? { ca: readFileSync(path.join(launched.folder, 'vault-ca.pem')) } : {}),
  };
  const request = (isTls ? https : http).request(`${addressOf(launched)}/v1/${route}`, options, (response) => {
    const pieces: Buffer[] = [];
    response.on('data', (piece: Buffer) => pieces.push(piece));
    response.once('error', reject);
    response.once('end', () => {
      const text = Buffer.concat(pieces).toString('utf8');
      const read: unknown = text === '' ? undefined : JSON.parse(text);
      resolve({ status: response.statusCode ?? 0, body: read });
    });
  });
  request.once('timeout', () => request.destroy(new Error('OpenBao does not answer')));
  request.once('error', reject);
  request.end(body === undefined ? undefined : JSON.stringify(body));
  return await promise;
}
