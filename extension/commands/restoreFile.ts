import path from 'node:path';
import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { type OpenableVersion, pickVersion } from '../files/pickVersion.ts';
import { showDiff } from '../files/showDiff.ts';
import { takeBack } from '../files/takeBack.ts';
import type { Services } from '../services.ts';
import { askedFile } from './askedFile.ts';

/** Takes one file back: picks a version, shows what would change, and only then puts it in place. */
export async function restoreFile(services: Services, args: readonly unknown[]): Promise<void> {
  const file = await askedFile(args);
  if (file === undefined) return;
  for (;;) {
    const picked = await pickVersion(services, file, vscode.l10n.t('Restore File from Restore Point'));
    if (picked === undefined) return;
    await showDiff(picked.uri, file, picked.label);
    const answer = await askToGoOn(file, picked);
    if (answer === 'leave') return;
    if (answer === 'restore') {
      await takeBack(picked.uri, file, picked.label);
      return;
    }
  }
}

type Answer = 'restore' | 'another' | 'leave';

/** A pick and no dialog: the diff stays to be read and scrolled while it is asked. */
async function askToGoOn(file: vscode.Uri, { label }: OpenableVersion): Promise<Answer> {
  const name = escaped(path.basename(file.fsPath));
  const items: readonly (vscode.QuickPickItem & { readonly answer: Answer })[] = [
    {
      label: vscode.l10n.t('$(history) Restore {0} as of {1}', name, label),
      detail: vscode.l10n.t('Undo brings back what is there now.'),
      answer: 'restore',
    },
    { label: vscode.l10n.t('$(arrow-left) Choose another version'), answer: 'another' },
    { label: vscode.l10n.t('$(close) Leave the file as it is'), answer: 'leave' },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Restore File from Restore Point'),
    placeHolder: vscode.l10n.t('Left: as it was. Right: as it is.'),
    ignoreFocusOut: true,
  });
  return picked?.answer ?? 'leave';
}
