import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import type { Method } from '../../protocol/method.ts';
import { sessionStepUp } from '../../protocol/methods/session.ts';
import { askSecret } from '../ui/askSecret.ts';
import { confirmed } from '../ui/confirm.ts';
import type { DaemonService } from './daemonService.ts';

/**
 * Calls a method that may ask first: for the user's word, with a button that names the act, or for a passphrase once more. The parameters are made anew
 * for each try, because a secret and a request id serve one request. `undefined` when the user left a question; nothing was changed then.
 */
export async function ask<Params, Result>(
  daemon: DaemonService,
  method: Method<Params, Result>,
  act: string,
  params: (isConfirmed: boolean) => Params | Promise<Params>,
): Promise<Result | undefined> {
  let isConfirmed = false;
  let isSteppedUp = false;
  for (;;) {
    try {
      return await daemon.call(method, await params(isConfirmed));
    } catch (error) {
      if (HoldfastError.is(error, 'confirmationNeeded') && !isConfirmed) {
        const [question, ...rest] = escaped(error.message).split(/(?<=\?) /);
        if (!(await confirmed({ question: question ?? '', detail: rest.join(' '), act }))) return undefined;
        isConfirmed = true;
      } else if (HoldfastError.is(error, 'stepUpNeeded') && !isSteppedUp) {
        if (!(await stepUp(daemon, act))) return undefined;
        isSteppedUp = true;
      } else {
        throw error;
      }
    }
  }
}

/** Asks for a passphrase once more, as proof of who asks. `false` where the user left. */
export async function stepUp(daemon: DaemonService, act: string): Promise<boolean> {
  return await askSecret({
    title: act,
    prompt: vscode.l10n.t('Passphrase of any passkey, to go on'),
    use: async (secret) => {
      try {
        const { until } = await daemon.call(sessionStepUp, { passphrase: await daemon.sendSecret(secret) });
        daemon.noteStepUp(until);
        return undefined;
      } catch (error) {
        if (HoldfastError.is(error, 'wrongSecret')) return error.message;
        throw error;
      }
    },
  });
}
