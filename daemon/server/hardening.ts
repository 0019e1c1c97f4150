import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type LaunchCommand, launchCommand, launchedFlag, runtimeOptions } from '../../protocol/daemonLaunch.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { systemCode } from '../../protocol/systemCode.ts';
import type { Logger } from './logger.ts';

export interface ProcessFacts {
  readonly execArgv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The soft limit for core files in bytes; `undefined` where this system does not tell. */
  readonly coreLimit: string | undefined;
}

/** In what way this process does not run as a daemon should; each a clause for the log. Empty: nothing to mend. */
export function launchProblems(facts: ProcessFacts): readonly string[] {
  const foreign = facts.execArgv.filter((option) => !runtimeOptions.includes(option));
  return [
    ...(facts.environment['NODE_OPTIONS'] ? ['NODE_OPTIONS is set'] : []),
    ...(foreign.length > 0 ? ['the runtime was given options of its own'] : []),
    ...(facts.execArgv.includes('--disable-sigusr1') ? [] : ['a signal can start the debugger']),
    ...(facts.coreLimit === undefined || facts.coreLimit === '0' ? [] : ['core files may be written']),
  ];
}

export function processFacts(): ProcessFacts {
  return { execArgv: process.execArgv, environment: process.env, coreLimit: readCoreLimit() };
}

/** Linux tells in /proc; a program cannot ask elsewhere without native code. */
function readCoreLimit(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  return /^Max core file size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
}

/**
 * Starts this process again, clean, where it needs that: `never` returns then on POSIX (same process id), and elsewhere when the other one has ended.
 * A process that was launched cleanly goes on, whatever could not be had.
 */
export async function runClean(args: readonly string[]): Promise<void> {
  const isLaunched = args.includes(launchedFlag);
  const isUnsure = process.platform !== 'linux' && process.platform !== 'win32';
  if (isLaunched || (launchProblems(processFacts()).length === 0 && !isUnsure)) return;
  const entryPath = process.argv[1];
  if (entryPath === undefined) return;
  const command = launchCommand({
    platform: process.platform,
    runtimePath: process.execPath,
    isElectron: process.versions['electron'] !== undefined,
    entryPath,
    args,
    environment: process.env,
  });
  if (process.platform !== 'win32' && typeof process.execve === 'function') {
    process.execve(command.command, [command.command, ...command.args], command.environment);
  }
  process.exit(await runInstead(command));
}

/** Runs the command in this process's place and gives its exit status. Rejects with `failed` where it can not be started. */
export function runInstead({ command, args, environment }: LaunchCommand): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit', env: environment });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      const message = `Failed to start the daemon: ${command} can not be run (${systemCode(cause) ?? 'unknown cause'}).`;
      reject(new HoldfastError('failed', message, { fix: 'Look whether the program is still whole, or install it anew.', cause }));
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** What a running process can do for itself: no diagnostic report by signal or crash, and signals that would start a debugger or end it are only written down. */
export function hardenProcess(log: Logger): void {
  process.umask(0o077);
  if (process.report !== undefined) {
    process.report.reportOnSignal = false;
    process.report.reportOnFatalError = false;
    process.report.reportOnUncaughtException = false;
  }
  if (process.platform === 'win32') return;
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    process.on(signal, () => log.warn('A signal was ignored.', { signal }));
  }
}
