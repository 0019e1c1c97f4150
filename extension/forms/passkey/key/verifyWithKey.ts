import * as vscode from 'vscode';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { type Passkey, passkeyVerify } from '../../../../protocol/methods/passkeys.ts';
import { ask } from '../../../connection/asking.ts';
import type { Services } from '../../../services.ts';
import { cancellable } from '../../../ui/cancellable.ts';
import { plainText } from '../../../ui/plainText.ts';
import { askLogin } from './askLogin.ts';
import { keyCredentials } from './keyCredentials.ts';
import { type KeyDraft, serviceKeyOf } from './keyDraft.ts';

/** Problems of a key service that another login can cure. */
const ofTheLogin: ReadonlySet<unknown> = new Set(['accessDenied', 'badLogin', 'certificate', 'noCredentials', 'tokenExpired']);

/**
 * Asks the key service, without a question. Where it fails for how it was logged in, another login is offered, which the passkey keeps where it opens.
 * `undefined` where the user left; rejects with what another login would not cure.
 */
export async function verifyWithKey(services: Services, passkey: Pick<Passkey, 'slotId' | 'name' | 'kind'>): Promise<Passkey | undefined> {
  const title = vscode.l10n.t('Verify Passkey');
  let login: KeyDraft | undefined;
  for (;;) {
    try {
      return await verified(services, passkey, login, title);
    } catch (error) {
      if (!isOfTheLogin(error)) throw error;
      if (!(await wantsAnother(error))) return undefined;
      login = await askLogin(title, passkey.kind, 'sealed');
      if (login === undefined) return undefined;
    }
  }
}

async function verified(
  { daemon }: Services,
  { slotId, name }: Pick<Passkey, 'slotId' | 'name'>,
  login: KeyDraft | undefined,
  title: string,
): Promise<Passkey | undefined> {
  const access = login === undefined ? undefined : serviceKeyOf(login)?.access;
  const params = async () => ({
    passkey: slotId,
    ...(access === undefined ? {} : { access }),
    ...(login === undefined ? {} : await keyCredentials(daemon, login)),
  });
  return await cancellable(
    vscode.l10n.t('Verifying the passkey {0}', plainText(name)),
    async (signal) => await ask(daemon, passkeyVerify, title, params, [], signal),
  );
}

/** A machine that knows no login at all names no problem of the service. */
function isOfTheLogin(error: unknown): error is HoldfastError {
  if (!HoldfastError.is(error, 'keyServiceRefused')) return false;
  const problem = error.details?.['problem'];
  return problem === undefined || ofTheLogin.has(problem);
}

async function wantsAnother({ message, fix }: HoldfastError): Promise<boolean> {
  const another = vscode.l10n.t('Log In Another Way…');
  const sentence = plainText(fix === undefined ? message : `${message} ${fix}`);
  return (await vscode.window.showErrorMessage(sentence, another)) === another;
}
