import { type FSWatcher, watch } from 'node:fs';
import { endpointFileName } from '../protocol/endpoint.ts';
import { HoldfastError } from '../protocol/errors.ts';
import type { DaemonConnection } from './connection.ts';
import { firstLinkState, type LinkEvent, type LinkState, nextLinkState } from './reconnect.ts';

export interface DaemonLinkOptions {
  /** Whose endpoint file is watched; has to be there. */
  readonly stateDirectory: string;
  /** One attempt; `undefined` where nobody is there. */
  readonly connect: (signal: AbortSignal) => Promise<DaemonConnection | undefined>;
  /** Told of each state; `connection` is there while connected, `error` where the last attempt failed. */
  readonly onState: (state: LinkState, connection: DaemonConnection | undefined, error: HoldfastError | undefined) => void;
  readonly random?: () => number;
}

/** Keeps a connection for as long as it lives: the thin shell around the states of reconnect.ts. */
export class DaemonLink implements AsyncDisposable {
  readonly #options: DaemonLinkOptions;
  readonly #abort = new AbortController();
  readonly #watcher: FSWatcher;
  #state: LinkState = firstLinkState;
  #connection: DaemonConnection | undefined;
  #error: HoldfastError | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DaemonLinkOptions) {
    this.#options = options;
    this.#watcher = watch(options.stateDirectory, { persistent: false }, (_event, name) => {
      if (name === endpointFileName) this.#apply({ name: 'endpointChanged' });
    });
    // A watcher that fails takes nothing away but speed: the waits go on.
    this.#watcher.on('error', () => this.#watcher.close());
    this.#enter();
  }

  get state(): LinkState {
    return this.#state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.#connection;
    this.#apply({ name: 'disposed' });
    this.#abort.abort();
    this.#watcher.close();
    await connection?.[Symbol.asyncDispose]();
  }

  #apply(event: LinkEvent): void {
    const next = nextLinkState(this.#state, event);
    if (next === this.#state) return;
    this.#state = next;
    clearTimeout(this.#timer);
    this.#enter();
  }

  #enter(): void {
    const state = this.#state;
    if (state.name !== 'connected') this.#connection = undefined;
    if (state.name === 'waiting') this.#timer = setTimeout(() => this.#apply({ name: 'waited' }), state.milliseconds).unref();
    if (state.name === 'connecting') void this.#connect();
    // Last, so that the link goes on where the listener throws.
    this.#options.onState(state, this.#connection, this.#error);
  }

  async #connect(): Promise<void> {
    let connection: DaemonConnection | undefined;
    try {
      connection = await this.#options.connect(this.#abort.signal);
    } catch (error) {
      this.#error = HoldfastError.is(error) ? error : unforeseen(error);
      const isFinal = HoldfastError.is(error, 'versionMismatch', 'refusedByRule');
      this.#apply(isFinal ? { name: 'refused' } : { name: 'lost', random: this.#random() });
      return;
    }
    this.#error = undefined;
    if (connection === undefined) {
      this.#apply({ name: 'lost', random: this.#random() });
      return;
    }
    if (this.#state.name !== 'connecting') {
      connection.terminate();
      return;
    }
    this.#connection = connection;
    void connection.closed.then(() => this.#apply({ name: 'lost', random: this.#random() }));
    this.#apply({ name: 'connected' });
  }

  #random(): number {
    return (this.#options.random ?? Math.random)();
  }
}

function unforeseen(cause: unknown): HoldfastError {
  return new HoldfastError('failed', 'Failed to connect to the daemon: something went wrong that was not foreseen.', {
    fix: 'It is tried again; if that does not help, run "holdfast status" to see what it says.',
    cause,
  });
}
