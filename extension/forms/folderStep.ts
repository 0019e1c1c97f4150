import { stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { systemCode } from '../../protocol/systemCode.ts';
import { askInput } from './quickInputs.ts';
import type { StepOutcome, StepPlace } from './steps.ts';

export interface FolderQuestion<Values> {
  readonly prompt: string;
  readonly value: string;
  /** What stands on the button of the dialog. */
  readonly openLabel: string;
  /** A folder that is not there will do. A file never does. */
  readonly mayBeMissing: boolean;
  /** What else speaks against a folder. */
  readonly problem?: (folder: string) => string | undefined;
  /** Looks at more of what is there before it is taken; rejects with the system's error where it can't, which the step then says. */
  readonly look?: (folder: string) => Promise<void>;
  /** Told the folder, absolute, and what is there. */
  readonly next: (folder: string) => Values;
}

/** A step that takes a folder of this machine: typed, or found with the editor's dialog. */
export async function askFolder<Values>(place: StepPlace, question: FolderQuestion<Values>): Promise<StepOutcome<Values>> {
  return await askInput(place, {
    prompt: question.prompt,
    placeholder: vscode.l10n.t('Absolute path of a folder'),
    value: question.value,
    problem: (typed) => {
      if (typed.trim() === '') return undefined;
      const folder = absolute(typed);
      return folder === undefined ? vscode.l10n.t('A whole path, from the root on or with ~.') : question.problem?.(folder);
    },
    isComplete: (typed) => typed.trim() !== '',
    check: async (typed) => {
      const folder = absolute(typed);
      return folder === undefined ? undefined : await folderProblem(folder, question);
    },
    browse: {
      icon: 'folder-opened',
      tooltip: vscode.l10n.t('Find the folder…'),
      find: async (typed) => {
        const folder = absolute(typed);
        const [found] =
          (await vscode.window.showOpenDialog({
            title: place.title,
            openLabel: question.openLabel,
            canSelectFiles: false,
            canSelectFolders: true,
            canSelectMany: false,
            ...(folder === undefined ? {} : { defaultUri: vscode.Uri.file(folder) }),
          })) ?? [];
        return found?.scheme === 'file' ? found.fsPath : undefined;
      },
    },
    next: (typed) => question.next(absolute(typed) ?? ''),
  });
}

/** The absolute path that was typed, `~` being the home folder; `undefined` for one that is none. */
export function absolute(typed: string): string | undefined {
  const text = typed.trim();
  if (text.includes('\0')) return undefined;
  const whole = text === '~' || text.startsWith('~/') ? path.join(os.homedir(), text.slice(1)) : text;
  if (!path.isAbsolute(whole)) return undefined;
  return path.resolve(whole);
}

/** What is at a path: a clause apart, so that a form can act on it. */
export type FolderState = 'folder' | 'file' | 'missing';

/** Follows links. Rejects with the system's error where that can't be told. */
export async function folderState(folder: string): Promise<FolderState> {
  try {
    return (await stat(folder)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'missing';
    if (systemCode(error) === 'ENOTDIR') return 'file';
    throw error;
  }
}

/** Why a folder will not do, as a sentence. */
export async function folderProblem(
  folder: string,
  { mayBeMissing, look }: Pick<FolderQuestion<unknown>, 'mayBeMissing' | 'look'>,
): Promise<string | undefined> {
  try {
    const state = await folderState(folder);
    if (state === 'file') return vscode.l10n.t('This is a file, and has to be a folder.');
    if (state === 'missing' && !mayBeMissing) return vscode.l10n.t('There is no such folder.');
    await look?.(folder);
    return undefined;
  } catch (error) {
    return vscode.l10n.t('It cannot be looked at: the system says {0}.', systemCode(error) ?? vscode.l10n.t('no more than that'));
  }
}
