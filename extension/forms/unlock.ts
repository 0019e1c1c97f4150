import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { type Passkey, passkeyList } from '../../protocol/methods/passkeys.ts';
import { sessionUnlock } from '../../protocol/methods/session.ts';
import { listAll } from '../connection/listAll.ts';
import { repeated } from '../connection/repeated.ts';
import type { Services } from '../services.ts';
import { askSecret } from '../ui/askSecret.ts';
import { askPick } from './quickInputs.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

/**
 * Asks for a passphrase until one opens, or the user gives up. Any passkey's passphrase will do where none is named; the user can name one, which tells him
 * apart from two that look alike.
 */
export async function askToUnlock({ daemon }: Services, named?: Named): Promise<boolean> {
  const title = vscode.l10n.t('Unlock Holdfast');
  const passkeys = (await repeated(daemon, () => listAll(daemon, passkeyList, {}))).filter(canBeTyped);
  let chosen: Named | undefined = named;
  return await askSecret({
    title,
    prompt: promptFor(chosen, passkeys),
    ...(passkeys.length < 2
      ? {}
      : {
          aside: {
            icon: 'key',
            tooltip: vscode.l10n.t('Choose a passkey'),
            ask: async () => {
              const picked = await pickPasskey(title, passkeys, chosen);
              if (picked === undefined) return undefined;
              chosen = picked === 'any' ? undefined : picked;
              return promptFor(chosen, passkeys);
            },
          },
        }),
    use: async (secret) => {
      try {
        await repeated(daemon, async () => {
          const passphrase = await daemon.sendSecret(secret);
          const { stepUpUntil } = await daemon.call(sessionUnlock, { ...(chosen === undefined ? {} : { passkey: chosen.id }), passphrase });
          daemon.noteStepUp(stepUpUntil);
        });
        return undefined;
      } catch (error) {
        if (HoldfastError.is(error, 'wrongSecret')) return error.message;
        throw error;
      }
    },
  });
}

function canBeTyped({ kind, state }: Passkey): boolean {
  return kind === 'passphrase' && state !== 'retired';
}

function promptFor(chosen: Named | undefined, passkeys: readonly Passkey[]): string {
  if (chosen !== undefined) return vscode.l10n.t('Passphrase of {0}', escaped(chosen.name));
  const [only] = passkeys;
  if (passkeys.length === 1 && only !== undefined) return vscode.l10n.t('Passphrase of {0}', escaped(only.name));
  const inUse = passkeys.find((passkey) => passkey.inUse);
  return inUse === undefined
    ? vscode.l10n.t('Passphrase of any passkey')
    : vscode.l10n.t('Passphrase of {0}, or of any other passkey', escaped(inUse.name));
}

async function pickPasskey(title: string, passkeys: readonly Passkey[], current: Named | undefined): Promise<Named | 'any' | undefined> {
  const choices = passkeys.map((passkey) => ({
    label: passkey.name,
    ...(passkey.inUse ? { description: vscode.l10n.t('in use') } : {}),
    icon: 'key',
    value: passkey.slotId,
  }));
  const outcome = await askPick<string, string>(
    { title, step: undefined, of: undefined, canGoBack: true },
    {
      placeholder: vscode.l10n.t('Whose passphrase do you have?'),
      choices: [
        { label: vscode.l10n.t('Any passkey'), description: vscode.l10n.t('each is tried'), icon: 'circle-outline', value: '' },
        ...choices,
      ],
      current: current?.id ?? '',
      next: (slotId) => slotId,
    },
  );
  if (outcome.kind !== 'next') return undefined;
  const found = passkeys.find(({ slotId }) => slotId === outcome.values);
  return found === undefined ? 'any' : { id: found.slotId, name: found.name };
}
