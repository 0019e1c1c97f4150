import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { type Passkey, passkeyList, passkeyRotate, type PasskeyRotateParams, passkeyVerify } from '../../../protocol/methods/passkeys.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { ask } from '../../connection/asking.ts';
import { listAll } from '../../connection/listAll.ts';
import { withSecret } from '../../connection/withSecret.ts';
import type { Services } from '../../services.ts';
import { cancellable } from '../../ui/cancellable.ts';
import { plainText } from '../../ui/plainText.ts';
import { tellQuietly } from '../../ui/tellQuietly.ts';
import { noPassphrase, passphraseSteps, type NewPassphrase } from '../newPassphrase.ts';
import { askPick } from '../quickInputs.ts';
import { runSteps, type Step } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { rotatedBefore, type RotatedSlots } from './rotatedBefore.ts';
import { stepUpFirst } from './stepUpFirst.ts';

export type AfterRotation = 'keep' | 'retire';

export interface Rotated {
  readonly result: RotatedSlots;
  readonly after: AfterRotation;
}

interface Answers extends NewPassphrase {
  readonly after: AfterRotation;
}

/** A new passphrase in the place of an old one, and what becomes of the old one. `undefined` where the user left. */
export async function askToRotate(
  services: Services,
  passkey: { readonly id: string; readonly name: string },
): Promise<Rotated | undefined> {
  const title = vscode.l10n.t('Rotate Passkey {0}', passkey.name);
  const known = await whileUnlocked(services, () => listAll(services.daemon, passkeyList, {}));
  if (!(await stepUpFirst(services, title))) return undefined;
  const steps: readonly Step<Answers>[] = [
    {
      ask: (answers, place) =>
        askPick<Answers, AfterRotation>(place, {
          placeholder: vscode.l10n.t('The new passphrase takes the name {0}. What becomes of the old one?', passkey.name),
          choices: [
            {
              label: vscode.l10n.t('It opens the backups until I retire it'),
              detail: vscode.l10n.t('It gets a new name with the date. Best where it was not seen by anybody.'),
              icon: 'history',
              value: 'keep',
            },
            {
              label: vscode.l10n.t('It is retired at once'),
              detail: vscode.l10n.t('Best where somebody else may know it. You are asked once more, when the new one is in use.'),
              icon: 'trash',
              value: 'retire',
            },
          ],
          current: answers.after,
          next: (after) => ({ ...answers, after }),
        }),
    },
    ...passphraseSteps<Answers>(),
  ];
  const answers = await runSteps<Answers>(title, steps, { ...noPassphrase, after: 'keep' });
  if (answers === undefined) return undefined;
  const result = await rotate(services, title, passkey, answers.passphrase, known);
  return result === undefined ? undefined : { result, after: answers.after };
}

/** `undefined` where it was cancelled, or a question in between was left: one that was cut off is begun anew by the next. */
async function rotate(
  services: Services,
  title: string,
  { id, name }: { readonly id: string; readonly name: string },
  passphrase: string,
  known: readonly Passkey[],
): Promise<RotatedSlots | undefined> {
  const { daemon } = services;
  const requestId = randomUUID();
  return await withSecret(passphrase, async (bytes) => {
    const attempt = async (signal: AbortSignal): Promise<RotatedSlots | undefined> => {
      const before = await finishedBefore(services, id, known, bytes);
      if (before !== undefined) return before;
      const params = async (): Promise<PasskeyRotateParams> => ({ requestId, passkey: id, passphrase: await daemon.sendSecret(bytes) });
      return await ask(daemon, passkeyRotate, title, params, [], signal);
    };
    try {
      return await cancellable(
        vscode.l10n.t('Rotating the passkey {0}', plainText(name)),
        async (signal) => await whileUnlocked(services, async () => await attempt(signal)),
      );
    } catch (error) {
      if (!HoldfastError.is(error, 'cancelled')) throw error;
      // It may have been done before the word came.
      const before = await finishedBefore(services, id, known, bytes);
      if (before === undefined) {
        tellQuietly(vscode.l10n.t('Cancelled: the passkey {0} goes on with the passphrase that it had', name), 'circle-slash');
      }
      return before;
    }
  });
}

/** A daemon that ended after it had rotated: the passphrase opens the new slot. */
async function finishedBefore(
  { daemon }: Services,
  slotId: string,
  known: readonly Passkey[],
  bytes: Uint8Array,
): Promise<RotatedSlots | undefined> {
  const slots = await rotatedBefore(daemon, slotId, known);
  if (slots === undefined) return undefined;
  try {
    const passkey = await daemon.call(passkeyVerify, { passkey: slots.passkey.slotId, passphrase: await daemon.sendSecret(bytes) });
    return { ...slots, passkey };
  } catch (error) {
    if (HoldfastError.is(error, 'wrongSecret')) return undefined;
    throw error;
  }
}
