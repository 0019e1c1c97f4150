import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { HoldfastError, isErrorCode } from '../../../protocol/errors.ts';
import { type ActionWithResult, actionCancel } from '../../../protocol/methods/actions.ts';
import type { ProtectedPolicy } from '../../../protocol/methods/restorePoints.ts';
import { type RestoreDocument, restoreDocument, restoreStart } from '../../../protocol/methods/restores.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { asHoldfastError } from '../../connection/asHoldfastError.ts';
import type { Services } from '../../services.ts';
import { confirmed } from '../../ui/confirm.ts';
import { plainText } from '../../ui/plainText.ts';
import { endOfAction } from '../../work/endOfAction.ts';
import { askFolder } from '../folderStep.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import type { Step, StepOutcome, StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import { pickEntries } from './pickEntries.ts';
import { pickPoint, pickPolicy } from './pickRestorePoint.ts';
import { amountWords, asksConflict, confirmationOf, conflictChoices, conflictOf, type RestorePlan, whereWords } from './restorePlan.ts';

export interface Given {
  readonly policies: readonly ProtectedPolicy[];
  readonly hasPoint: boolean;
  readonly hasPaths: boolean;
}

/** The steps of a restore, which end with the user's word. What was given by the row that it began on is not asked. */
export function restoringSteps(services: Services, given: Given): readonly Step<RestorePlan>[] {
  const dryRuns = new DryRuns(services);
  return [
    {
      isNeeded: () => !given.hasPoint && given.policies.length > 1,
      ask: (plan, place) => pickPolicy(plan, place, given.policies),
    },
    { isNeeded: () => !given.hasPoint, ask: (plan, place) => pickPoint(plan, place, services) },
    { isNeeded: () => !given.hasPaths, ask: askWhat },
    { isNeeded: ({ isChosen }) => !given.hasPaths && isChosen, ask: (plan, place) => pickEntries(plan, place, services) },
    { ask: askWhere },
    { isNeeded: ({ where }) => where === 'folder', ask: askTarget },
    { isNeeded: asksConflict, ask: askConflict },
    { ask: (plan, place) => askToBegin(plan, place, dryRuns) },
  ];
}

async function askWhat(plan: RestorePlan, place: StepPlace): Promise<StepOutcome<RestorePlan>> {
  return await askPick<RestorePlan, boolean>(place, {
    placeholder: vscode.l10n.t('What comes back of {0}?', plan.made),
    choices: [
      { label: vscode.l10n.t('Everything'), icon: 'files', value: false },
      { label: vscode.l10n.t('Files and Folders That I Choose…'), icon: 'list-tree', value: true },
    ],
    current: plan.isChosen,
    next: (isChosen) => ({ ...plan, isChosen, ...(isChosen ? {} : { paths: [] }) }),
  });
}

async function askWhere(plan: RestorePlan, place: StepPlace): Promise<StepOutcome<RestorePlan>> {
  return await askPick<RestorePlan, RestorePlan['where']>(place, {
    placeholder: vscode.l10n.t('Where to?'),
    choices: [
      {
        label: vscode.l10n.t('A folder…'),
        detail: vscode.l10n.t('To look at it, and to take what is needed from there.'),
        icon: 'folder',
        value: 'folder',
      },
      {
        label: vscode.l10n.t('In place'),
        detail: vscode.l10n.t('Where it came from, among what is there today.'),
        icon: 'replace',
        value: 'inPlace',
      },
    ],
    current: plan.where,
    next: (where) => ({ ...plan, where, ...(where === 'inPlace' && plan.conflict === 'refuse' ? { conflict: 'skip' as const } : {}) }),
  });
}

async function askTarget(plan: RestorePlan, place: StepPlace): Promise<StepOutcome<RestorePlan>> {
  const proposed = path.join(os.homedir(), 'restored', plan.made.replaceAll(':', '').replace(' ', '_'));
  const outcome = await askFolder<RestorePlan>(place, {
    prompt: vscode.l10n.t('Folder that it goes to; it is made where it is not there'),
    value: plan.folder === '' ? proposed : plan.folder,
    openLabel: vscode.l10n.t('Restore Here'),
    mayBeMissing: true,
    next: (folder) => ({ ...plan, folder }),
  });
  if (outcome.kind !== 'next') return outcome;
  const isFilled = await hasContent(outcome.values.folder);
  const conflict = plan.conflict === 'refuse' ? 'skip' : plan.conflict;
  return { kind: 'next', values: { ...outcome.values, isFilled, conflict } };
}

