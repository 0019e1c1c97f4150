import type { DaemonEvent, EventName } from '../protocol/events.ts';
import type { Method, SecretRef, StreamRef } from '../protocol/method.ts';

export interface ConnectOptions {
  /** Absolute. */
  readonly stateDirectory: string;
  /** Whether a daemon is started where none runs. */
  readonly start: boolean;
  /** Told why, as a clause, when a daemon of an older program made way for a new one, which is locked. */
  readonly onReplaced?: (reason: string) => void;
}

/** What the command line asks of a connection to the daemon. It rejects with the daemon's own `HoldfastError`s. */
export interface Daemon extends AsyncDisposable {
  call<Params, Result>(method: Method<Params, Result>, params: Params): Promise<Result>;
  /** Seals the bytes for the next request, which names them. The caller still owns the bytes. */
  sendSecret(bytes: Uint8Array): SecretRef;
  /** The content that an answer named, piece by piece; asks for more only as it is read. */
  stream(ref: StreamRef): AsyncIterable<Uint8Array>;
  /** A secret that an answer named, once, in a buffer that the caller overwrites. */
  readSecret(ref: StreamRef): Promise<Buffer>;
  subscribe(names: readonly EventName[], listener: (event: DaemonEvent) => void): Promise<Disposable>;
  /** Resolves when the connection has ended, for whatever reason. */
  readonly closed: Promise<void>;
}
