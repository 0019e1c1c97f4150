import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import { sessionUnlock } from '../../protocol/methods/session.ts';
import type { Services } from '../services.ts';
import { askSecret } from '../ui/askSecret.ts';

/** Asks for the passphrase until it opens, or the user gives up. */
export async function unlock({ daemon }: Services): Promise<void> {
  const { status } = daemon.health;
  if (status?.state === 'unlocked') return;
  await askSecret({
    title: vscode.l10n.t('Unlock Holdfast'),
    prompt:
      status?.passkeyInUse === null || status === undefined
        ? vscode.l10n.t('Passphrase of any passkey')
        : vscode.l10n.t('Passphrase of {0}, or of any other passkey', status.passkeyInUse),
    use: async (secret) => {
      try {
        await daemon.call(sessionUnlock, { passphrase: await daemon.sendSecret(secret) });
        return undefined;
      } catch (error) {
        if (HoldfastError.is(error, 'wrongSecret')) return error.message;
        throw error;
      }
    },
  });
}
