import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cliMain } from './cli.ts';
import type { ScratchState } from './daemon.ts';
import { endProcess } from './processes.ts';

/** A daemon in the foreground that a file of mode 000 stops. Disposing of it ends it. */
export interface RestrictedDaemon extends AsyncDisposable {
  readonly pid: number;
}

/**
 * Serves the state with a daemon that may not read everything, as users have it. Root loses for it the capabilities that ignore modes;
 * `undefined` where the system has no `setpriv` for that.
 */
export async function serveRestricted(scratch: ScratchState): Promise<RestrictedDaemon | undefined> {
  const serve = [process.execPath, cliMain, 'serve'];
  const isRoot = process.getuid?.() === 0;
  const [command = '', ...args] = isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', ...serve] : serve;
  const child = spawn(command, args, { env: { ...process.env, HOLDFAST_STATE: scratch.state }, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (!(await listens(child)) || pid === undefined) return undefined;
  return { pid, [Symbol.asyncDispose]: () => endProcess(pid) };
}

/** Resolves with true once it says that it listens, with false where it ends or never starts. */
async function listens(child: ChildProcess): Promise<boolean> {
  const said = new Promise<boolean>((resolve) => {
    const look = (data: Buffer): void => {
      if (data.includes('listens')) resolve(true);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
  });
  const ended = once(child, 'close').then(
    () => false,
    () => false,
  );
  return await Promise.race([said, ended]);
}
