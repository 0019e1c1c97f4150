import path from 'node:path';
import * as vscode from 'vscode';
import { escaped } from '../../client/shown/text.ts';
import { exists } from './exists.ts';

/** Shows what changed since: the restore point on the left, the file as it is on the right; an empty right side where it is gone. */
export async function showDiff(version: vscode.Uri, file: vscode.Uri, label: string): Promise<void> {
  const isThere = await exists(file);
  const current = isThere ? file : vscode.Uri.from({ scheme: 'untitled', path: file.path });
  const title = isThere
    ? vscode.l10n.t('{0} ({1} ↔ now)', escaped(path.basename(file.fsPath)), label)
    : vscode.l10n.t('{0} ({1} ↔ not there now)', escaped(path.basename(file.fsPath)), label);
  await vscode.commands.executeCommand('vscode.diff', version, current, title, { preview: true });
}
