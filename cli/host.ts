import type { StateService } from '../client/service/stateService.ts';
import type { ConnectOptions, Daemon } from './daemon.ts';

/** What the command line may touch of the machine that it runs on; tests hand in their own. */
export interface Host {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly currentDirectory: string;
  readonly homeDirectory: string;
  readonly out: Output;
  readonly err: Output;
  readonly in: Input;
  readonly runtime: Runtime;
  now(): Date;
  /** Milliseconds, never going back. */
  monotonic(): number;
  /** A whole number from 0 up to and without `below`, from a cryptographic source. */
  random(below: number): number;
  /** Made by the client for requests that start work. */
  uuid(): string;
  exists(path: string): boolean;
  /** At most `limit` bytes from the start of a file. The caller owns the bytes. */
  readFile(path: string, limit: number): Promise<Buffer>;
  /** Whether it is a file that other users of the machine may read; false where the system does not tell. */
  othersMayRead(path: string): Promise<boolean>;
  /** Makes a file that is not there yet, for this user alone (0600). Rejects with `badValue` and `diskFailed`. */
  writeNewFile(path: string, bytes: Uint8Array): Promise<void>;
  /** `undefined` where no daemon runs and `start` is false. */
  connect(options: ConnectOptions): Promise<Daemon | undefined>;
  /** Runs the daemon in the foreground; resolves with its exit status. */
  serve(stateDirectory: string): Promise<number>;
  /** The daemon as a service of the operating system. Rejects with `unsupportedRuntime`. */
  service(stateDirectory: string): Promise<StateService>;
  /** Resolves once the process has ended, or after so many milliseconds: whether it has. */
  untilEnded(pid: number, milliseconds: number): Promise<boolean>;
  /** Calls the listener at each Ctrl-C instead of ending the process. */
  onInterrupt(listener: () => void): Disposable;
  /** Resolves after so many milliseconds, or at once when aborted. */
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export interface Output {
  readonly isTerminal: boolean;
  /** A file that the shell sends it to, with whatever rights that has; a terminal, a pipe or a device is none. */
  readonly isFile?: boolean;
  /** Of the terminal; 80 elsewhere. */
  readonly columns: number;
  /** Resolves when more may be written. Rejects with `OutputClosed` when nobody reads any more. */
  write(data: string | Uint8Array): Promise<void>;
}

/** Whoever read our output has gone: `holdfast … | head`. The program ends quietly. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

export interface Input {
  readonly isTerminal: boolean;
  /** The next line without its end; `undefined` where there is none. The caller owns the bytes. */
  readLine(): Promise<Buffer | undefined>;
  /** Asks on the terminal without echo. The caller owns the bytes. Rejects with `cancelled` at Ctrl-C. */
  readSecret(question: string): Promise<Buffer>;
  /** Asks on the terminal. */
  ask(question: string): Promise<string>;
}

export interface Runtime {
  readonly version: string;
  readonly platform: string;
  readonly architecture: string;
}