async function hasContent(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function askConflict(plan: RestorePlan, place: StepPlace): Promise<StepOutcome<RestorePlan>> {
  return await askPick(place, {
    placeholder: vscode.l10n.t('What of files that are there already?'),
    choices: conflictChoices(vscode.l10n),
    current: plan.conflict,
    next: (conflict) => ({ ...plan, conflict }),
  });
}

type Answer = 'begin' | 'again' | 'note';

/** What would be restored, by a run that writes nothing, and then the user's word. */
async function askToBegin(plan: RestorePlan, place: StepPlace, dryRuns: DryRuns): Promise<StepOutcome<RestorePlan>> {
  for (;;) {
    const dry = await dryRuns.of(plan);
    if (dry === 'cancelled') return { kind: 'back' };
    const outcome = await askPick<Answer, Answer>(place, {
      placeholder:
        dry instanceof HoldfastError
          ? vscode.l10n.t('This cannot be restored. Go back to change it.')
          : vscode.l10n.t('Look it over; nothing has been written yet'),
      choices: dry instanceof HoldfastError ? problemChoices(dry) : summaryChoices(plan, dry),
      next: (answer) => answer,
    });
    if (outcome.kind !== 'next') return { kind: outcome.kind };
    if (outcome.values === 'again') dryRuns.forget();
    if (outcome.values !== 'begin' || dry instanceof HoldfastError) continue;
    const question = confirmationOf(plan, dry, vscode.l10n);
    if (question === undefined || (await confirmed({ ...question, question: plainText(question.question) }))) {
      return { kind: 'next', values: plan };
    }
  }
}

function summaryChoices(plan: RestorePlan, dry: RestoreDocument): readonly Choice<Answer>[] {
  const group = vscode.l10n.t('What will not come back as it was');
  const notes = [
    ...dry.damaged.map(({ path: file, reason }): Choice<Answer> => ({ label: file, detail: reason, icon: 'error', group, value: 'note' })),
    ...dry.skipped.map(({ path: file, reason }): Choice<Answer> => ({ label: file, detail: reason, icon: 'info', group, value: 'note' })),
  ];
  const rest = dry.damagedCount + dry.skippedCount - notes.length;
  return [
    {
      label: vscode.l10n.t('Restore {0}', amountWords(dry)),
      icon: 'history',
      value: 'begin',
    },
    {
      label: vscode.l10n.t('What'),
      description: plan.paths.length === 0 ? vscode.l10n.t('everything') : plan.paths.join(', '),
      icon: 'files',
      value: 'note',
    },
    { label: vscode.l10n.t('As of'), description: plan.made, icon: 'clock', value: 'note' },
    { label: vscode.l10n.t('Where'), description: whereWords(plan, vscode.l10n), icon: 'folder', value: 'note' },
    { label: vscode.l10n.t('Look Again'), description: vscode.l10n.t('what would be written'), icon: 'refresh', value: 'again' },
    ...notes,
    ...(rest > 0 ? [{ label: vscode.l10n.t('and {0} more', rest), group, value: 'note' } satisfies Choice<Answer>] : []),
  ];
}

function problemChoices({ message, fix }: HoldfastError): readonly Choice<Answer>[] {
  return [
    { label: message, ...(fix === undefined ? {} : { detail: fix }), icon: 'error', value: 'note' },
    { label: vscode.l10n.t('Look Again'), icon: 'refresh', value: 'again' },
  ];
}

/** Runs a restore that writes nothing; the last one is remembered for as long as the plan is the same. */
class DryRuns {
  readonly #services: Services;
  #last: { readonly key: string; readonly document: RestoreDocument } | undefined;

  constructor(services: Services) {
    this.#services = services;
  }

  forget(): void {
    this.#last = undefined;
  }

  async of(plan: RestorePlan): Promise<RestoreDocument | HoldfastError | 'cancelled'> {
    const key = JSON.stringify(paramsOf(plan, true, ''));
    if (this.#last?.key === key) return this.#last.document;
    try {
      const action = await this.#run(plan);
      if (action.state === 'cancelled') return 'cancelled';
      const document = restoreDocument.safeParse(action.result);
      if (!document.success) return errorOf(action);
      this.#last = { key, document: document.data };
      return document.data;
    } catch (thrown) {
      const error = asHoldfastError(thrown);
      return error.code === 'cancelled' ? 'cancelled' : error;
    }
  }

  async #run(plan: RestorePlan): Promise<ActionWithResult> {
    const services = this.#services;
    const { daemon } = services;
    const params = paramsOf(plan, true, randomUUID());
    const { actionId } = await whileUnlocked(services, () => daemon.call(restoreStart, params));
    const title = vscode.l10n.t('Looking at what would be restored');
    return await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      async (_progress, token) => {
        token.onCancellationRequested(() => void daemon.quietly.call(actionCancel, { actionId }));
        return await endOfAction(daemon, actionId, () => undefined);
      },
    );
  }
}

function errorOf({ error }: ActionWithResult): HoldfastError {
  if (error === null) return HoldfastError.failedTo('failed', 'look at what would be restored', 'the daemon does not say why');
  return new HoldfastError(isErrorCode(error.code) ? error.code : 'failed', error.message, error.fix === null ? {} : { fix: error.fix });
}

/** The request that a plan stands for. */
export function paramsOf(
  plan: RestorePlan,
  dryRun: boolean,
  requestId: string,
): {
  readonly requestId: string;
  readonly restorePoint: string;
  readonly target: string | null;
  readonly paths: readonly string[];
  readonly conflict: RestorePlan['conflict'];
  readonly dryRun: boolean;
} {
  return {
    requestId,
    restorePoint: plan.restorePointId,
    target: plan.where === 'inPlace' ? null : plan.folder,
    paths: plan.paths,
    conflict: conflictOf(plan),
    dryRun,
  };
}
