import * as vscode from 'vscode';
import { connectDaemon } from '../../client/connect.ts';
import type { CallOptions, DaemonConnection } from '../../client/connection.ts';
import { DaemonLink } from '../../client/daemonLink.ts';
import { readEndpoint } from '../../client/endpointReader.ts';
import type { DaemonProgram } from '../../client/startDaemon.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { DaemonEvent } from '../../protocol/events.ts';
import type { Method, SecretRef, StreamRef } from '../../protocol/method.ts';
import { sessionStatus, sessionStop, type StatusResult } from '../../protocol/methods/session.ts';
import { makeStateDirectory } from '../../protocol/stateDirectory.ts';
import { asHoldfastError } from './asHoldfastError.ts';

export interface DaemonServiceOptions {
  readonly stateDirectory: string;
  /** Whether a daemon is started where none runs, without being asked. */
  readonly startsDaemon: () => boolean;
  /** Where the daemon's files are; makes its copy in the state directory first. */
  readonly program: () => Promise<DaemonProgram>;
  /** Told why, as a clause, when a daemon of an older version made way. */
  readonly onReplaced: (reason: string) => void;
  readonly log: vscode.LogOutputChannel;
}

/** `connecting` is the first attempt only: later ones are made while the state is `away`. */
export type LinkPhase = 'idle' | 'connecting' | 'connected' | 'away' | 'refused';

/** All that views, status bar and context keys need to know of the daemon. */
export interface DaemonHealth {
  readonly phase: LinkPhase;
  /** As of the last answer; `undefined` while not connected. */
  readonly status: StatusResult | undefined;
  /** Why the last attempt failed. */
  readonly error: HoldfastError | undefined;
}

const allEvents = ['action.changed', 'alert.changed', 'state.changed', 'catalog.changed'] as const;

/** How long a command waits for a daemon that is being started. */
const patience = 25_000;

/** Whatever answers requests of the protocol. */
export interface Caller {
  call<Params, Result>(method: Method<Params, Result>, params: Params, options?: CallOptions): Promise<Result>;
}

/** This window's line to the daemon: found or started, kept, and told of as one state. */
export class DaemonService implements vscode.Disposable {
  readonly #options: DaemonServiceOptions;
  readonly #healthChanged = new vscode.EventEmitter<DaemonHealth>();
  readonly #eventHeard = new vscode.EventEmitter<DaemonEvent>();
  #health: DaemonHealth = { phase: 'idle', status: undefined, error: undefined };
  #link: DaemonLink | undefined;
  #connection: DaemonConnection | undefined;
  /** Of the first connection, of a command that needs one, and after a crash: a daemon that somebody stopped stays stopped. */
  #maySpawn = false;
  #statusWanted = false;
  #statusUnderWay = false;
  #stepUpUntil = 0;

  constructor(options: DaemonServiceOptions) {
    this.#options = options;
    this.#maySpawn = options.startsDaemon();
  }

  readonly onDidChange: vscode.Event<DaemonHealth> = this.#healthChanged.event;
  readonly onEvent: vscode.Event<DaemonEvent> = this.#eventHeard.event;

  get health(): DaemonHealth {
    return this.#health;
  }

