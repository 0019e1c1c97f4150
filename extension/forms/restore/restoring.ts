import { readdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import type { ProtectedPolicy } from '../../../protocol/methods/restorePoints.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import type { Services } from '../../services.ts';
import { askFolder } from '../folderStep.ts';
import { askPick } from '../quickInputs.ts';
import type { Step, StepOutcome, StepPlace } from '../steps.ts';
import { askToBegin } from './askToBegin.ts';
import { DryRuns } from './dryRuns.ts';
import { pickEntries } from './pickEntries.ts';
import { pickPoint, pickPolicy } from './pickRestorePoint.ts';
import { asksConflict, conflictChoices, type RestorePlan } from './restorePlan.ts';

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
  const filled = new Map<string, boolean>();
  const outcome = await askFolder<RestorePlan>(place, {
    prompt: vscode.l10n.t('Folder that it goes to; it is made where it is not there'),
    value: plan.folder === '' ? proposed : plan.folder,
    openLabel: vscode.l10n.t('Restore Here'),
    mayBeMissing: true,
    look: async (folder) => void filled.set(folder, await hasContent(folder)),
    next: (folder) => ({ ...plan, folder }),
  });
  if (outcome.kind !== 'next') return outcome;
  const isFilled = filled.get(outcome.values.folder) ?? false;
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
