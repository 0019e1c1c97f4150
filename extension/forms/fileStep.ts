import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import { systemCode } from '../../protocol/systemCode.ts';
import { absolute } from './folderStep.ts';
import { askInput } from './quickInputs.ts';
import type { StepOutcome, StepPlace } from './steps.ts';

export interface FileQuestion<Values> {
  readonly prompt: string;
  readonly placeholder: string;
  readonly value: string;
  readonly mayBeEmpty?: boolean;
  /** Told the file, absolute, or nothing. */
  readonly next: (file: string) => Values;
}

/** A step that takes a file of this machine, which the daemon is going to read: typed, or found with the editor's dialog. */
export async function askFile<Values>(place: StepPlace, question: FileQuestion<Values>): Promise<StepOutcome<Values>> {
  const { prompt, placeholder, value, mayBeEmpty = false, next } = question;
  return await askInput(place, {
    prompt,
    placeholder,
    value,
    problem: (typed) =>
      typed.trim() === '' || absolute(typed) !== undefined ? undefined : vscode.l10n.t('A whole path, from the root on or with ~.'),
    isComplete: (typed) => mayBeEmpty || typed.trim() !== '',
    check: async (typed) => {
      const file = typed.trim() === '' ? undefined : absolute(typed);
      return file === undefined ? undefined : await fileProblem(file);
    },
    browse: {
      icon: 'folder-opened',
      tooltip: vscode.l10n.t('Find the file…'),
      find: async (typed) => {
        const file = typed.trim() === '' ? undefined : absolute(typed);
        const [found] =
          (await vscode.window.showOpenDialog({
            title: place.title,
            openLabel: vscode.l10n.t('Use This File'),
            canSelectFiles: true,
            canSelectFolders: false,
            canSelectMany: false,
            ...(file === undefined ? {} : { defaultUri: vscode.Uri.file(file) }),
          })) ?? [];
        return found?.scheme === 'file' ? found.fsPath : undefined;
      },
    },
    next: (typed) => next(typed.trim() === '' ? '' : (absolute(typed) ?? '')),
  });
}

/** Why a file will not do, as a sentence. */
export async function fileProblem(file: string): Promise<string | undefined> {
  try {
    return (await stat(file)).isDirectory() ? vscode.l10n.t('This is a folder, and has to be a file.') : undefined;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return vscode.l10n.t('There is no such file.');
    return vscode.l10n.t('It cannot be looked at: the system says {0}.', code ?? vscode.l10n.t('no more than that'));
  }
}
