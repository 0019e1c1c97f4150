import { chmodSync, closeSync, constants, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { type LogLevel, logLevels } from '../../protocol/methods/log.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import { redactFacts } from './redaction.ts';

/** In the state directory. */
export const logFileName = 'daemon.log';

/** Facts beside a message; secrets among them are withheld by the logger (redaction.ts), but none should be handed in. */
export type LogFacts = Readonly<Record<string, unknown>>;

/** The one way to write to the log. Messages are fixed sentences; what varies goes into the facts. */
export interface Logger {
  error(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  debug(message: string, facts?: LogFacts): void;
  trace(message: string, facts?: LogFacts): void;
}

export interface LogFileOptions {
  readonly path: string;
  readonly level?: LogLevel;
  /** Bytes after which the file becomes `path.1`, that one `path.2`, and so on. */
  readonly maxBytes?: number;
  /** How many files there are at most, the one being written included. */
  readonly maxFiles?: number;
  readonly now?: () => Date;
  /** Each line once more, for the foreground. */
  readonly echo?: (line: string) => void;
}

/** A log of JSON lines `{time, level, message, facts}`, 0600, rotated by size. Lines are written at once: what was logged before a crash is there. */
export class LogFile implements Logger, Disposable {
  readonly #options: Required<Omit<LogFileOptions, 'echo'>> & Pick<LogFileOptions, 'echo'>;
  readonly #threshold: number;
  #descriptor: number | undefined;
  #size = 0;

  constructor(options: LogFileOptions) {
    this.#options = { level: 'info', maxBytes: 5 * 1024 * 1024, maxFiles: 3, now: () => new Date(), ...options };
    this.#threshold = logLevels.indexOf(this.#options.level);
    this.#open();
  }

  error(message: string, facts?: LogFacts): void {
    this.#write('error', message, facts);
  }

  warn(message: string, facts?: LogFacts): void {
    this.#write('warn', message, facts);
  }

  info(message: string, facts?: LogFacts): void {
    this.#write('info', message, facts);
  }

  debug(message: string, facts?: LogFacts): void {
    this.#write('debug', message, facts);
  }

  trace(message: string, facts?: LogFacts): void {
    this.#write('trace', message, facts);
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): void {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = constants;
    this.#descriptor = openSync(this.#options.path, O_WRONLY | O_APPEND | O_CREAT | (O_NOFOLLOW ?? 0), 0o600);
    if (process.platform !== 'win32') chmodSync(this.#options.path, 0o600);
    this.#size = fstatSync(this.#descriptor).size;
  }

  #rotate(): void {
    const { path, maxFiles } = this.#options;
    this[Symbol.dispose]();
    try {
      rmSync(`${path}.${maxFiles - 1}`, { force: true });
      for (let index = maxFiles - 2; index >= 0; index -= 1) renameIfThere(index === 0 ? path : `${path}.${index}`, `${path}.${index + 1}`);
    } finally {
      this.#open();
    }
  }

  #write(level: LogLevel, message: string, facts: LogFacts | undefined): void {
    if (logLevels.indexOf(level) > this.#threshold || this.#descriptor === undefined) return;
    const shown = facts === undefined ? undefined : redactFacts(facts);
    const line = `${JSON.stringify({ time: this.#options.now().toISOString(), level, message, facts: shown })}\n`;
    this.#options.echo?.(line);
    try {
      if (this.#size + line.length > this.#options.maxBytes && this.#size > 0) this.#rotate();
      this.#size += writeSync(this.#descriptor, line);
    } catch (error) {
      // A full disk must not end the daemon over its log; the line goes where the foreground can see it.
      this.#options.echo?.(`${JSON.stringify({ level: 'error', message: 'Failed to write the log.', cause: redactFacts(error) })}\n`);
    }
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
