import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { launchCommand } from '../protocol/daemonLaunch.ts';
import { HoldfastError } from '../protocol/errors.ts';
import { makeStateDirectory } from '../protocol/stateDirectory.ts';
import { systemCode } from '../protocol/systemCode.ts';
import { errorOfComplaint } from './daemonComplaint.ts';

export interface DaemonProgram {
  /** The daemon's entry file: `dist/daemon/main.js`, or `daemon/main.ts` in a checkout. */
  readonly entryPath: string;
  /** Node or VS Code's runtime; this process's own by default. */
  readonly runtimePath?: string;
  /** Further arguments, for example `--log-level`. */
  readonly args?: readonly string[];
}

/** A daemon that was started and has not failed yet. */
export interface StartingDaemon extends Disposable {
  readonly pid: number | undefined;
  /** Why it did not start, once its process has ended; `undefined` while it runs. */
  failure(): HoldfastError | undefined;
}

/** Starts a daemon that outlives this process: its own session, no open streams of ours, the home folder as working folder, a cleaned environment. */
export function startDaemon(stateDirectory: string, program: DaemonProgram): StartingDaemon {
  // A file instead of a pipe: the daemon must not depend on anybody who reads. It is removed when the daemon has started or failed.
  const complaints = path.join(stateDirectory, `start-${randomBytes(6).toString('hex')}.tmp`);
  const descriptor = openComplaints(stateDirectory, complaints);
  const { command, args, environment } = launchCommand({
    platform: process.platform,
    runtimePath: program.runtimePath ?? process.execPath,
    isElectron: process.versions['electron'] !== undefined,
    entryPath: program.entryPath,
    args: ['--state', stateDirectory, ...(program.args ?? [])],
    environment: process.env,
  });
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'ignore', descriptor], cwd: homedir(), env: environment });
  closeSync(descriptor);
  child.unref();
  let failure: HoldfastError | undefined;
  child.once('error', (error) => {
    failure = new HoldfastError(
      'failed',
      `Failed to start the daemon: ${command} can not be run (${systemCode(error) ?? 'unknown cause'}).`,
      {
        fix: 'Look whether the program is still whole, or install it anew.',
        cause: error,
      },
    );
  });
  child.once('exit', (code, signal) => {
    failure = readComplaint(complaints, code ?? signal);
  });
  return { pid: child.pid, failure: () => failure, [Symbol.dispose]: () => rmSync(complaints, { force: true }) };
}

/** Makes the state directory too, where it is missing. */
function openComplaints(stateDirectory: string, file: string): number {
  try {
    makeStateDirectory(stateDirectory);
    return openSync(file, 'wx', 0o600);
  } catch (error) {
    throw new HoldfastError('failed', `Failed to start the daemon in ${stateDirectory}: ${systemCode(error) ?? 'unknown cause'}.`, {
      fix: 'Name a directory that you may write to with --state DIR.',
      cause: error,
    });
  }
}

function readComplaint(file: string, status: number | string | null): HoldfastError {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // It ended without a word of its own: the status is all there is to tell.
  }
  const error = errorOfComplaint(text.trim().split('\n').at(-1) ?? '');
  if (error !== undefined) return error;
  return new HoldfastError('failed', `Failed to start the daemon: it ended with ${status}.`, { fix: 'Run "holdfast serve" to see why.' });
}
