import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import type { ServiceKind } from '../../protocol/keyServices.ts';
import { sessionInit, sessionUnlock } from '../../protocol/methods/session.ts';
import type { DaemonService } from '../connection/daemonService.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';
import { repeated } from '../connection/repeated.ts';
import { withSecret } from '../connection/withSecret.ts';
import type { Services } from '../services.ts';
import { knownSourceSteps, type NewPassphrase, noPassphrase, passphraseFrom, sourceChoices } from './newPassphrase.ts';
import { partOf } from './partOf.ts';
import { keyCredentials } from './passkey/key/keyCredentials.ts';
import { emptyKey, type KeyDraft, type ServiceKey, serviceKeyOf, shownTarget } from './passkey/key/keyDraft.ts';
import { isOutside, keySteps } from './passkey/key/keySteps.ts';
import { outsideChoices } from './passkey/key/kindChoices.ts';
import { askPick } from './quickInputs.ts';
import { problemChoices, twoLines } from './sentences.ts';
import { runSteps, type Step, type StepOutcome, type StepPlace } from './steps.ts';

/** As in the command line. */
const usualName = { passphrase: 'passphrase', awsKms: 'aws-kms', vaultTransit: 'vault-transit' } as const;

interface Answers extends NewPassphrase, KeyDraft {}

/** Makes the installation with its first passkey, and leaves the daemon unlocked. `false` where the user left. */
export async function askToSetUp(services: Services): Promise<boolean> {
  const initial: Answers = { ...noPassphrase, ...emptyKey };
  const answers = await runSteps(vscode.l10n.t('Set Up Holdfast'), stepsOf(services), initial);
  if (answers === undefined) return false;
  if (!isOutside(answers)) await setUpWithPassphrase(services, answers.passphrase);
  return true;
}

function stepsOf(services: Services): readonly Step<Answers>[] {
  const ofPassphrase = (step: Step<Answers>): Step<Answers> =>
    partOf<Answers, Answers>(step, {
      isPart: (answers) => !isOutside(answers),
      part: (answers) => answers,
      whole: (_, answers) => answers,
    });
  return [
    { ask: askFirstKey },
    ...knownSourceSteps<Answers>().map(ofPassphrase),
    ...keySteps<Answers>(services),
    { isNeeded: isOutside, ask: (answers, place) => setUpWithKey(services, answers, place) },
  ];
}

async function askFirstKey(answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  return await askPick<Answers, NewPassphrase['source'] | ServiceKind>(place, {
    placeholder: vscode.l10n.t('What opens your backups? More can be added later, and each opens them.'),
    choices: [...sourceChoices(), ...outsideChoices()],
    current: answers.kind === 'passphrase' ? answers.source : answers.kind,
    next: (chosen) =>
      chosen === 'generated' || chosen === 'own'
        ? { ...answers, kind: 'passphrase', ...passphraseFrom(chosen) }
        : { ...answers, kind: chosen },
  });
}

async function setUpWithPassphrase({ daemon }: Services, typed: string): Promise<void> {
  const requestId = randomUUID();
  await withSecret(typed, async (bytes) => {
    try {
      await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Setting up Holdfast') },
        async () =>
          await repeated(daemon, async () => {
            const passphrase = await daemon.sendSecret(bytes);
            await daemon.call(sessionInit, { requestId, passkeyName: usualName.passphrase, passphrase });
          }),
      );
    } catch (error) {
      if (!HoldfastError.is(error, 'alreadySetUp')) throw error;
      await openWhatIsThere(daemon, bytes, error);
    }
  });
}

type Act = 'setUp' | 'look';

/** Says what it means, and sets up. Where that fails nothing is set up, and Back keeps what was typed. */
async function setUpWithKey(services: Services, answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  const key = serviceKeyOf(answers);
  if (key === undefined || answers.kind === 'passphrase') throw new RangeError('a passphrase is no key outside');
  let problem: HoldfastError | undefined;
  for (;;) {
    const outcome = await askPick<Act, Act>(place, {
      placeholder:
        problem === undefined
          ? vscode.l10n.t('Is this right? Go back to change it.')
          : vscode.l10n.t('Nothing was set up. Go back to change what you typed.'),
      choices: [
        problem === undefined
          ? { label: vscode.l10n.t('Set Up with This Key'), description: shownTarget(key.target), icon: 'check', value: 'setUp' }
          : { label: vscode.l10n.t('Try Again'), description: shownTarget(key.target), icon: 'refresh', value: 'setUp' },
        ...(problem === undefined ? [] : problemChoices<Act>(problem, 'error', 'look')),
        {
          ...twoLines(vscode.l10n.t('Whoever ends that key ends the backups. Add a passphrase as a second way in: New Passkey…')),
          icon: 'warning',
          value: 'look',
        },
      ],
      next: (act) => act,
    });
    if (outcome.kind !== 'next') return outcome.kind === 'back' ? { kind: 'back', values: answers } : outcome;
    if (outcome.values === 'look') continue;
    problem = await tryToSetUp(services, answers, usualName[answers.kind], key);
    if (problem === undefined) return { kind: 'next', values: answers };
  }
}

async function tryToSetUp(
  { daemon }: Services,
  answers: Answers,
  passkeyName: string,
  key: ServiceKey,
): Promise<HoldfastError | undefined> {
  const requestId = randomUUID();
  try {
    await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title: vscode.l10n.t('Setting up Holdfast') },
      async () =>
        await repeated(daemon, async () => {
          await daemon.call(sessionInit, { requestId, passkeyName, key: { ...key, ...(await keyCredentials(daemon, answers)) } });
        }),
    );
    return undefined;
  } catch (error) {
    const problem = asHoldfastError(error);
    return problem.code === 'alreadySetUp' && (await isOurs(daemon, answers, passkeyName, key)) ? undefined : problem;
  }
}

/** Of a daemon that set up and ended before it could say so: the key opens what is there. */
async function isOurs(daemon: DaemonService, answers: Answers, passkey: string, { access }: ServiceKey): Promise<boolean> {
  try {
    const { alreadyUnlocked } = await daemon.call(sessionUnlock, { passkey, access, ...(await keyCredentials(daemon, answers)) });
    return !alreadyUnlocked;
  } catch (error) {
    if (HoldfastError.is(error, 'unknownName', 'wrongSecret', 'keyServiceRefused', 'keyServiceUnavailable', 'badValue')) return false;
    throw error;
  }
}

/** Of a daemon that set up and ended before it could say so the passphrase is the right one; of whoever else set up meanwhile it is not. */
async function openWhatIsThere(daemon: DaemonService, passphrase: Uint8Array, cause: unknown): Promise<void> {
  if (await opens(daemon, passphrase)) return;
  throw HoldfastError.failedTo('alreadySetUp', 'set up Holdfast', 'it was set up meanwhile, from another window or the command line', {
    fix: 'Unlock it with the passphrase that was chosen there; the one shown here opens nothing.',
    cause,
  });
}

async function opens(daemon: DaemonService, bytes: Uint8Array): Promise<boolean> {
  try {
    const { stepUpUntil } = await repeated(daemon, async () => daemon.call(sessionUnlock, { passphrase: await daemon.sendSecret(bytes) }));
    return stepUpUntil !== null;
  } catch (error) {
    if (HoldfastError.is(error, 'wrongSecret')) return false;
    throw error;
  }
}
