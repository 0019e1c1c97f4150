import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type Passkey, passkeyAddPassphrase, type PasskeyKind, passkeyList, passkeyVerify } from '../../../protocol/methods/passkeys.ts';
import { ask } from '../../connection/asking.ts';
import { listAll } from '../../connection/listAll.ts';
import { withSecret } from '../../connection/withSecret.ts';
import type { Services } from '../../services.ts';
import { askName } from '../nameStep.ts';
import { type NewPassphrase, noPassphrase, passphraseSteps } from '../newPassphrase.ts';
import { partOf } from '../partOf.ts';
import { askPick } from '../quickInputs.ts';
import { runSteps, type Step, type StepOutcome, type StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { addKey } from './key/addKey.ts';
import { emptyKey, type KeyDraft } from './key/keyDraft.ts';
import { isOutside, keySteps } from './key/keySteps.ts';
import { outsideChoices } from './key/kindChoices.ts';
import { stepUpFirst } from './stepUpFirst.ts';

interface Answers extends NewPassphrase, KeyDraft {
  readonly name: string;
  readonly useNow: boolean;
  /** Of a key outside: once it is added. */
  readonly passkey: Passkey | undefined;
}

/** A further passkey that opens the backups. `undefined` where the user left. */
export async function askNewPasskey(services: Services): Promise<Passkey | undefined> {
  const title = vscode.l10n.t('New Passkey');
  const known = await whileUnlocked(services, () => listAll(services.daemon, passkeyList, {}));
  if (!(await stepUpFirst(services, title))) return undefined;
  const initial: Answers = { ...noPassphrase, ...emptyKey, name: '', useNow: false, passkey: undefined };
  const answers = await runSteps(title, stepsOf(services, title, known), initial);
  if (answers === undefined) return undefined;
  return isOutside(answers) ? answers.passkey : await addPassphrase(services, title, answers);
}

function stepsOf(services: Services, title: string, known: readonly Passkey[]): readonly Step<Answers>[] {
  const ofPassphrase = (step: Step<Answers>): Step<Answers> =>
    partOf<Answers, Answers>(step, {
      isPart: (answers) => !isOutside(answers),
      part: (answers) => answers,
      whole: (_, answers) => answers,
    });
  return [
    { ask: askKind },
    ...keySteps<Answers>(services),
    {
      ask: (answers, place) =>
        askName(place, {
          prompt: isOutside(answers)
            ? vscode.l10n.t('Name of the passkey')
            : vscode.l10n.t('Name of the passkey: who has the passphrase, or where it lies'),
          value: answers.name,
          taken: known.filter(({ state }) => state !== 'retired').map(({ name }) => name),
          next: (name) => ({ ...answers, name }),
        }),
    },
    { ask: (answers, place) => askUse(answers, place, known.find(({ inUse }) => inUse)?.name ?? '') },
    ...passphraseSteps<Answers>().map(ofPassphrase),
    { isNeeded: isOutside, ask: (answers, place) => addKey(services, title, answers, place) },
  ];
}

async function askKind(answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  return await askPick<Answers, PasskeyKind>(place, {
    placeholder: vscode.l10n.t('What opens the backups?'),
    choices: [
      {
        label: vscode.l10n.t('Passphrase'),
        detail: vscode.l10n.t('Words that somebody keeps. They open the backups whatever becomes of any service.'),
        icon: 'key',
        value: 'passphrase',
      },
      ...outsideChoices(),
    ],
    current: answers.kind,
    next: (kind) => ({ ...answers, kind }),
  });
}

async function askUse(answers: Answers, place: StepPlace, inUse: string): Promise<StepOutcome<Answers>> {
  return await askPick(place, {
    placeholder: vscode.l10n.t('Which passkey is asked for first from now on? Each of them opens the backups.'),
    choices: [
      {
        label: vscode.l10n.t('The one in use stays'),
        description: inUse,
        detail: vscode.l10n.t('The new one is a second way in, for the day when the first is lost.'),
        icon: 'key',
        value: false,
      },
      { label: vscode.l10n.t('Use the new one now'), description: answers.name, icon: 'arrow-swap', value: true },
    ],
    current: answers.useNow,
    next: (useNow) => ({ ...answers, useNow }),
  });
}

async function addPassphrase(services: Services, title: string, { name, useNow, passphrase }: Answers): Promise<Passkey | undefined> {
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
