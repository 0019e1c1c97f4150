import { HoldfastError, isErrorCode } from '../../protocol/errors.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';

/** Why an action has failed, as an error of this side. `attempt` completes "Failed to …" where the daemon gave none. */
export function errorOfAction({ error }: Pick<ActionWithResult, 'error'>, attempt: string): HoldfastError {
  if (error === null) return HoldfastError.failedTo('failed', attempt, 'the daemon does not say why');
  return new HoldfastError(isErrorCode(error.code) ? error.code : 'failed', error.message, error.fix === null ? {} : { fix: error.fix });
}
