import { mkdir } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Location } from '../../../protocol/methods/locations.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { askFolder, folderState } from '../folderStep.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import type { Step, StepOutcome, StepPlace } from '../steps.ts';

/** A folder as a form has it. */
export interface FolderDraft {
  readonly folder: string;
  readonly isMissing: boolean;
}

/** The questions that say which folder it is, and make it where it is not there. */
export function folderSteps(known: readonly Location[]): readonly Step<FolderDraft>[] {
  return [
    {
      ask: async (draft, place) => {
        const outcome = await askFolder<FolderDraft>(place, {
          prompt: vscode.l10n.t(
            'Folder that restore points go to, best on another drive. A folder is not immutable: who can write there can delete them.',
          ),
          value: draft.folder,
          openLabel: vscode.l10n.t('Keep Restore Points Here'),
          mayBeMissing: true,
          problem: (folder) => {
            const same = known.find(({ path }) => path === folder);
            return same === undefined ? undefined : vscode.l10n.t('This is the folder of the location {0} already.', same.name);
          },
          next: (folder) => ({ ...draft, folder }),
        });
        if (outcome.kind !== 'next') return outcome;
        return { kind: 'next', values: { ...outcome.values, isMissing: (await folderState(outcome.values.folder)) === 'missing' } };
      },
    },
    { isNeeded: ({ isMissing }) => isMissing, ask: makeFolder },
  ];
}

/** A folder that is not there may be a drive that is not mounted: what is made then lies on the wrong disk, so it is asked. */
async function makeFolder(draft: FolderDraft, place: StepPlace): Promise<StepOutcome<FolderDraft>> {
  let problem: string | undefined;
  for (;;) {
    const again: Choice<'make'>[] = [
      {
        label: vscode.l10n.t('Make the Folder'),
        description: draft.folder,
        detail: problem ?? vscode.l10n.t('Not where a drive is to be mounted first: its content would hide this folder.'),
        icon: problem === undefined ? 'new-folder' : 'error',
        value: 'make',
      },
    ];
    const outcome = await askPick<FolderDraft, 'make'>(place, {
      placeholder: vscode.l10n.t('There is no such folder. Go back to choose another one.'),
      choices: again,
      next: () => ({ ...draft, isMissing: false }),
    });
    if (outcome.kind !== 'next') return outcome;
    try {
      await mkdir(draft.folder, { recursive: true });
      return outcome;
    } catch (error) {
      problem = vscode.l10n.t('It cannot be made: the system says {0}.', systemCode(error) ?? '');
    }
  }
}
