import { HoldfastError } from '../../protocol/errors.ts';
import type { Right } from '../../protocol/method.ts';
import type { DaemonState } from '../../protocol/methods/session.ts';

/** Why a daemon in this state refuses a method of this right, before the step-up is looked at; `undefined` where it does not. */
export function refusalByState(right: Right, state: DaemonState): HoldfastError | undefined {
  switch (right) {
    case 'always':
      return undefined;
    case 'notSetUp':
      return state === 'notSetUp' ? undefined : alreadySetUp();
    case 'whileLocked':
      return state === 'notSetUp' ? notSetUp() : undefined;
    case 'unlocked':
    case 'stepUp':
      if (state === 'notSetUp') return notSetUp();
      return state === 'locked' ? locked() : undefined;
  }
}

export function stepUpNeeded(): HoldfastError {
  return new HoldfastError('stepUpNeeded', 'Failed to go on: this needs a passphrase of yours, given in the last 5 minutes.', {
    fix: 'Give a passphrase of any passphrase passkey (--step-up-file) and try again.',
  });
}

function notSetUp(): HoldfastError {
  return new HoldfastError('notSetUp', 'Failed to go on: nothing is set up in this state directory.', {
    fix: 'Set it up with "holdfast init", or get back what is stored with "holdfast import-stored".',
  });
}

function alreadySetUp(): HoldfastError {
  return new HoldfastError('alreadySetUp', 'Failed to set up: this state directory holds an installation already.', {
    fix: 'Go on with what it holds ("holdfast status"), or name an empty one with --state DIR.',
  });
}

function locked(): HoldfastError {
  return new HoldfastError('locked', 'Failed to go on: the daemon is locked.', { fix: 'Unlock it with "holdfast unlock".' });
}
