import * as vscode from 'vscode';
import { pickVersion } from '../files/pickVersion.ts';
import { showDiff } from '../files/showDiff.ts';
import { shownName } from '../files/shownName.ts';
import { takeBack } from '../files/takeBack.ts';
import type { Services } from '../services.ts';
import { askedFile } from './askedFile.ts';

/**
 * Takes one file back: picks a version, shows what would change, and only then puts it in place. The question does not cover the diff and does not end it;
 * the buttons in the diff's title do the same at any later time.
 */
export async function restoreFile(services: Services, args: readonly unknown[]): Promise<void> {
  const file = await askedFile(args);
  if (file === undefined) return;
  for (;;) {
    const picked = await pickVersion(services, file, vscode.l10n.t('Restore File from Restore Point'));
    if (picked === undefined) return;
    await showDiff(picked.uri, file, picked.label);
    const restore = vscode.l10n.t('Restore');
    const another = vscode.l10n.t('Another Version…');
    const name = shownName(file.fsPath);
    const question = vscode.l10n.t('Restore {0} as of {1}? Undo brings back what is there now.', name, picked.label);
    const chosen = await vscode.window.showInformationMessage(question, restore, another);
    if (chosen === restore) await takeBack(picked.uri, file, picked.label);
    if (chosen !== another) return;
  }
}
