import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { assemble } from '../../daemon/server/assemble.ts';
import type { Assembly, AssemblyWorld } from '../../daemon/server/assembly.ts';
import { Dispatcher } from '../../daemon/server/dispatcher.ts';
import type { LogFacts, Logger } from '../../daemon/server/logger.ts';
import { SecretStore } from '../../daemon/server/secretStore.ts';
import { StepUp } from '../../daemon/server/stepUp.ts';
import type { DaemonEvent } from '../../protocol/events.ts';
import type { Method, SecretRef } from '../../protocol/method.ts';
import { actionResult, type ActionWithResult, isEnded, type Started } from '../../protocol/methods/actions.ts';
import { backupStart, type BackupDocument, backupDocument } from '../../protocol/methods/backups.ts';
import { methods } from '../../protocol/methods/index.ts';
import { locationAdd } from '../../protocol/methods/locations.ts';
import { policyCreate, type Policy } from '../../protocol/methods/policies.ts';
import { importDocument, type ImportDocument, recoveryImportStored } from '../../protocol/methods/recovery.ts';
import { type RestorePoint, restorePointList, restorePointVerify } from '../../protocol/methods/restorePoints.ts';
import { restoreStart } from '../../protocol/methods/restores.ts';
import { sessionInit, sessionStepUp, sessionUnlock } from '../../protocol/methods/session.ts';
import { bundleWorker } from './bundledWorker.ts';

const workerUrl = bundleWorker();

/** One line of what the daemon wrote into its log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly facts: LogFacts | undefined;
}

/**
 * All of the daemon but its process, socket and instance lock, in this process: requests go through the dispatcher as they do from a socket. For
 * runs that are too many for a process each, and for worlds that only a test has.
 */
export class InProcessDaemon implements AsyncDisposable {
  readonly log: LogLine[] = [];
  readonly stepUp: StepUp = new StepUp();
  readonly #secrets = new SecretStore();
  readonly #listeners = new Set<(event: DaemonEvent) => void>();
  #assembly: Assembly | undefined;
  #dispatcher: Dispatcher | undefined;
  #secretId = 0;

  static async start(state: string, world: AssemblyWorld = {}): Promise<InProcessDaemon> {
    const daemon = new InProcessDaemon();
    await daemon.#start(state, world);
    return daemon;
  }

  async #start(state: string, world: AssemblyWorld): Promise<void> {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    chmodSync(state, 0o700);
    const write =
      (level: string) =>
      (message: string, facts?: LogFacts): void =>
        void this.log.push({ level, message, facts });
    const log: Logger = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug'), trace: write('trace') };
    const publish = (event: DaemonEvent): void => {
      for (const listener of this.#listeners) listener(event);
    };
    const surroundings = { stateDirectory: state, startedAt: new Date(), log, stepUp: this.stepUp, publish, stop: () => undefined };
    const assembly = await assemble(surroundings, workerUrl, world);
    this.#assembly = assembly;
    const { handlers, daemonState } = assembly;
    this.#dispatcher = new Dispatcher({ methods, handlers, daemonState, stepUp: this.stepUp, log, publish });
  }

  /** A secret for the next request, which names it. */
  secret(text: string): SecretRef {
    this.#secretId += 1;
    this.#secrets.add(this.#secretId, Buffer.from(text));
    return { secretId: this.#secretId };
  }

  async call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result> {
    if (this.#dispatcher === undefined) throw new Error('the daemon has ended');
    const session = {
      facts: { sessionId: 1, clientName: 'test', clientVersion: '' },
      secrets: this.#secrets,
      ownHandlers: {},
      openStream: () => {
        throw new Error('no streams here');
      },
    };
    const never = new AbortController().signal;
    const answer = await this.#dispatcher.call(session, method.name, params, { cancelled: never, sessionEnded: never });
    return method.result.parse(answer);
  }

  /** The action once it has ended, however that was. */
  async ended({ actionId }: Started): Promise<ActionWithResult> {
    const { promise, resolve, reject } = Promise.withResolvers<ActionWithResult>();
    const look = async (): Promise<void> => {
      const action = await this.call(actionResult, { actionId });
      if (isEnded(action.state)) resolve(action);
    };
    const listener = ({ name, subject }: DaemonEvent): void => {
      if (name === 'action.changed' && subject === actionId) look().catch(reject);
    };
    this.#listeners.add(listener);
    try {
      await look();
      return await promise;
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** Set up with a passphrase passkey "main". */
  async init(passphrase: string): Promise<void> {
    await this.call(sessionInit, { requestId: randomUUID(), passkeyName: 'main', passphrase: this.secret(passphrase) });
  }

  async unlock(passphrase: string): Promise<void> {
    await this.call(sessionUnlock, { passphrase: this.secret(passphrase) });
    await this.call(sessionStepUp, { passphrase: this.secret(passphrase) });
  }

  /** Throws where a check failed. */
  async addLocation(path: string, name = 'store'): Promise<void> {
    const { location, checks } = await this.call(locationAdd, { name, spec: { kind: 'filesystem', path } });
    if (location === null) throw new Error(JSON.stringify(checks));
  }

  createPolicy(path: string, name = 'files'): Promise<Policy> {
    return this.call(policyCreate, {
      name,
      sources: [{ kind: 'folder', path }],
      location: 'store',
      exclude: [],
      gitignore: false,
      oneFileSystem: false,
      includeCaches: false,
      maxFileSize: null,
    });
  }

  async startBackup(policy = 'files'): Promise<Started> {
    const { actions } = await this.call(backupStart, { requestId: randomUUID(), policies: [policy], all: false, dryRun: false });
    const [action] = actions;
    if (action === undefined) throw new Error('no action');
    return action;
  }

  /** Rejects with the action's error unless it is complete, warnings included. */
  async backUp(policy = 'files'): Promise<BackupDocument> {
    return backupDocument.parse(succeeded(await this.ended(await this.startBackup(policy))).result);
  }

  async verify(restorePoint: string, readData = true): Promise<ActionWithResult> {
    return this.ended(await this.call(restorePointVerify, { requestId: randomUUID(), restorePoint, readData }));
  }

  async restore(restorePoint: string, target: string): Promise<ActionWithResult> {
    const requestId = randomUUID();
    return this.ended(await this.call(restoreStart, { requestId, restorePoint, target, paths: [], conflict: 'refuse', dryRun: false }));
  }

  async importStored(path: string, passphrase: string): Promise<ImportDocument> {
    const started = await this.call(recoveryImportStored, {
      requestId: randomUUID(),
      spec: { kind: 'filesystem', path },
      passphrase: this.secret(passphrase),
      tries: 8,
    });
    return importDocument.parse(succeeded(await this.ended(started)).result);
  }

  /** Newest first, retired ones not. */
  async restorePoints(policy?: string): Promise<readonly RestorePoint[]> {
    return (await this.call(restorePointList, { includeRetired: false, ...(policy === undefined ? {} : { policy }) })).items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#secrets[Symbol.dispose]();
    await this.#assembly?.[Symbol.asyncDispose]();
    this.#assembly = undefined;
    this.#dispatcher = undefined;
  }
}

/** The action, if it is complete; throws its error otherwise. */
export function succeeded(action: ActionWithResult): ActionWithResult {
  if (action.state === 'complete') return action;
  const { code, message } = action.error ?? { code: action.state, message: '' };
  throw new Error(`${action.kind} ended ${action.state}: ${code}: ${message} ${JSON.stringify(action.error?.details)}`);
}
