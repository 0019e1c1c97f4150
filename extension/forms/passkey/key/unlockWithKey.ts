import * as vscode from 'vscode';
import { HoldfastError } from '../../../../protocol/errors.ts';
import type { Passkey } from '../../../../protocol/methods/passkeys.ts';
import { sessionUnlock } from '../../../../protocol/methods/session.ts';
import { repeated } from '../../../connection/repeated.ts';
import type { Services } from '../../../services.ts';
import { plainText } from '../../../ui/plainText.ts';
import { askPick } from '../../quickInputs.ts';
import { problemChoices } from '../../sentences.ts';
import { askLogin } from './askLogin.ts';
import { keyCredentials } from './keyCredentials.ts';
import { type KeyDraft, serviceKeyOf } from './keyDraft.ts';

type Act = 'again' | 'login' | 'look' | { readonly instead: Passkey };

/** Asks the key service, without a question. Where it fails the reason stands there, with what else there is; a passkey that the user chose instead is answered. */
export async function unlockWithKey(
  services: Services,
  title: string,
  passkey: Passkey,
  passkeys: readonly Passkey[],
): Promise<Passkey | boolean> {
  let login: KeyDraft | undefined;
  for (;;) {
    const problem = await tryToUnlock(services, passkey, login);
    if (problem === undefined) return true;
    const act = await askWhatElse(title, passkey, passkeys, problem);
    if (act === undefined) return false;
    if (typeof act === 'object') return act.instead;
    if (act === 'login') login = (await askLogin(title, passkey.kind, 'once')) ?? login;
  }
}

async function tryToUnlock(
  { daemon }: Services,
  { slotId, name }: Passkey,
  login: KeyDraft | undefined,
): Promise<HoldfastError | undefined> {
  const access = login === undefined ? undefined : serviceKeyOf(login)?.access;
  try {
    const { stepUpUntil } = await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Unlocking with {0}', plainText(name)) },
      () =>
        repeated(daemon, async () =>
          daemon.call(sessionUnlock, {
            passkey: slotId,
            ...(access === undefined ? {} : { access }),
            ...(login === undefined ? {} : await keyCredentials(daemon, login)),
          }),
        ),
    );
    daemon.noteStepUp(stepUpUntil);
    return undefined;
  } catch (error) {
    if (HoldfastError.is(error, 'keyServiceRefused', 'keyServiceUnavailable', 'wrongSecret', 'damaged', 'badValue')) return error;
    throw error;
  }
}

async function askWhatElse(
  title: string,
  passkey: Passkey,
  passkeys: readonly Passkey[],
  problem: HoldfastError,
): Promise<Act | undefined> {
  const others = passkeys.filter(({ slotId, state }) => slotId !== passkey.slotId && state !== 'retired');
  for (;;) {
    const outcome = await askPick<Act, Act>(
      { title, step: undefined, of: undefined, canGoBack: false },
      {
        placeholder: vscode.l10n.t('The passkey {0} did not open. What now?', plainText(passkey.name)),
        choices: [
          { label: vscode.l10n.t('Try Again'), description: passkey.name, icon: 'refresh', value: 'again' },
          ...problemChoices<Act>(problem, 'error', 'look'),
          ...others.map((other) => ({
            label:
              other.kind === 'passphrase' ? vscode.l10n.t('Type the Passphrase of {0}', other.name) : vscode.l10n.t('Use {0}', other.name),
            icon: other.kind === 'passphrase' ? 'key' : 'cloud',
            value: { instead: other },
          })),
          {
            label: vscode.l10n.t('Log In Another Way…'),
            detail: vscode.l10n.t('With another file, profile or role, or with what you type, for this one time.'),
            icon: 'account',
            value: 'login',
          },
        ],
        next: (act) => act,
      },
    );
    if (outcome.kind !== 'next') return undefined;
    if (outcome.values !== 'look') return outcome.values;
  }
}
