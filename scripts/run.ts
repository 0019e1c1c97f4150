import { spawn } from 'node:child_process';
import path from 'node:path';

/** The checkout. */
export const root: string = path.dirname(import.meta.dirname);

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** `inherit` shows the child's output as it comes; `collect` (the default) gives it back. */
  readonly output?: 'inherit' | 'collect';
  /** All of standard input; without it there is none. */
  readonly input?: string;
  /** Milliseconds after which the child is killed; its status is then `null`. */
  readonly limit?: number;
  /** Ends the child with SIGTERM. */
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** `null` where a signal ended it, 127 where it could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  /** Standard output and standard error as they came. */
  readonly output: string;
  readonly seconds: number;
}

/** Runs a program to its end; every outcome is an answer. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const started = performance.now();
  const isCollected = (options.output ?? 'collect') === 'collect';
  const child = spawn(command, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', isCollected ? 'pipe' : 'inherit', isCollected ? 'pipe' : 'inherit'],
    // npm is a script on Windows, which only a shell can start.
    shell: process.platform === 'win32' && command === 'npm',
    ...(options.limit === undefined ? {} : { timeout: options.limit, killSignal: 'SIGKILL' }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const stdout: Buffer[] = [];
  const all: Buffer[] = [];
  child.stdout?.on('data', (data: Buffer) => {
    stdout.push(data);
    all.push(data);
  });
  child.stderr?.on('data', (data: Buffer) => all.push(data));
  // A child that ends before it has read everything closes the pipe; its status says how that went.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.input);
  const status = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      all.push(Buffer.from(`${error.message}\n`));
      resolve(127);
    });
    child.once('close', (code) => resolve(code));
  });
  return {
    status,
    stdout: Buffer.concat(stdout).toString('utf8'),
    output: Buffer.concat(all).toString('utf8'),
    seconds: (performance.now() - started) / 1000,
  };
}
