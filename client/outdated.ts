import { HoldfastError } from '../protocol/errors.ts';
import type { HelloResult } from '../protocol/hello.ts';
import { sessionMakeWay } from '../protocol/methods/session.ts';
import type { CallOptions, DaemonConnection } from './connection.ts';
import { CutOnAbort } from './cutOnAbort.ts';

/** What the program on this side is, and what is there of the daemon's. */
export interface OwnProgram {
  readonly programVersion: string;
  readonly exists: (path: string) => boolean;
}

/**
 * Why the daemon that runs should make way for the one that this client would start: as a clause, `undefined` where it need not. A newer one stays, and so
 * does one on another runtime: two clients that each start their own would end each other's daemon by turns.
 */
export function outdatedReason(
  daemon: Pick<HelloResult, 'programVersion' | 'runtimePath' | 'entryPath'>,
  own: OwnProgram,
): string | undefined {
  if (isOlder(daemon.programVersion, own.programVersion)) return `it was version ${daemon.programVersion}, not ${own.programVersion}`;
  const gone = [daemon.runtimePath, daemon.entryPath].find((path) => !own.exists(path));
  return gone === undefined ? undefined : `it ran from ${gone}, which is not there any more`;
}

/**
 * Asks an outdated daemon to end; `false` where work is under way: it serves until the next client finds it idle. Resolves once its connection is closed.
 * An abort ends the connection and rejects with `cancelled`.
 */
export async function makesWay(connection: DaemonConnection, { signal }: CallOptions = {}): Promise<boolean> {
  using cut = new CutOnAbort(connection, signal);
  try {
    await cut.wait(connection.call(sessionMakeWay, {}));
  } catch (error) {
    if (!HoldfastError.is(error) || error.code === 'cancelled') throw error;
    // Somebody else may have ended it; whatever else it says, it is a daemon that answers.
    return error.code === 'daemonEnded';
  }
  await connection.closed;
  return true;
}

function isOlder(version: string, than: string): boolean {
  const [left, right] = [version, than].map((text) => /^(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number));
  if (left === undefined || right === undefined) return false;
  const at = left.findIndex((number, index) => number !== right[index]);
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0);
}
