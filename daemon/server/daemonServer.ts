import { createSecretKey, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Endpoint, RuntimeSurroundings } from '../../protocol/endpoint.ts';
import type { AnyMethod } from '../../protocol/method.ts';
import type { DaemonState } from '../../protocol/methods/session.ts';
import { proofSizes } from '../../protocol/proof.ts';
import { programVersion, protocolVersion } from '../../protocol/version.ts';
import { type AuditTrail, Dispatcher } from './dispatcher.ts';
import { removeEndpointFile, removeStaleEndpointFile, writeEndpointFile } from './endpointFile.ts';
import type { EventHub } from './events.ts';
import type { HandlerMap } from './handler.ts';
import { Handshake } from './handshake.ts';
import type { Logger } from './logger.ts';
import { Session } from './session.ts';
import { SessionRoles } from './sessionRoles.ts';
import { chooseSocketPath, listenOn } from './socket.ts';
import type { StepUp } from './stepUp.ts';

const closingMilliseconds = 250;

export interface DaemonServerOptions {
  /** Its real path; this process holds its instance lock. */
  readonly stateDirectory: string;
  readonly entryPath: string;
  readonly startedAt: Date;
  readonly methods: readonly AnyMethod[];
  readonly handlers: HandlerMap;
  readonly daemonState: () => DaemonState;
  readonly stepUp: StepUp;
  readonly audit: AuditTrail;
  readonly events: EventHub;
  readonly log: Logger;
  /** Told at the first wrong proof, and then at each power of two. */
  readonly onFailedProof?: () => void;
  readonly surroundings?: RuntimeSurroundings;
}

/** Listens, proves, and serves sessions until it is disposed: then sessions end, and socket and endpoint file are removed. */
export class DaemonServer implements AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly #options: DaemonServerOptions;
  readonly #handshake: Handshake;
  readonly #sessions = new Set<Session>();
  readonly #roles = new SessionRoles();
  readonly #dispatcher: Dispatcher;
  #nextSession = 1;
  #closing: Promise<void> | undefined;

  private constructor(options: DaemonServerOptions) {
    const { stateDirectory, startedAt, entryPath, log, events } = options;
    const instanceId = randomBytes(proofSizes.instanceId);
    const proofKey = randomBytes(proofSizes.key);
    this.#options = options;
    this.endpoint = {
      path: chooseSocketPath(options.surroundings ?? processSurroundings(), stateDirectory, randomBytes(16)),
      pid: process.pid,
      protocol: protocolVersion,
      programVersion,
      instanceId: instanceId.toString('hex'),
      proofKey: proofKey.toString('hex'),
      startedAt: startedAt.toISOString(),
      stateDirectory,
      runtimePath: process.execPath,
      entryPath,
    };
    this.#dispatcher = new Dispatcher({ ...options, publish: (event) => events.publish(event) });
    this.#handshake = new Handshake({
      path: this.endpoint.path,
      instanceId,
      proofKey: createSecretKey(proofKey),
      log,
      onFailedProof: () => options.onFailedProof?.(),
      onProved: (socket, secretKey) => {
        const session = new Session({
          sessionId: this.#nextSession,
          socket,
          secretKey,
          dispatcher: this.#dispatcher,
          events,
          roles: this.#roles,
          log,
          aboutDaemon: aboutDaemon(this.endpoint),
        });
        this.#nextSession += 1;
        this.#sessions.add(session);
        socket.once('close', () => this.#sessions.delete(session));
      },
    });
    proofKey.fill(0);
  }

  /** Resolves when clients can connect: the endpoint file is written last. */
  static async start(options: DaemonServerOptions): Promise<DaemonServer> {
    removeStaleEndpointFile(options.stateDirectory);
    const server = new DaemonServer(options);
    await listenOn(server.#handshake.server, server.endpoint.path);
    writeEndpointFile(options.stateDirectory, server.endpoint);
    options.log.info('The daemon listens.', { path: server.endpoint.path, pid: process.pid });
    return server;
  }

  get failedProofs(): number {
    return this.#handshake.failedProofs;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    removeEndpointFile(this.#options.stateDirectory, this.endpoint.instanceId);
    const { server } = this.#handshake;
    const closed = new Promise((resolve) => server.close(resolve));
    this.#handshake.close();
    for (const session of this.#sessions) session.close();
    const late = setTimeout(() => {
      for (const session of this.#sessions) session.terminate();
      server.closeAllConnections();
    }, closingMilliseconds);
    await closed;
    clearTimeout(late);
    if (process.platform !== 'win32') rmSync(this.endpoint.path, { force: true });
    this.#options.log.info('The daemon no longer listens.');
  }
}

function aboutDaemon(
  endpoint: Endpoint,
): Pick<Endpoint, 'programVersion' | 'pid' | 'startedAt' | 'stateDirectory' | 'runtimePath' | 'entryPath'> {
  const { pid, startedAt, stateDirectory, runtimePath, entryPath } = endpoint;
  return { programVersion, pid, startedAt, stateDirectory, runtimePath, entryPath };
}

function processSurroundings(): RuntimeSurroundings {
  return { platform: process.platform, environment: process.env, temporaryDirectory: tmpdir(), userId: process.getuid?.() };
}
