import * as vscode from 'vscode';
import type { Policy } from '../../protocol/methods/policies.ts';
import { askFolder, folderState } from '../forms/folderStep.ts';
import { workspaceFolders } from '../forms/policy/askSources.ts';
import { allPolicies, creatingSteps } from '../forms/policy/creating.ts';
import { askToEdit } from '../forms/policy/editing.ts';
import { protecting } from '../forms/policy/protecting.ts';
import { startBackup } from '../forms/policy/startBackup.ts';
import { emptyDraft, type PolicyDraft } from '../forms/policyDraft.ts';
import { proposedName } from '../forms/proposedName.ts';
import { askPick, type Choice } from '../forms/quickInputs.ts';
import { runSteps, type Step, type StepPlace } from '../forms/steps.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { givenFile } from './argument.ts';

/** From a folder, and from nothing else that there has to be, to its first restore point. */
export async function protectFolder(services: Services, args: readonly unknown[]): Promise<void> {
  const given = givenFile(args);
  const isFolder = given !== undefined && (await folderState(given.fsPath)) === 'folder';
  const folder = isFolder ? given.fsPath : await pickFolder();
  if (folder === undefined || !(await isReady(services))) return;
  const policies = await allPolicies(services);
  const [known] = protecting(policies, folder);
  if (known !== undefined && !(await goesOn(services, folder, known))) return;

  const taken = policies.map(({ name }) => name);
  const initial: PolicyDraft = {
    ...emptyDraft,
    sources: [{ kind: 'folder', path: folder }],
    name: proposedName(folder, taken, vscode.l10n.t('files')),
    schedule: '@daily',
  };
  let made: { readonly policy: Policy; readonly isRunNow: boolean } | undefined;
  const steps = creatingSteps({ services, taken }, ['location', 'name', 'schedule', 'gitignore', 'exclude', 'keep'], (policy, isRunNow) => {
    made = { policy, isRunNow };
  });
  await runSteps(vscode.l10n.t('Protect {0}', initial.name), steps, initial);
  if (made?.isRunNow === true) await startBackup(services, made.policy.policyId);
}

interface Chosen {
  readonly folder: string;
  readonly isOther: boolean;
}

/** A folder of the workspace, or another one. */
async function pickFolder(): Promise<string | undefined> {
  const folders = workspaceFolders();
  const steps: readonly Step<Chosen>[] = [
    ...(folders.length === 0
      ? []
      : [
          {
            ask: (chosen: Chosen, place: StepPlace) =>
              askPick<Chosen, string>(place, {
                placeholder: vscode.l10n.t('Which folder?'),
                choices: [
                  ...folders.map((folder) => ({
                    label: folder,
                    description: vscode.l10n.t('of this workspace'),
                    icon: 'root-folder',
                    value: folder,
                  })),
                  { label: vscode.l10n.t('Another Folder…'), icon: 'folder-opened', value: '' },
                ],
                current: chosen.isOther ? '' : chosen.folder,
                next: (folder) => ({ folder, isOther: folder === '' }),
              }),
          },
        ]),
    {
      isNeeded: ({ isOther }) => isOther,
      ask: (chosen, place) =>
        askFolder(place, {
          prompt: vscode.l10n.t('Folder to protect'),
          value: chosen.folder,
          openLabel: vscode.l10n.t('Protect This Folder'),
          mayBeMissing: false,
          next: (folder) => ({ ...chosen, folder }),
        }),
    },
  ];
  return (await runSteps(vscode.l10n.t('Protect a Folder'), steps, { folder: '', isOther: folders.length === 0 }))?.folder;
}

type Way = 'run' | 'edit' | 'another';

/** Says that a policy has the folder already, and does what the user wants of it. Resolves with whether he wants another policy all the same. */
async function goesOn(services: Services, folder: string, policy: Policy): Promise<boolean> {
  const choices: readonly Choice<Way>[] = [
    { label: vscode.l10n.t('Back Up Now'), description: policy.name, icon: 'run', value: 'run' },
    { label: vscode.l10n.t('Edit Policy…'), description: policy.name, icon: 'edit', value: 'edit' },
    { label: vscode.l10n.t('Protect It by Another Policy Too…'), icon: 'add', value: 'another' },
  ];
  const outcome = await askPick<Way, Way>(
    { title: vscode.l10n.t('Protect a Folder'), step: undefined, of: undefined, canGoBack: false },
    {
      placeholder: vscode.l10n.t('The policy {0} protects {1} already.', policy.name, folder),
      choices,
      next: (way) => way,
    },
  );
  if (outcome.kind !== 'next') return false;
  if (outcome.values === 'run') await startBackup(services, policy.policyId);
  if (outcome.values === 'edit') await askToEdit(services, policy.policyId);
  return outcome.values === 'another';
}
