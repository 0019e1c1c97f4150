import { mkdir } from 'node:fs/promises';
import * as vscode from 'vscode';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type Location, type LocationCheck, locationAdd, locationList, type LocationSaved } from '../../../protocol/methods/locations.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { asHoldfastError } from '../../connection/asHoldfastError.ts';
import { listAll } from '../../connection/listAll.ts';
import type { Services } from '../../services.ts';
import { askFolder, folderState } from '../folderStep.ts';
import { askName } from '../nameStep.ts';
import { proposedName } from '../proposedName.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import { problemChoices } from '../sentences.ts';
import { type Step, type StepOutcome, type StepPlace, subSteps, walkSteps } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';

interface Answers {
  readonly folder: string;
  readonly isMissing: boolean;
  readonly name: string;
  readonly location: Location | undefined;
}

const nothing: Answers = { folder: '', isMissing: false, name: '', location: undefined };

/** Asks for a new location until it is saved: a form of its own, or as a step of another. */
export async function askNewLocation(services: Services, within?: StepPlace): Promise<StepOutcome<Location>> {
  const known = await whileUnlocked(services, () => listAll(services.daemon, locationList, {}));
  const steps = stepsOf(services, known);
  const outcome =
    within === undefined
      ? await walkSteps({ title: vscode.l10n.t('New Location'), canLeave: false }, steps, nothing)
      : await subSteps({ ...within, title: vscode.l10n.t('{0}: New Location', within.title) }, steps, nothing);
  if (outcome.kind === 'back') return { kind: 'back' };
  if (outcome.kind === 'cancelled' || outcome.values.location === undefined) return { kind: 'cancelled' };
  return { kind: 'next', values: outcome.values.location };
}

function stepsOf(services: Services, known: readonly Location[]): readonly Step<Answers>[] {
  const taken = known.map(({ name }) => name);
  return [
    {
      ask: async (answers, place) => {
        const outcome = await askFolder<Answers>(place, {
          prompt: vscode.l10n.t(
            'Folder that restore points go to, best on another drive. A folder is not immutable: who can write there can delete them.',
          ),
          value: answers.folder,
          openLabel: vscode.l10n.t('Keep Restore Points Here'),
          mayBeMissing: true,
          problem: (folder) => {
            const same = known.find(({ path }) => path === folder);
            return same === undefined ? undefined : vscode.l10n.t('This is the folder of the location {0} already.', same.name);
          },
          next: (folder) => ({ ...answers, folder, name: nameFor(answers, folder, taken) }),
        });
        if (outcome.kind !== 'next') return outcome;
        return { kind: 'next', values: { ...outcome.values, isMissing: (await folderState(outcome.values.folder)) === 'missing' } };
      },
    },
    { isNeeded: ({ isMissing }) => isMissing, ask: makeFolder },
    {
      ask: (answers, place) =>
        askName(place, {
          prompt: vscode.l10n.t('Name of the location'),
          value: answers.name,
          taken,
          next: (name) => ({ ...answers, name }),
        }),
    },
    { ask: (answers, place) => save(services, answers, place) },
  ];
}

/** What the user typed stays; what was only proposed follows the folder. */
function nameFor(before: Answers, folder: string, taken: readonly string[]): string {
  const otherwise = vscode.l10n.t('backups');
  const isProposed = before.name === '' || before.name === proposedName(before.folder, taken, otherwise);
  return isProposed ? proposedName(folder, taken, otherwise) : before.name;
}

/** A folder that is not there may be a drive that is not mounted: what is made then lies on the wrong disk, so it is asked. */
async function makeFolder(answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  let problem: string | undefined;
  for (;;) {
    const again: Choice<'make'>[] = [
      {
        label: vscode.l10n.t('Make the Folder'),
        description: answers.folder,
        detail: problem ?? vscode.l10n.t('Not where a drive is to be mounted first: its content would hide this folder.'),
        icon: problem === undefined ? 'new-folder' : 'error',
        value: 'make',
      },
    ];
    const outcome = await askPick<Answers, 'make'>(place, {
      placeholder: vscode.l10n.t('There is no such folder. Go back to choose another one.'),
      choices: again,
      next: () => ({ ...answers, isMissing: false }),
    });
    if (outcome.kind !== 'next') return outcome;
    try {
      await mkdir(answers.folder, { recursive: true });
      return outcome;
    } catch (error) {
      problem = vscode.l10n.t('It cannot be made: the system says {0}.', systemCode(error) ?? '');
    }
  }
}

/** Where a check fails nothing is saved; the checks stand there with their ways out, to go back or to try again. */
async function save(services: Services, answers: Answers, place: StepPlace): Promise<StepOutcome<Answers>> {
  for (;;) {
    const saved = await tryToSave(services, answers);
    if (saved instanceof HoldfastError && saved.code === 'cancelled') return { kind: 'back' };
    const findings = saved instanceof HoldfastError ? problemChoices(saved, 'error', false) : choicesOfChecks(saved.checks);
    const location = saved instanceof HoldfastError ? null : saved.location;
    if (location !== null && findings.length === 0) return { kind: 'next', values: { ...answers, location } };
    const outcome = await askPick<boolean, boolean>(location === null ? place : { ...place, canGoBack: false }, {
      placeholder:
        location === null
          ? vscode.l10n.t('The location was not added. Go back to change it.')
          : vscode.l10n.t('The location {0} was added. What should be known of it:', location.name),
      choices: [
        location === null
          ? { label: vscode.l10n.t('Try Again'), description: answers.folder, icon: 'refresh', value: true }
          : { label: vscode.l10n.t('Go On'), icon: 'check', value: true },
        ...findings,
      ],
      next: (isFirst) => isFirst,
    });
    if (location !== null) return { kind: 'next', values: { ...answers, location } };
    if (outcome.kind !== 'next') return outcome.kind === 'back' ? { kind: 'back', values: answers } : outcome;
  }
}

async function tryToSave(services: Services, { name, folder }: Answers): Promise<LocationSaved | HoldfastError> {
  const { daemon } = services;
  const title = vscode.l10n.t('Checking {0}', folder);
  const attempt = (): Promise<LocationSaved> => daemon.call(locationAdd, { name, spec: { kind: 'filesystem', path: folder } });
  try {
    return await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => whileUnlocked(services, attempt));
  } catch (thrown) {
    const error = asHoldfastError(thrown);
    // A daemon that ended after it had saved: its second answer is that the name is taken, by this very location.
    const location = HoldfastError.is(error, 'nameTaken', 'refusedByRule') ? await savedBefore(services, name, folder) : undefined;
    return location === undefined ? error : { location, checks: [] };
  }
}

async function savedBefore({ daemon }: Services, name: string, folder: string): Promise<Location | undefined> {
  return (await listAll(daemon, locationList, {})).find((location) => location.name === name && location.path === folder);
}

function choicesOfChecks(checks: readonly LocationCheck[]): readonly Choice<boolean>[] {
  return checks
    .filter(({ result }) => result !== 'pass')
    .flatMap(({ result, detail, fix }) => problemChoices({ message: detail, fix }, result === 'fail' ? 'error' : 'warning', false));
}
