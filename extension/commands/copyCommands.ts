import * as vscode from 'vscode';
import { defaultStateDirectory } from '../../client/defaultStateDirectory.ts';
import type { Services } from '../services.ts';
import { readSettings } from '../settings.ts';
import { subjectOf } from './argument.ts';
import { commandLineOf } from './commandLine.ts';
import type { Subject } from '../views/row.ts';

const kinds = ['policy', 'restorePoint', 'passkey', 'location', 'alert', 'entry'] as const;

/** The id of what the row stands for. */
export async function copyId(_services: Services, args: readonly unknown[]): Promise<void> {
  const subject = subjectOfAny(args);
  if (subject === undefined) return;
  await vscode.env.clipboard.writeText(subject.kind === 'entry' ? subject.restorePointId : subject.id);
}

/** The command line that does with the row's thing what is done with it most. */
export async function copyAsCommand(_services: Services, args: readonly unknown[]): Promise<void> {
  const subject = subjectOfAny(args);
  if (subject === undefined) return;
  const { stateDirectory } = readSettings();
  const state = stateDirectory === defaultStateDirectory() ? undefined : stateDirectory;
  await vscode.env.clipboard.writeText(commandLineOf(subject, state));
}

function subjectOfAny(args: readonly unknown[]): Subject | undefined {
  for (const kind of kinds) {
    const subject = subjectOf(args, kind);
    if (subject !== undefined) return subject;
  }
  return undefined;
}
