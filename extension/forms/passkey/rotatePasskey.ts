import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { type Passkey, passkeyList, passkeyRotate, type PasskeyRotateResult, passkeyVerify } from '../../../protocol/methods/passkeys.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { ask } from '../../connection/asking.ts';
import { listAll } from '../../connection/listAll.ts';
import { withSecret } from '../../connection/withSecret.ts';
import type { Services } from '../../services.ts';
import { noPassphrase, passphraseSteps, type NewPassphrase } from '../newPassphrase.ts';
import { askPick } from '../quickInputs.ts';
import { runSteps, type Step } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { stepUpFirst } from './stepUpFirst.ts';

export type AfterRotation = 'keep' | 'retire';

export interface Rotated {
  readonly result: Slots;
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
  const result = await rotate(services, title, passkey.id, answers.passphrase, known);
  return result === undefined ? undefined : { result, after: answers.after };
}

/** What is shown of a rotation. */
type Slots = Pick<PasskeyRotateResult, 'passkey' | 'previous'>;

async function rotate(
  services: Services,
  title: string,
  slotId: string,
  passphrase: string,
  known: readonly Passkey[],
): Promise<Slots | undefined> {
  const { daemon } = services;
  const requestId = randomUUID();
  return await withSecret(passphrase, async (bytes) => {
    return await whileUnlocked(services, async () => {
      const before = await rotatedBefore(services, slotId, known, bytes);
      if (before !== undefined) return before;
      return await ask(daemon, passkeyRotate, title, async () => ({
        requestId,
        passkey: slotId,
        passphrase: await daemon.sendSecret(bytes),
      }));
    });
  });
}

/** A daemon that ended after it had rotated: the slot in use is a new one, under the old one's name, and the passphrase opens it. */
async function rotatedBefore(
  { daemon }: Services,
  slotId: string,
  known: readonly Passkey[],
  bytes: Uint8Array,
): Promise<Slots | undefined> {
  const name = known.find((one) => one.slotId === slotId)?.name;
  const now = await listAll(daemon, passkeyList, {});
  const previous = now.find((one) => one.slotId === slotId);
  const fresh = now.find((one) => one.inUse && one.name === name && known.every((old) => old.slotId !== one.slotId));
  if (previous === undefined || fresh === undefined) return undefined;
  try {
    return { passkey: await daemon.call(passkeyVerify, { passkey: fresh.slotId, passphrase: await daemon.sendSecret(bytes) }), previous };
  } catch (error) {
    if (HoldfastError.is(error, 'wrongSecret')) return undefined;
    throw error;
  }
}
