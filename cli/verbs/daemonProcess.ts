import { HoldfastError } from '../../protocol/errors.ts';
import { sessionLock, sessionStop } from '../../protocol/methods/session.ts';
import type { Call } from '../call.ts';
import { counted } from '../../client/shown/units.ts';
import type { Result } from '../result.ts';
import type { Session } from '../session.ts';

const endMilliseconds = 20_000;

/** Where no daemon runs no keys are held: nothing is started only to be locked. */
export async function lock(_call: Call, session: Session): Promise<Result> {
  const daemon = await session.runningDaemon();
  if (daemon === undefined) return { document: { state: 'notRunning' }, lines: ['No daemon runs: nothing is unlocked.'], isNotice: true };
  const { state } = await daemon.call(sessionLock, {});
  return { document: { state }, lines: [state === 'notSetUp' ? 'Nothing is set up yet.' : 'Locked.'], isNotice: true };
}

export async function stop(_call: Call, session: Session): Promise<Result> {
  const daemon = await session.runningDaemon();
  if (daemon === undefined)
    return { document: { stopped: false, pid: null, cancelledActions: 0 }, lines: ['No daemon runs.'], isNotice: true };
  const { pid, cancelledActions } = await daemon.call(sessionStop, {});
  if (!(await session.host.untilEnded(pid, endMilliseconds))) {
    throw new HoldfastError('failed', `Failed to stop the daemon: process ${pid} has not ended after ${endMilliseconds / 1000} s.`, {
      fix: 'Wait for it, or end the process.',
    });
  }
  const cancelled = cancelledActions === 0 ? '' : `, and ${counted(cancelledActions, 'action')} cancelled`;
  return { document: { stopped: true, pid, cancelledActions }, lines: [`Stopped the daemon${cancelled}.`], isNotice: true };
}

export async function serve(_call: Call, session: Session): Promise<Result> {
  return { document: null, isPrinted: true, exitStatus: await session.host.serve(session.stateDirectory) };
}
