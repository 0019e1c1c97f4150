import type { HelloResult } from '../protocol/hello.ts';

/** Why the daemon that runs should make way for the one that this client would start: as a clause, `undefined` where it need not. */
export function outdatedReason(
  daemon: Pick<HelloResult, 'programVersion' | 'runtimePath'>,
  own: Pick<HelloResult, 'programVersion' | 'runtimePath'>,
): string | undefined {
  if (daemon.programVersion !== own.programVersion) return `the daemon is version ${daemon.programVersion}, not ${own.programVersion}`;
  if (daemon.runtimePath !== own.runtimePath) return `the daemon runs on ${daemon.runtimePath}, not on ${own.runtimePath}`;
  return undefined;
}
