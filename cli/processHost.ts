import { spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, fstatSync } from 'node:fs';
import { open, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { WriteStream } from 'node:tty';
import { errorOfComplaint } from '../client/daemonComplaint.ts';
import { untilProcessEnded } from '../client/processEnd.ts';
import { launchCommand } from '../protocol/daemonLaunch.ts';
import { HoldfastError } from '../protocol/errors.ts';
import { systemCode } from '../protocol/systemCode.ts';
import { type Host, type Input, type Output, OutputClosed } from './host.ts';
import { LineInput } from './terminal/lineInput.ts';
import { readSecret } from './terminal/secretPrompt.ts';

const columnsElsewhere = 80;

/** The machine itself. `daemonEntry` is the daemon's entry file. */
export function processHost(daemonEntry: string): Host {
  return {
    environment: process.env,
    currentDirectory: process.cwd(),
    homeDirectory: homedir(),
    out: outputOf(process.stdout),
    err: outputOf(process.stderr),
    in: inputOf(),
    runtime: { version: process.versions.node, platform: process.platform, architecture: process.arch },
    now: () => new Date(),
    monotonic: () => performance.now(),
    random: (below) => randomInt(below),
    uuid: () => randomUUID(),
    exists: existsSync,
    readFile,
    othersMayRead,
    writeNewFile,
    connect: async ({ stateDirectory, start, onReplaced }) => {
      const { connectDaemon } = await import('../client/connect.ts');
      return await connectDaemon({
        stateDirectory,
        clientName: 'cli',
        ...(start ? { start: { entryPath: daemonEntry } } : {}),
        ...(onReplaced === undefined ? {} : { onReplaced }),
      });
    },
    serve: async (stateDirectory) => await serve(daemonEntry, stateDirectory),
    service: async (stateDirectory) => {
      const { stateService } = await import('../client/service/stateService.ts');
      return stateService({ stateDirectory, daemonFolder: bundleOf(daemonEntry) });
    },
    untilEnded: untilProcessEnded,
    onInterrupt,
    pause: async (milliseconds, signal) => {
      try {
        await wait(milliseconds, undefined, signal === undefined ? {} : { signal });
      } catch (error) {
        if (signal?.aborted !== true) throw error;
      }
    },
  };
}

function outputOf(stream: WriteStream & { readonly fd: number }): Output {
  let closed: Error | undefined;
  stream.on('error', (error) => {
    closed = error;
  });
  return {
    get isTerminal() {
      return stream.isTTY;
    },
    get isFile() {
      return fstatSync(stream.fd).isFile();
    },
    get columns() {
      // A terminal that does not know its size says 0.
      return stream.isTTY && stream.columns > 0 ? stream.columns : columnsElsewhere;
    },
    // Resolving only when the bytes are taken keeps a slow reader from filling our memory.
    write: async (data) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      if (closed === undefined) stream.write(data, (error) => (error === null || error === undefined ? resolve() : reject(error)));
      else reject(closed);
      try {
        await promise;
      } catch (error) {
        throw isClosedPipe(error) ? new OutputClosed('nobody reads any more') : writeFailed(error);
      }
    },
  };
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED');
}

function writeFailed(error: unknown): HoldfastError {
  const cause = error instanceof Error ? error.message : String(error);
  return new HoldfastError('diskFailed', `Failed to write the output: ${cause}.`, {
    fix: 'Make room, or send it somewhere else.',
    cause: error,
  });
}

function inputOf(): Input {
  let lines: LineInput | undefined;
  return {
    get isTerminal() {
      return process.stdin.isTTY && process.stderr.isTTY;
    },
    readLine: async () => {
      lines ??= new LineInput(process.stdin);
      return await lines.next();
    },
    readSecret: async (question) => await readSecret(question, process.stdin, (text) => process.stderr.write(text)),
    ask: async (question) => {
      const questions = createInterface({ input: process.stdin, output: process.stderr });
      const controller = new AbortController();
      questions.once('SIGINT', () => controller.abort());
      questions.once('close', () => controller.abort());
      try {
        return await questions.question(question, { signal: controller.signal });
      } catch (cause) {
        throw new HoldfastError('cancelled', 'Cancelled: nothing was changed.', { cause });
      } finally {
        questions.close();
      }
    },
  };
}

async function readFile(name: string, limit: number): Promise<Buffer> {
  await using file = await open(name, 'r');
  const bytes = Buffer.alloc(limit);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, length, limit - length, null);
    length += bytesRead;
    if (bytesRead === 0 || length === limit) return bytes.subarray(0, length);
  }
}

async function othersMayRead(name: string): Promise<boolean> {
  // Modes of Windows say nothing about who may read.
  if (process.platform === 'win32') return false;
  try {
    const facts = await stat(name);
    return facts.isFile() && (facts.mode & 0o044) !== 0;
  } catch (error) {
    // Whoever reads the file says what is wrong with it.
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

async function writeNewFile(name: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(name, bytes, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const code = systemCode(cause);
    if (code === 'EEXIST')
      throw HoldfastError.failedTo('badValue', `write ${name}`, 'it is there already', { fix: 'Name another file.', cause });
    throw HoldfastError.failedTo('diskFailed', `write ${name}`, code ?? 'unknown cause', {
      fix: 'Name a file in a folder that you may write to.',
      cause,
    });
  }
}

/** Only the bundle runs by itself; the sources need what is installed beside them. */
function bundleOf(daemonEntry: string): string {
  const folder = path.dirname(daemonEntry);
  return path.extname(daemonEntry) === '.js' ? folder : path.join(path.dirname(folder), 'dist', 'daemon');
}

async function serve(entryPath: string, stateDirectory: string): Promise<number> {
  const { command, args, environment } = launchCommand({
    platform: process.platform,
    runtimePath: process.execPath,
    isElectron: process.versions['electron'] !== undefined,
    entryPath: path.resolve(entryPath),
    args: ['--state', stateDirectory, '--foreground'],
    environment: process.env,
  });
  const child = spawn(command, args, { stdio: ['inherit', 'inherit', 'pipe'], env: environment });
  // Ctrl-C reaches the daemon through the terminal, and it says itself when it has ended; a signal to this process alone is handed on.
  const handOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handOn);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', (cause) => {
    const fix = 'Look whether the program is still whole, or install it anew.';
    reject(
      new HoldfastError('failed', `Failed to start the daemon: ${command} can not be run (${systemCode(cause) ?? 'unknown cause'}).`, {
        fix,
        cause,
      }),
    );
  });
  // What it logs is shown as it comes; the one line that says why it could not start is ours to say.
  let complaint: HoldfastError | undefined;
  createInterface({ input: child.stderr }).on('line', (line) => {
    const error = errorOfComplaint(line);
    if (error === undefined) process.stderr.write(`${line}\n`);
    else complaint = error;
  });
  child.once('close', (code, signal) => (complaint === undefined ? resolve(code ?? (signal === 'SIGINT' ? 130 : 1)) : reject(complaint)));
  try {
    return await promise;
  } finally {
    for (const signal of signals) process.off(signal, handOn);
  }
}

function onInterrupt(listener: () => void): Disposable {
  process.on('SIGINT', listener);
  return { [Symbol.dispose]: () => void process.off('SIGINT', listener) };
}
