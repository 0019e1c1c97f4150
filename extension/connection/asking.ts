import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import type { Method } from '../../protocol/method.ts';
import { passkeyList } from '../../protocol/methods/passkeys.ts';
import { sessionStepUp } from '../../protocol/methods/session.ts';
import { askSecret } from '../ui/askSecret.ts';
import { confirmed } from '../ui/confirm.ts';
import { plainText } from '../ui/plainText.ts';
import type { DaemonService } from './daemonService.ts';
import { listAll } from './listAll.ts';

/**
 * Calls a method that may ask first: for the user's word, with a button that names the act, or for a passphrase once more. The parameters are made anew
 * for each try, because a secret and a request id serve one request; `asked`: what the user has just said yes to. `undefined` when the user left a question;
 * nothing was changed then. `more`: lines to read beside the question; `signal`: cancels the calls of the method.
 */
export async function ask<Params, Result>(
  daemon: DaemonService,
  method: Method<Params, Result>,
  act: string,
  params: (isConfirmed: boolean, asked?: HoldfastError) => Params | Promise<Params>,
  more: readonly string[] = [],
  signal?: AbortSignal,
): Promise<Result | undefined> {
  let asked: HoldfastError | undefined;
  let isSteppedUp = false;
  for (;;) {
    try {
      return await daemon.call(method, await params(asked !== undefined, asked), signal === undefined ? {} : { signal });
    } catch (error) {
      if (HoldfastError.is(error, 'confirmationNeeded') && asked === undefined) {
        const [question, ...rest] = plainText(error.message).split(/(?<=\?) /);
        const detail = [rest.join(' '), ...more].filter((line) => line !== '').join('\n\n');
        if (!(await confirmed({ question: question ?? '', detail, act }))) return undefined;
        asked = error;
      } else if (HoldfastError.is(error, 'stepUpNeeded') && !isSteppedUp) {
        if (!(await stepUp(daemon, act))) return undefined;
        isSteppedUp = true;
      } else {
        throw error;
      }
    }
  }
}

/**
 * Asks for a passphrase once more, as proof of who asks; where no passkey is one, a key service is asked to unwrap anew. `false` where the user left.
 */
export async function stepUp(daemon: DaemonService, act: string): Promise<boolean> {
  const passkeys = await listAll(daemon, passkeyList, {});
  const hasPassphrase = passkeys.some(({ kind, state }) => kind === 'passphrase' && state === 'ready');
  return hasPassphrase ? await askPassphrase(daemon, act) : await unwrapAnew(daemon, act);
}

async function askPassphrase(daemon: DaemonService, act: string): Promise<boolean> {
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

async function unwrapAnew(daemon: DaemonService, act: string): Promise<boolean> {
  const tryAgain = vscode.l10n.t('Try Again');
  for (;;) {
    try {
      const title = vscode.l10n.t('{0}: asking the key service', plainText(act));
      const { until } = await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Window, title },
        async () => await daemon.call(sessionStepUp, {}),
      );
      daemon.noteStepUp(until);
      return true;
    } catch (error) {
      if (!HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable', 'wrongSecret')) throw error;
      const { message, fix } = error;
      const chosen = await vscode.window.showErrorMessage(
        plainText(message),
        { modal: true, ...(fix === undefined ? {} : { detail: plainText(fix) }) },
        tryAgain,
      );
      if (chosen !== tryAgain) return false;
    }
  }
}
