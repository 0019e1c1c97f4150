import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import type * as z from 'zod';
import { currentTestTitle } from './mochaHooks.ts';
import { verbOf } from './verbs.ts';

/** The checkout. */
export const root: string = path.dirname(path.dirname(import.meta.dirname));
/** The built command line: the very file that users run. */
export const cliMain: string = path.join(root, 'dist', 'cli', 'main.js');

export interface CliOptions {
  /** The state directory, handed over as HOLDFAST_STATE. Without it the variable is unset. */
  readonly state?: string;
  /** All of standard input. Without it standard input is empty. */
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Interrupts the CLI with SIGINT, as Ctrl-C does. */
  readonly signal?: AbortSignal;
  /** After this many milliseconds the CLI is killed and the call rejects. Default 120,000. */
  readonly limit?: number;
}

export interface CliResult {
  /** `null` where a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Buffer;
  /** Standard output as JSON where `--json` was among the arguments, else `undefined`. Reading it throws where that was not one JSON document. */
  readonly json: unknown;
}

export interface RunningCli {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with all of the output so far once `pattern` is found in it; rejects where the CLI ends before. */
  outputMatching(pattern: RegExp, stream?: 'stdout' | 'stderr'): Promise<string>;
  readonly done: Promise<CliResult>;
}

function cleanEnvironment(options: CliOptions): NodeJS.ProcessEnv {
  const inherited: NodeJS.ProcessEnv = { ...process.env };
  for (const name of Object.keys(inherited))
    if (name.startsWith('HOLDFAST_') || name.startsWith('npm_') || name === 'INIT_CWD') delete inherited[name];
  return {
    ...inherited,
    NO_COLOR: '1',
    ...(options.state === undefined ? {} : { HOLDFAST_STATE: options.state }),
    ...options.env,
  };
}

function log(args: readonly string[], status: number | null): void {
  const file = process.env['HOLDFAST_VERBS_LOG'];
  const verb = verbOf(args);
  if (file !== undefined && verb !== undefined) appendFileSync(file, `${JSON.stringify({ verb, status, test: currentTestTitle() })}\n`);
}

function resultOf(args: readonly string[], status: number | null, out: readonly Buffer[], err: readonly Buffer[]): CliResult {
  const stdoutBytes = Buffer.concat(out);
  const stdout = stdoutBytes.toString('utf8');
  return {
    status,
    stdout,
    stdoutBytes,
    stderr: Buffer.concat(err).toString('utf8'),
    get json(): unknown {
      return args.includes('--json') ? (JSON.parse(stdout) as unknown) : undefined;
    },
  };
}

function follow(
  child: ChildProcess,
  out: readonly Buffer[],
  err: readonly Buffer[],
  ended: Promise<unknown>,
): RunningCli['outputMatching'] {
  return async (pattern, stream = 'stdout') => {
    const source = stream === 'stdout' ? child.stdout : child.stderr;
    const seen = (): string => Buffer.concat(stream === 'stdout' ? out : err).toString('utf8');
    const over = new AbortController();
    const end = ended.then(
      () => over.abort(),
      () => over.abort(),
    );
    while (!pattern.test(seen())) {
      if (over.signal.aborted) throw new Error(`the CLI ended without ${String(pattern)} on its ${stream}: ${seen()}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      source?.once('data', wake);
      await Promise.race([promise, end]);
      source?.off('data', wake);
    }
    return seen();
  };
}

/** Starts the built CLI under the Node that runs the tests, and leaves it running. The caller awaits `done`. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  if (!existsSync(cliMain)) throw new Error(`${cliMain} is not there: run npm run build first`);
  const child = spawn(process.execPath, [cliMain, ...args], {
    cwd: options.cwd ?? root,
    env: cleanEnvironment(options),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => out.push(data));
  child.stderr.on('data', (data: Buffer) => err.push(data));
  // A CLI that ends without reading all of its input closes the pipe; that is its right.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const interrupt = (): void => void child.kill('SIGINT');
  options.signal?.addEventListener('abort', interrupt, { once: true });
  const limit = options.limit ?? 120_000;
  let isOverdue = false;
  const timer = setTimeout(() => {
    isOverdue = true;
    child.kill('SIGKILL');
  }, limit);
  const done = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    // `close` and not `exit`: a daemon that inherited a pipe keeps the call waiting, and the limit makes that fault seen.
    child.once('close', (status) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', interrupt);
      log(args, status);
      if (isOverdue) reject(new Error(`holdfast ${args.join(' ')} did not end within ${limit} ms: ${Buffer.concat(err).toString('utf8')}`));
      else resolve(resultOf(args, status, out, err));
    });
  });
  return {
    pid: child.pid ?? -1,
    kill: (signal) => void child.kill(signal),
    outputMatching: follow(child, out, err, done),
    done,
  };
}

/** Runs the built CLI to its end. Every exit status is an answer; it rejects only where the CLI can't be started or does not end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return await startCli(args, options).done;
}

/** Runs `args --json`, demands `status` (default 0) and gives the document, checked against `shape`. */
export async function cliJson<Shape>(
  shape: z.ZodType<Shape>,
  args: readonly string[],
  options: CliOptions & { readonly status?: number } = {},
): Promise<Shape> {
  const result = await runCli([...args, '--json'], options);
  if (result.status !== (options.status ?? 0)) {
    throw new Error(`holdfast ${args.join(' ')} ended with ${result.status}, not ${options.status ?? 0}: ${result.stdout}${result.stderr}`);
  }
  return shape.parse(result.json);
}
