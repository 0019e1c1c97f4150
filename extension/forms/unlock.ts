import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { type Passkey, passkeyList } from '../../protocol/methods/passkeys.ts';
import { sessionUnlock } from '../../protocol/methods/session.ts';
import { listAll } from '../connection/listAll.ts';
import { repeated } from '../connection/repeated.ts';
import type { Services } from '../services.ts';
import { askSecret } from '../ui/askSecret.ts';
import { unlockWithKey } from './passkey/key/unlockWithKey.ts';
import { type Choice, askPick } from './quickInputs.ts';

interface Named {
  readonly id: string;
  readonly name: string;
}

/**
 * Unlocks until it is done or the user gives up. Without a name it is the passkey in use: one at a key service is asked without a question, a passphrase is
 * asked of the user, and any passkey's will do. The user can name another one, which also tells him apart from two that look alike.
 */
export async function askToUnlock(services: Services, named?: Named): Promise<boolean> {
  const { daemon } = services;
  const title = vscode.l10n.t('Unlock Holdfast');
  const passkeys = (await repeated(daemon, () => listAll(daemon, passkeyList, {}))).filter(({ state }) => state !== 'retired');
  const first = passkeys.find(({ slotId, inUse }) => (named === undefined ? inUse : slotId === named.id));
  let chosen: Passkey | 'any' = first !== undefined && (named !== undefined || isOutside(first)) ? first : 'any';
  for (;;) {
    const outcome: Passkey | 'any' | boolean =
      chosen !== 'any' && isOutside(chosen)
        ? await unlockWithKey(services, title, chosen, passkeys)
        : await unlockWithPassphrase(services, title, chosen, passkeys);
    if (typeof outcome === 'boolean') return outcome;
    chosen = outcome;
  }
}

function isOutside({ kind }: Passkey): boolean {
  return kind !== 'passphrase';
}

/** A passkey at a key service where the user chose one instead. */
async function unlockWithPassphrase(
  { daemon }: Services,
  title: string,
  first: Passkey | 'any',
  passkeys: readonly Passkey[],
): Promise<Passkey | boolean> {
  const typed = passkeys.filter((passkey) => !isOutside(passkey));
  let chosen = first;
  let instead: Passkey | undefined;
  const isUnlocked = await askSecret({
    title,
    prompt: promptFor(chosen, typed),
    ...(passkeys.length < 2
      ? {}
      : {
          aside: {
            icon: 'key',
            tooltip: vscode.l10n.t('Choose a passkey'),
            ask: async () => {
              const picked = await pickPasskey(title, passkeys, chosen);
              if (picked === undefined) return undefined;
              if (picked !== 'any' && isOutside(picked)) {
                instead = picked;
                return null;
              }
              chosen = picked;
              return promptFor(chosen, typed);
            },
          },
        }),
    use: async (secret) => {
      try {
        await repeated(daemon, async () => {
          const passphrase = await daemon.sendSecret(secret);
          const { stepUpUntil } = await daemon.call(sessionUnlock, { ...(chosen === 'any' ? {} : { passkey: chosen.slotId }), passphrase });
          daemon.noteStepUp(stepUpUntil);
        });
        return undefined;
      } catch (error) {
        if (HoldfastError.is(error, 'wrongSecret')) return error.message;
        throw error;
      }
    },
  });
  return instead ?? isUnlocked;
}

function promptFor(chosen: Passkey | 'any', typed: readonly Passkey[]): string {
  if (chosen !== 'any') return vscode.l10n.t('Passphrase of {0}', escaped(chosen.name));
  const [only] = typed;
  if (typed.length === 1 && only !== undefined) return vscode.l10n.t('Passphrase of {0}', escaped(only.name));
  const inUse = typed.find((passkey) => passkey.inUse);
  return inUse === undefined
    ? vscode.l10n.t('Passphrase of any passkey')
    : vscode.l10n.t('Passphrase of {0}, or of any other passkey', escaped(inUse.name));
}

async function pickPasskey(title: string, passkeys: readonly Passkey[], current: Passkey | 'any'): Promise<Passkey | 'any' | undefined> {
  const choices = passkeys.map((passkey): Choice<Passkey | 'any'> => {
    const description = [...(isOutside(passkey) ? [kindName(passkey)] : []), ...(passkey.inUse ? [vscode.l10n.t('in use')] : [])];
    return {
      label: passkey.name,
      ...(description.length === 0 ? {} : { description: description.join(' · ') }),
      icon: isOutside(passkey) ? 'cloud' : 'key',
      value: passkey,
    };
  });
  const outcome = await askPick<Passkey | 'any', Passkey | 'any'>(
    { title, step: undefined, of: undefined, canGoBack: true },
    {
      placeholder: vscode.l10n.t('Whose passphrase do you have?'),
      choices: [
        { label: vscode.l10n.t('Any passkey'), description: vscode.l10n.t('each is tried'), icon: 'circle-outline', value: 'any' },
        ...choices,
      ],
      current,
      next: (passkey) => passkey,
    },
  );
  return outcome.kind === 'next' ? outcome.values : undefined;
}

function kindName({ kind }: Passkey): string {
  return kind === 'awsKms' ? 'AWS KMS' : 'Vault Transit';
}
