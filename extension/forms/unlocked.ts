import { HoldfastError } from '../../protocol/errors.ts';
import { sessionStatus } from '../../protocol/methods/session.ts';
import { repeated } from '../connection/repeated.ts';
import type { Services } from '../services.ts';
import { askToSetUp } from './setUp.ts';
import { askToUnlock } from './unlock.ts';

/** What a form needs before its first question: a daemon that runs, is set up and unlocked. Asks for what is missing; `false` where the user left. */
export async function isReady(services: Services): Promise<boolean> {
  const { state } = await repeated(services.daemon, () => services.daemon.call(sessionStatus, {}));
  if (state === 'notSetUp') return await askToSetUp(services);
  return state === 'unlocked' || (await askToUnlock(services));
}

/**
 * Does what a form asks of the daemon, however that fares meanwhile: one that ended is started again, one that is locked is unlocked by the user, and the
 * request made once more. Rejects with `cancelled` where the user leaves it locked. See `repeated` for what may be repeated.
 */
export async function whileUnlocked<Result>(services: Services, attempt: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await repeated(services.daemon, attempt);
    } catch (error) {
      if (!HoldfastError.is(error, 'locked')) throw error;
      if (!(await askToUnlock(services))) throw new HoldfastError('cancelled', 'Left locked.', { cause: error });
    }
  }
}
