import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import { type Passkey, passkeyList, passkeyUse, passkeyVerify } from '../../protocol/methods/passkeys.ts';
import { ask } from '../connection/asking.ts';
import { listAll } from '../connection/listAll.ts';
import { verifyWithKey } from '../forms/passkey/key/verifyWithKey.ts';
import type { Services } from '../services.ts';
import { askSecret } from '../ui/askSecret.ts';
import { plainText } from '../ui/plainText.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';
import { passkeyOf, type Thing } from './pickThing.ts';

export async function usePasskey(services: Services, args: readonly unknown[]): Promise<void> {
  const passkey = await passkeyOf(services, args, {
    title: vscode.l10n.t('Use Passkey'),
    fits: ({ inUse, state }) => !inUse && state === 'ready',
  });
  if (passkey === undefined) return;
  await ask(services.daemon, passkeyUse, vscode.l10n.t('Use Passkey'), () => ({ passkey: passkey.id }));
}

/** Opens the slot anew: with its own passphrase, or at its key service. Also of the passkey that an alert is about. */
export async function verifyPasskey(services: Services, args: readonly unknown[]): Promise<void> {
  const { daemon } = services;
  const passkey = await passkeyOf(services, args, { title: vscode.l10n.t('Verify Passkey') });
  if (passkey === undefined) return;
  const known = (await listAll(daemon, passkeyList, {})).find(({ slotId }) => slotId === passkey.id);
  const isVerified =
    known === undefined || known.kind === 'passphrase' ? await verifyTyped(services, passkey) : await verifyAtService(services, known);
  if (isVerified) tellQuietly(vscode.l10n.t('Passkey {0} is verified', passkey.name));
}

async function verifyAtService(services: Services, passkey: Pick<Passkey, 'slotId' | 'name' | 'kind'>): Promise<boolean> {
  const verified = await verifyWithKey(services, passkey);
  const [warning] = verified?.warnings ?? [];
  if (warning === undefined) return verified !== undefined;
  const text = vscode.l10n.t('The passkey {0} opens the backups. {1}', plainText(passkey.name), plainText(warning));
  void vscode.window.showWarningMessage(text);
  return false;
}

async function verifyTyped({ daemon }: Services, passkey: Thing): Promise<boolean> {
  return await askSecret({
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
}
