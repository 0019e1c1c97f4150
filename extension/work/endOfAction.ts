import { HoldfastError } from '../../protocol/errors.ts';
import { actionResult, type ActionWithResult, isEnded } from '../../protocol/methods/actions.ts';
import type { DaemonService } from '../connection/daemonService.ts';

/** Events can be missed: so often, in milliseconds, an action is looked at without one. */
const lookEvery = 5000;
/** So long, in milliseconds, a daemon may be away before whoever waits is told. */
const patience = 15_000;

/**
 * Waits for the end of an action, through a lost connection too: the work is the daemon's. Rejects with `daemonEnded` where the daemon stays away, and with
 * what `action.result` rejects with.
 */
export async function endOfAction(
  daemon: Pick<DaemonService, 'quietly' | 'onEvent'>,
  actionId: string,
  onProgress: (action: ActionWithResult) => void,
): Promise<ActionWithResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ActionWithResult>();
  let awaySince: number | undefined;
  let isLooking = false;
  let isWanted = false;
  /** An answer that is under way may be of before the event: then it is asked once more. */
  const look = async (): Promise<void> => {
    isWanted = true;
    if (isLooking) return;
    isLooking = true;
    try {
      while (isWanted) {
        isWanted = false;
        const action = await daemon.quietly.call(actionResult, { actionId });
        awaySince = undefined;
        if (isEnded(action.state)) resolve(action);
        else onProgress(action);
      }
    } catch (error) {
      if (!HoldfastError.is(error, 'daemonNotRunning', 'daemonEnded')) reject(error instanceof Error ? error : new Error(String(error)));
      awaySince ??= performance.now();
      if (performance.now() - awaySince > patience) reject(awayTooLong());
    } finally {
      isLooking = false;
    }
  };
  const listener = daemon.onEvent(({ name, subject }) => {
    if (name === 'lookAgain' || (name === 'action.changed' && subject === actionId)) void look();
  });
  const timer = setInterval(() => void look(), lookEvery);
  try {
    void look();
    return await promise;
  } finally {
    listener.dispose();
    clearInterval(timer);
  }
}

function awayTooLong(): HoldfastError {
  return HoldfastError.failedTo('daemonEnded', 'follow what was started', 'the daemon ended', {
    fix: 'Start it again; what was stored is used by the next run.',
  });
}
