import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { assemble } from '../../daemon/server/assemble.ts';
import type { Assembly, AssemblyWorld } from '../../daemon/server/assembly.ts';
import { DaemonServer } from '../../daemon/server/daemonServer.ts';
import { Dispatcher } from '../../daemon/server/dispatcher.ts';
import { EventHub } from '../../daemon/server/events.ts';
import type { LogFacts, Logger } from '../../daemon/server/logger.ts';
import { SecretStore } from '../../daemon/server/secretStore.ts';
import { StepUp } from '../../daemon/server/stepUp.ts';
import type { DaemonEvent } from '../../protocol/events.ts';
import type { Method, SecretRef } from '../../protocol/method.ts';
import { methods } from '../../protocol/methods/index.ts';
import { bundleWorker } from './bundledWorker.ts';
import { root } from './cli.ts';
import { DrivenDaemon } from './drivenDaemon.ts';

const workerUrl = bundleWorker();
/**
 * A thread takes a tenth of a second to start, and a test's heap, which holds all sources, as long to be collected: the runtime does that by itself, where
 * shared memory piles up. With all threads runs are made by real daemons, and by the engine's own tests.
 */
const threads: NonNullable<AssemblyWorld['threads']> = { workers: 1, onRunEnded: () => undefined };

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
export class InProcessDaemon extends DrivenDaemon implements AsyncDisposable {
  readonly log: LogLine[] = [];
  readonly stepUp: StepUp = new StepUp();
  readonly #log: Logger;
  readonly #secrets = new SecretStore();
  readonly #listeners = new Set<(event: DaemonEvent) => void>();
  #assembly: Assembly | undefined;
  #dispatcher: Dispatcher | undefined;
  #secretId = 0;

  private constructor() {
    super();
    const write =
      (level: string) =>
      (message: string, facts?: LogFacts): void =>
        void this.log.push({ level, message, facts });
    this.#log = { error: write('error'), warn: write('warn'), info: write('info'), debug: write('debug'), trace: write('trace') };
  }

  static async start(state: string, world: AssemblyWorld = {}): Promise<InProcessDaemon> {
    const daemon = new InProcessDaemon();
    await daemon.#start(state, world);
    return daemon;
  }

  async #start(state: string, world: AssemblyWorld): Promise<void> {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    chmodSync(state, 0o700);
    const log = this.#log;
    const publish = (event: DaemonEvent): void => {
      for (const listener of this.#listeners) listener(event);
    };
    const surroundings = { stateDirectory: state, startedAt: new Date(), log, stepUp: this.stepUp, publish, stop: () => undefined };
    const assembly = await assemble(surroundings, workerUrl, { threads, ...world });
    this.#assembly = assembly;
    const { handlers, daemonState, audit } = assembly;
    this.#dispatcher = new Dispatcher({ methods, handlers, daemonState, stepUp: this.stepUp, audit, log, publish });
  }

  /** Listens in its state directory as a daemon's process does, until disposed, so that the built command line finds it there. */
  async serve(stateDirectory: string): Promise<AsyncDisposable> {
    if (this.#assembly === undefined) throw new Error('the daemon has ended');
    const { handlers, daemonState, audit } = this.#assembly;
    const events = new EventHub();
    using cleanUp = new DisposableStack();
    cleanUp.use(this.listen((event) => events.publish(event)));
    const server = await DaemonServer.start({
      stateDirectory,
      entryPath: path.join(root, 'dist', 'daemon', 'main.js'),
      startedAt: new Date(),
      methods,
      handlers,
      daemonState,
      stepUp: this.stepUp,
      audit,
      events,
      log: this.#log,
    });
    const listening = cleanUp.move();
    return {
      [Symbol.asyncDispose]: async () => {
        listening.dispose();
        await server[Symbol.asyncDispose]();
      },
    };
  }

  override secret(text: string): SecretRef {
    this.#secretId += 1;
    this.#secrets.add(this.#secretId, Buffer.from(text));
    return { secretId: this.#secretId };
  }

  override async call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result> {
    if (this.#dispatcher === undefined) throw new Error('the daemon has ended');
    const session = {
      facts: { sessionId: 1, clientName: 'test', clientVersion: '' },
      secrets: this.#secrets,
      ownHandlers: {},
      openStream: () => {
        throw new Error('no streams here');
      },
      openSecret: () => {
        throw new Error('no streams here');
      },
    };
    const never = new AbortController().signal;
    const answer = await this.#dispatcher.call(session, method.name, params, { cancelled: never, sessionEnded: never });
    return method.result.parse(answer);
  }

  /** Hears every event until disposed. */
  listen(listener: (event: DaemonEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  protected override onActionChanged(tell: (actionId: string) => void): Promise<Disposable> {
    const listener = ({ name, subject }: DaemonEvent): void => {
      if (name === 'action.changed') tell(subject);
    };
    this.#listeners.add(listener);
    return Promise.resolve({ [Symbol.dispose]: () => void this.#listeners.delete(listener) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#secrets[Symbol.dispose]();
    await this.#assembly?.[Symbol.asyncDispose]();
    this.#assembly = undefined;
    this.#dispatcher = undefined;
  }
}
