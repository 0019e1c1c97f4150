import { HoldfastError } from '../../../protocol/errors.ts';
import type { KeyFacts } from '../../keys/agent/keyFacts.ts';
import type { KeyProblemKind } from '../../keys/agent/keyProblem.ts';

/** Whether a key service refused for one of these reasons. */
export function isProblem(error: unknown, ...kinds: readonly KeyProblemKind[]): error is HoldfastError {
  return HoldfastError.is(error, 'keyServiceRefused') && kinds.some((kind) => error.details?.['problem'] === kind);
}

/** What this program may not do is for somebody else to do, and then to go on: `refusedByRule`, with the command in `details`. */
export async function permitted(act: () => Promise<KeyFacts>, action: string): Promise<KeyFacts> {
  try {
    return await act();
  } catch (error) {
    if (!isProblem(error, 'accessDenied')) throw error;
    throw HoldfastError.failedTo('refusedByRule', action, 'this program may not', {
      fix:
        typeof error.details?.['command'] === 'string'
          ? 'Hand the command to whoever may run it, then rotate again.'
          : 'Have somebody do it, then rotate again.',
      details: error.details ?? {},
      cause: error,
    });
  }
}
