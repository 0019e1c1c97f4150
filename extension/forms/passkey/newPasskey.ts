import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type Passkey, passkeyAddPassphrase, passkeyList, passkeyVerify } from '../../../protocol/methods/passkeys.ts';
import { ask } from '../../connection/asking.ts';
import { listAll } from '../../connection/listAll.ts';
import { withSecret } from '../../connection/withSecret.ts';
import type { Services } from '../../services.ts';
import { askName } from '../nameStep.ts';
import { type NewPassphrase, noPassphrase, passphraseSteps } from '../newPassphrase.ts';
import { askPick } from '../quickInputs.ts';
import { runSteps, type Step } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { stepUpFirst } from './stepUpFirst.ts';

interface Answers extends NewPassphrase {
  readonly name: string;
  readonly useNow: boolean;
}

/** A further passphrase that opens the backups. `undefined` where the user left. */
export async function askNewPasskey(services: Services): Promise<Passkey | undefined> {
  const title = vscode.l10n.t('New Passkey');
  const known = await whileUnlocked(services, () => listAll(services.daemon, passkeyList, {}));
  if (!(await stepUpFirst(services, title))) return undefined;
  const steps: readonly Step<Answers>[] = [
    {
      ask: (answers, place) =>
        askName(place, {
          prompt: vscode.l10n.t('Name of the passkey: who has the passphrase, or where it lies'),
          value: answers.name,
          taken: known.map(({ name }) => name),
          next: (name) => ({ ...answers, name }),
        }),
    },
    {
      ask: (answers, place) =>
        askPick(place, {
          placeholder: vscode.l10n.t('Which passkey is asked for first from now on? Each of them opens the backups.'),
          choices: [
            {
              label: vscode.l10n.t('The one in use stays'),
              description: known.find(({ inUse }) => inUse)?.name ?? '',
              detail: vscode.l10n.t('The new one is a second way in, for the day when the first is lost.'),
              icon: 'key',
              value: false,
            },
            { label: vscode.l10n.t('Use the new one now'), description: answers.name, icon: 'arrow-swap', value: true },
          ],
          current: answers.useNow,
          next: (useNow) => ({ ...answers, useNow }),
        }),
    },
    ...passphraseSteps<Answers>(),
  ];
  const answers = await runSteps(title, steps, { ...noPassphrase, name: '', useNow: false });
  if (answers === undefined) return undefined;
  return await add(services, title, answers);
}

async function add(services: Services, title: string, { name, useNow, passphrase }: Answers): Promise<Passkey | undefined> {
  const { daemon } = services;
  const requestId = randomUUID();
  let hasTried = false;
  return await withSecret(passphrase, async (bytes) => {
    return await whileUnlocked(services, async () => {
      const isRepeated = hasTried;
      hasTried = true;
      try {
        return await ask(daemon, passkeyAddPassphrase, title, async () => ({
          requestId,
          name,
          passphrase: await daemon.sendSecret(bytes),
          useNow,
        }));
      } catch (error) {
        // A daemon that ended after it had added the passkey: the name is taken, by one that this passphrase opens.
        if (!isRepeated || !HoldfastError.is(error, 'nameTaken')) throw error;
        return await daemon.call(passkeyVerify, { passkey: name, passphrase: await daemon.sendSecret(bytes) });
      }
    });
  });
}