  /** Begins to keep a connection; does nothing where one is kept already. */
  connect(): void {
    if (this.#link !== undefined) return;
    this.#change({ phase: 'connecting', status: undefined, error: undefined });
    try {
      makeStateDirectory(this.#options.stateDirectory);
      this.#link = this.#newLink();
    } catch (error) {
      this.#change({ phase: 'refused', status: undefined, error: asHoldfastError(error) });
    }
  }

  /** The connection, waited for; starts a daemon, since whoever calls this was asked by the user. Rejects with why there is none. */
  async connection(): Promise<DaemonConnection> {
    const existing = this.#connection;
    if (existing !== undefined && !existing.isClosed) return existing;
    this.#maySpawn = true;
    const { promise, resolve, reject } = Promise.withResolvers<DaemonConnection>();
    const settle = (): void => {
      if (this.#connection !== undefined && !this.#connection.isClosed) resolve(this.#connection);
      else if (this.#health.phase === 'refused') reject(this.#health.error ?? notRunning());
    };
    const listener = this.onDidChange(settle);
    const timer = setTimeout(() => reject(this.#health.error ?? notRunning()), patience);
    try {
      if (this.#health.phase === 'away' || this.#health.phase === 'refused') await this.#closeLink();
      this.connect();
      settle();
      return await promise;
    } finally {
      clearTimeout(timer);
      listener.dispose();
    }
  }

  async call<Params, Result>(method: Method<Params, Result>, params: Params, options: CallOptions = {}): Promise<Result> {
    return await (await this.connection()).call(method, params, options);
  }

  /** For what nobody asked for, such as views: uses the connection that there is, and starts no daemon. Rejects with `daemonNotRunning` where there is none. */
  readonly quietly: Caller = {
    call: async (method, params, options = {}) => {
      if (this.#connection === undefined || this.#connection.isClosed) throw notRunning();
      return await this.#connection.call(method, params, options);
    },
  };

  /** Seals the bytes for the next request on the same connection. The caller still owns the bytes. */
  async sendSecret(bytes: Uint8Array): Promise<SecretRef> {
    return (await this.connection()).sendSecret(bytes);
  }

  /** Until when a passphrase of the user's counts as a step-up, as the daemon said. */
  noteStepUp(until: string | null): void {
    this.#stepUpUntil = until === null ? 0 : Date.parse(until);
  }

  /** Whether what needs a step-up is likely to be taken for so many milliseconds more; the daemon alone decides. */
  isSteppedUp(milliseconds: number): boolean {
    return Date.now() + milliseconds < this.#stepUpUntil;
  }

  /** The content that an answer named. */
  async stream(ref: StreamRef): Promise<AsyncIterable<Uint8Array>> {
    return (await this.connection()).stream(ref);
  }

  /** Ends the daemon for every window; it stays ended until a command needs it or a window is opened. */
  async stop(): Promise<void> {
    const connection = this.#connection;
    this.#maySpawn = false;
    if (connection === undefined || connection.isClosed) return;
    await connection.call(sessionStop, {});
    await connection.closed;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.connection();
  }

  /** Asks for the status anew; calls while one is under way are one more at its end. */
  refresh(): void {
    this.#statusWanted = true;
    if (!this.#statusUnderWay) void this.#readStatus();
  }

  async dispose(): Promise<void> {
    await this.#closeLink();
    this.#healthChanged.dispose();
    this.#eventHeard.dispose();
  }

  #newLink(): DaemonLink {
    const { stateDirectory, program, onReplaced } = this.#options;
    return new DaemonLink({
      stateDirectory,
      connect: async (signal) => {
        // A daemon that ended in order took its endpoint file with it: another window stopped it, and it stays stopped.
        const isStarted = this.#maySpawn || (this.#options.startsDaemon() && readEndpoint(stateDirectory) !== undefined);
        const start = isStarted ? { start: await program() } : {};
        return await connectDaemon({ stateDirectory, clientName: 'extension', signal, onReplaced, ...start });
      },
      onState: (state, connection, error) => {
        this.#connection = connection;
        if (state.name === 'connected' && connection !== undefined) void this.#greet(connection);
        else if (state.name === 'waiting') this.#change({ phase: 'away', status: undefined, error });
        else if (state.name === 'stopped' && state.reason === 'refused') this.#change({ phase: 'refused', status: undefined, error });
      },
    });
  }

  async #greet(connection: DaemonConnection): Promise<void> {
    this.#maySpawn = false;
    try {
      await connection.subscribe(allEvents, (event) => {
        this.#eventHeard.fire(event);
        if (event.name !== 'catalog.changed') this.refresh();
      });
      const status = await connection.call(sessionStatus, {});
      if (this.#connection !== connection) return;
      this.#change({ phase: 'connected', status, error: undefined });
      // What happened while nobody listened is not known: everything is looked at again.
      this.#eventHeard.fire({ name: 'lookAgain', subject: '' });
    } catch (error) {
      this.#options.log.warn(`The connection to the daemon was lost at once: ${asHoldfastError(error).message}`);
      connection.terminate();
    }
  }

  async #readStatus(): Promise<void> {
    this.#statusUnderWay = true;
    try {
      while (this.#statusWanted) {
        this.#statusWanted = false;
        const connection = this.#connection;
        if (connection === undefined) return;
        const status = await connection.call(sessionStatus, {});
        if (this.#connection === connection) this.#change({ phase: 'connected', status, error: undefined });
      }
    } catch (error) {
      // The link tells of a lost connection itself.
      this.#options.log.debug(`The status could not be read: ${asHoldfastError(error).message}`);
    } finally {
      this.#statusUnderWay = false;
    }
  }

  async #closeLink(): Promise<void> {
    const link = this.#link;
    this.#link = undefined;
    this.#connection = undefined;
    await link?.[Symbol.asyncDispose]();
  }

  #change(health: DaemonHealth): void {
    this.#health = health;
    this.#healthChanged.fire(health);
  }
}

function notRunning(): HoldfastError {
  return new HoldfastError('daemonNotRunning', 'Failed to reach the daemon: it does not answer.', {
    fix: 'Look into the log for the reason.',
  });
}
