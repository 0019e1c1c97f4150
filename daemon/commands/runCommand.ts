import { type ChildProcess, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import type { Readable } from 'node:stream';
import { systemCode } from '../../protocol/systemCode.ts';
import { commandEnvironment } from './commandEnvironment.ts';
import { LastBytes } from './lastBytes.ts';
import { endProcessGroup } from './processGroup.ts';

/** Bytes of standard error that are kept. */
export const standardErrorKept: number = 64 * 1024;

/** Milliseconds that an output may stay silent and open once its command has ended. */
const heldOutputTime = 5000;
/** And that standard error gets for what is still on its way. */
const lastWordsTime = 200;
/** A process that not even SIGKILL ends (its disk hangs) is left behind after so long. */
const killedTime = 2000;
/** A flood on standard error is read no faster than a piece (64 KiB) each so many milliseconds: it must not keep this thread from its work. */
const floodPause = 5;
const floodBegins = 1024 * 1024;

/** Gets standard output piece by piece; the next comes once what it returns has resolved. A piece is its own to keep. */
export type OutputSink = (piece: Uint8Array) => Promise<void> | undefined;

export interface CommandRequest {
  /** For `sh -c`; on Windows for `cmd /d /s /c`. */
  readonly command: string;
  /** Put beside what the daemon's environment has. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly timeLimit: number;
  readonly signal: AbortSignal;
  /** Left out: standard output goes nowhere, and may outlive the command. */
  readonly output?: OutputSink;
  /** For tests: milliseconds in the place of five seconds. */
  readonly heldOutputTime?: number;
}

/** How a command came to its end. */
export interface CommandEnd {
  /** `null` where a signal ended it, or it never started. */
  readonly exitStatus: number | null;
  readonly signal: string | null;
  /** Of standard output, as far as it was read. */
  readonly bytes: number;
  readonly seconds: number;
  /** Its last 64 KiB; may hold anything, control characters too. */
  readonly standardError: string;
  /** Why it counts as failed, as the end of a sentence; `null` where it ended with status 0 and its output is whole. */
  readonly problem: string | null;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs a command of the user's in the home folder: a process group of its own, nothing on standard input. A status other than 0, a signal, the
 * time limit and `signal` all end it with its whole group, and stand in the result; an output that a process which it left behind keeps open
 * does so too, since nobody knows whether it is whole. Rejects only with what `output` rejected with, after having ended everything.
 */
export async function runCommand(request: CommandRequest): Promise<CommandEnd> {
  const startedAt = performance.now();
  const nothing = { exitStatus: null, signal: null, bytes: 0, seconds: 0, standardError: '' };
  if (request.signal.aborted) return { ...nothing, problem: 'it was cancelled' };
  let child: ChildProcess;
  try {
    child = start(request);
  } catch (error) {
    return { ...nothing, problem: notStarted(error) };
  }
  return await new RunningCommand(child, request, startedAt).end();
}

function start({ command, environment, output }: CommandRequest): ChildProcess {
  return spawn(command, {
    shell: true,
    cwd: homedir(),
    env: commandEnvironment(process.env, environment),
    // A group, and a session, of its own: it can be ended as a whole, and no terminal can ask it anything.
    detached: process.platform !== 'win32',
    stdio: ['ignore', output === undefined ? 'ignore' : 'pipe', 'pipe'],
    windowsHide: true,
  });
}

class RunningCommand {
  readonly #child: ChildProcess;
  readonly #request: CommandRequest;
  readonly #startedAt: number;
  readonly #standardError = new LastBytes(standardErrorKept);
  readonly #exited: PromiseWithResolvers<Exit> = Promise.withResolvers();
  /** Resolves with why it is ended before its time. */
  readonly #stopped: PromiseWithResolvers<string> = Promise.withResolvers();
  #exit: Exit | undefined;
  #sinkFailure: { readonly error: unknown } | undefined;
  #bytes = 0;
  #isEnding = false;
  /** When output was last asked for; `undefined` while a piece of it is being taken. */
  #silentSince: number | undefined;

  constructor(child: ChildProcess, request: CommandRequest, startedAt: number) {
    this.#child = child;
    this.#request = request;
    this.#startedAt = startedAt;
  }

  async end(): Promise<CommandEnd> {
    const { signal, timeLimit } = this.#request;
    const onAbort = (): void => this.#stopped.resolve('it was cancelled');
    signal.addEventListener('abort', onAbort, { once: true });
    const timeIsUp = setTimeout(() => this.#stopped.resolve(`it took longer than ${timeLimit} s`), timeLimit * 1000);
    const watch = setInterval(() => this.#lookAtOutput(), 100);
    const errorsRead = this.#readErrors();
    this.#watchExit();
    try {
      const whole = Promise.all([this.#exited.promise, this.#readOutput()]).then(() => null);
      const stopped = await Promise.race([whole, this.#stopped.promise]);
      const problem = stopped ?? (this.#exit === undefined ? null : problemOf(this.#exit));
      if (problem !== null) await this.#endGroup();
      await settledWithin(errorsRead, lastWordsTime);
      if (this.#sinkFailure !== undefined) throw this.#sinkFailure.error;
      return {
        exitStatus: this.#exit?.code ?? null,
        signal: this.#exit?.signal ?? null,
        bytes: this.#bytes,
        seconds: (performance.now() - this.#startedAt) / 1000,
        standardError: this.#standardError.text(),
        problem,
      };
    } finally {
      this.#isEnding = true;
      clearTimeout(timeIsUp);
      clearInterval(watch);
      signal.removeEventListener('abort', onAbort);
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
      // One that outlives SIGKILL must not keep this process from ending.
      this.#child.unref();
    }
  }

  #watchExit(): void {
    this.#child.once('error', (error) => {
      this.#stopped.resolve(notStarted(error));
      this.#exited.resolve({ code: null, signal: null });
    });
    this.#child.once('exit', (code, signal) => {
      this.#exit = { code, signal };
      this.#exited.resolve(this.#exit);
      // What a command that failed left on its output is of no use.
      const problem = problemOf(this.#exit);
      if (problem !== null) this.#stopped.resolve(problem);
    });
  }

  /** Resolves at the end of standard output. */
  async #readOutput(): Promise<void> {
    const { stdout } = this.#child;
    const { output } = this.#request;
    if (stdout === null || output === undefined) return;
    this.#silentSince = performance.now();
    try {
      for await (const piece of pieces(stdout)) {
        if (this.#isEnding) return;
        this.#silentSince = undefined;
        this.#bytes += piece.length;
        await this.#hand(output, piece);
        this.#silentSince = performance.now();
      }
    } catch (error) {
      if (!this.#isEnding) this.#stopped.resolve(`its output could not be read (${systemCode(error) ?? 'unknown cause'})`);
    }
  }

  async #hand(output: OutputSink, piece: Uint8Array): Promise<void> {
    try {
      await output(piece);
    } catch (error) {
      this.#sinkFailure = { error };
      this.#isEnding = true;
      this.#stopped.resolve('its output was not taken');
    }
  }

  /** Only silence counts: what has ended may have left much in the pipe, and whoever takes it may be slow. */
  #lookAtOutput(): void {
    const limit = this.#request.heldOutputTime ?? heldOutputTime;
    if (this.#exit === undefined || this.#silentSince === undefined || performance.now() - this.#silentSince < limit) return;
    this.#stopped.resolve('a process that it left behind kept its output open');
  }

  /** Resolves at the end of standard error. */
  async #readErrors(): Promise<void> {
    const { stderr } = this.#child;
    if (stderr === null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen = 0;
    stderr.on('data', (piece: Buffer) => {
      this.#standardError.push(piece);
      seen += piece.length;
      if (seen < floodBegins) return;
      stderr.pause();
      setTimeout(() => stderr.resume(), floodPause);
    });
    stderr.once('close', resolve);
    stderr.once('error', () => resolve());
    await promise;
  }

  async #endGroup(): Promise<void> {
    this.#isEnding = true;
    const { pid } = this.#child;
    if (pid === undefined) return;
    await endProcessGroup(pid);
    await settledWithin(this.#exited.promise, killedTime);
  }
}

/** The bytes of a stream that carries nothing else. */
async function* pieces(stream: Readable): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of stream) if (piece instanceof Uint8Array) yield piece;
}

function problemOf({ code, signal }: Exit): string | null {
  if (signal !== null) return `it was ended by ${signal}`;
  return code === 0 ? null : `it ended with status ${code ?? 'unknown'}`;
}

function notStarted(error: unknown): string {
  return `it could not be started (${systemCode(error) ?? 'unknown cause'})`;
}

/** Resolves when `work` has settled, or after so many milliseconds. */
async function settledWithin(work: Promise<unknown>, milliseconds: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
