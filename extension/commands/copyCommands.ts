import * as vscode from 'vscode';
import { defaultStateDirectory } from '../../client/defaultStateDirectory.ts';
import type { Services } from '../services.ts';
import { readSettings } from '../settings.ts';
import { plainText } from '../ui/plainText.ts';
import { subjectOf } from './argument.ts';
import { commandLineOf, locationCommandLine, type LocationVerb, locationVerbs } from './commandLine.ts';
import type { Subject, SubjectOf } from '../views/row.ts';

const kinds = ['policy', 'restorePoint', 'passkey', 'location', 'alert', 'entry'] as const;

/** The id of what the row stands for. */
export async function copyId(_services: Services, args: readonly unknown[]): Promise<void> {
  const subject = subjectOfAny(args);
  if (subject === undefined) return;
  await vscode.env.clipboard.writeText(subject.kind === 'entry' ? subject.restorePointId : subject.id);
}

/** The command line that does with the row's thing what is done with it most, or what the user picks where there is more. */
export async function copyAsCommand(_services: Services, args: readonly unknown[]): Promise<void> {
  const subject = subjectOfAny(args);
  if (subject === undefined) return;
  const { stateDirectory } = readSettings();
  const state = stateDirectory === defaultStateDirectory() ? undefined : stateDirectory;
  const line = subject.kind === 'location' ? await locationLine(subject, state) : commandLineOf(subject, state);
  if (line !== undefined) await vscode.env.clipboard.writeText(line);
}

async function locationLine(subject: SubjectOf<'location'>, state: string | undefined): Promise<string | undefined> {
  const verbs = locationVerbs(subject);
  if (verbs.length === 1) return commandLineOf(subject, state);
  const titles: Readonly<Record<LocationVerb, string>> = {
    validateLocation: vscode.l10n.t('Validate Location'),
    proveLock: vscode.l10n.t('Prove Lock'),
    refreshLocks: vscode.l10n.t('Refresh Locks Now'),
    auditLocks: vscode.l10n.t('Audit Now'),
  };
  const items = verbs.map((verb) => {
    const line = locationCommandLine(subject.name, verb, state);
    return { label: titles[verb], detail: plainText(line), line };
  });
  const picked = await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Copy as Command') });
  return picked?.line;
}

function subjectOfAny(args: readonly unknown[]): Subject | undefined {
  for (const kind of kinds) {
    const subject = subjectOf(args, kind);
    if (subject !== undefined) return subject;
  }
  return undefined;
}
