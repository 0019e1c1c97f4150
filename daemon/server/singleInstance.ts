import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { endpoint, endpointFileName } from '../../protocol/endpoint.ts';
import { HoldfastError } from '../../protocol/errors.ts';

const lockFileName = 'daemon.lock';

/** SQLITE_BUSY, SQLite's result codes. */
const busy = 5;
const askTimes = 20;
const askMilliseconds = 50;

/** Held for as long as this process is the state directory's daemon. */
export interface InstanceLock extends Disposable {
  readonly path: string;
}

/**
 * Takes the state directory for this process: an exclusive SQLite lock on `daemon.lock`, which the operating system gives up with the process, however that ends.
 * It needs no pid, so a pid that was given to another program means nothing; and of many starts at the same moment one wins.
 * (POSIX drops such locks when the process closes any other descriptor of the file: nothing else may open it.)
 * Throws `daemonAlreadyRunning`, with pid, start and state directory of the one that runs.
 */
export async function takeInstance(stateDirectory: string): Promise<InstanceLock> {
  const file = path.join(stateDirectory, lockFileName);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (isBusy(error)) throw await alreadyRunning(stateDirectory);
    throw new HoldfastError('failed', `Failed to lock the state directory ${stateDirectory}: ${describe(error)}.`, {
      fix: 'Look at the rights and the free space of that directory, or name another with --state DIR.',
      cause: error,
    });
  }
  const held = database;
  return {
    path: file,
    [Symbol.dispose]: () => {
      if (held.isOpen) held.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === busy;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown cause';
}

/** The one that holds the lock writes its endpoint file within moments; a file left by one that was killed names a process that is gone. */
async function alreadyRunning(stateDirectory: string): Promise<HoldfastError> {
  for (let attempt = 0; attempt < askTimes; attempt += 1) {
    const running = readRunning(path.join(stateDirectory, endpointFileName));
    if (running !== undefined) {
      return new HoldfastError(
        'daemonAlreadyRunning',
        `Failed to start a daemon for ${stateDirectory}: process ${running.pid} is running since ${running.startedAt}.`,
        { fix: 'Use that one, or end it with "holdfast stop".', details: { ...running, stateDirectory } },
      );
    }
    await wait(askMilliseconds);
  }
  return new HoldfastError(
    'daemonAlreadyRunning',
    `Failed to start a daemon for ${stateDirectory}: another one is starting or ending there.`,
    {
      fix: 'Try again in a moment.',
      details: { stateDirectory },
    },
  );
}

function readRunning(file: string): { readonly pid: number; readonly startedAt: string } | undefined {
  try {
    if (!existsSync(file)) return undefined;
    const read = endpoint.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (!read.success) return undefined;
    process.kill(read.data.pid, 0);
    return { pid: read.data.pid, startedAt: read.data.startedAt };
  } catch {
    // Not there any more, half a file, or a process that is gone: nothing to tell yet.
    return undefined;
  }
}
