import { sessionStatus, sessionStop } from '../../protocol/methods/session.ts';
import { programVersion } from '../../protocol/version.ts';
import type { Assembly, AssemblySurroundings } from './assembly.ts';
import { handlerOf } from './handler.ts';

/** The smallest daemon: it says how it is and ends when told. */
export function assemble({ startedAt, stop }: AssemblySurroundings): Promise<Assembly> {
  return Promise.resolve({
    daemonState: () => 'notSetUp',
    handlers: Object.fromEntries([
      handlerOf(sessionStatus, () =>
        Promise.resolve({
          state: 'notSetUp',
          installationId: null,
          version: programVersion,
          pid: process.pid,
          startedAt: startedAt.toISOString(),
          passkeyInUse: null,
          safeUntil: null,
          lastBackup: null,
          runningActions: [],
          alerts: null,
          readOnly: false,
        }),
      ),
      handlerOf(sessionStop, () => {
        stop();
        return Promise.resolve({ pid: process.pid, cancelledActions: 0 });
      }),
    ]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}
