import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import { passkeyRetire, passkeyUse, passkeyVerify } from '../../protocol/methods/passkeys.ts';
import { ask } from '../connection/asking.ts';
import type { Services } from '../services.ts';
import { askSecret } from '../ui/askSecret.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';
import { passkeyOf } from './pickThing.ts';

export async function usePasskey(services: Services, args: readonly unknown[]): Promise<void> {
  const passkey = await passkeyOf(services, args, {
    title: vscode.l10n.t('Use Passkey'),
    fits: ({ inUse, state }) => !inUse && state === 'ready',
  });
  if (passkey === undefined) return;
  await ask(services.daemon, passkeyUse, vscode.l10n.t('Use Passkey'), () => ({ passkey: passkey.id }));
}

/** Opens the slot anew with its own passphrase. */
export async function verifyPasskey(services: Services, args: readonly unknown[]): Promise<void> {
  const { daemon } = services;
  const passkey = await passkeyOf(services, args, {
    title: vscode.l10n.t('Verify Passkey'),
    fits: ({ kind }) => kind === 'passphrase',
  });
  if (passkey === undefined) return;
  const isVerified = await askSecret({
    title: vscode.l10n.t('Verify Passkey'),
    prompt: vscode.l10n.t('Passphrase of {0}', passkey.name),
    use: async (secret) => {
      try {
        await daemon.call(passkeyVerify, { passkey: passkey.id, passphrase: await daemon.sendSecret(secret) });
        return undefined;
      } catch (error) {
        if (HoldfastError.is(error, 'wrongSecret')) return error.message;
        throw error;
      }
    },
  });
  if (isVerified) tellQuietly(vscode.l10n.t('Passkey {0} is verified', passkey.name));
}

/** What it opened is opened by the others alone from then on: the user types its name. */
export async function retirePasskey(services: Services, args: readonly unknown[]): Promise<void> {
  const passkey = await passkeyOf(services, args, {
    title: vscode.l10n.t('Retire Passkey…'),
    fits: ({ inUse }) => !inUse,
  });
  if (passkey !== undefined) await retireNamed(services, passkey);
}

/** For a passkey that was chosen already. */
export async function retireNamed({ daemon }: Services, passkey: { readonly id: string; readonly name: string }): Promise<void> {
  if (!(await isNameTyped(passkey.name))) return;
  await ask(daemon, passkeyRetire, vscode.l10n.t('Retire Passkey'), (confirmed) => ({ passkey: passkey.id, confirmed }));
}

async function isNameTyped(name: string): Promise<boolean> {
  const typed = await vscode.window.showInputBox({
    title: vscode.l10n.t('Retire Passkey'),
    prompt: vscode.l10n.t('It will open nothing any more. Type its name to retire it: {0}', name),
    ignoreFocusOut: true,
    validateInput: (text) => (text === '' || name.startsWith(text) ? undefined : vscode.l10n.t('This is not its name.')),
  });
  if (typed === undefined) return false;
  if (typed === name) return true;
  throw HoldfastError.failedTo('refusedByRule', 'retire the passkey', 'its name was not typed', { fix: 'Type the whole name.' });
}
