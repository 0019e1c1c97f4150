import * as vscode from 'vscode';
import { uriOf } from '../files/restorePointUri.ts';
import { pickRestorePoint } from '../files/pickRestorePoint.ts';
import type { Services } from '../services.ts';
import { subjectOf } from './argument.ts';

/** Opens a restore point, or a folder in it, as a folder of its own window: with the explorer, search and diff of every day. */
export async function browseRestorePoint(services: Services, args: readonly unknown[]): Promise<void> {
  const entry = subjectOf(args, 'entry');
  const point = subjectOf(args, 'restorePoint');
  const id = entry?.restorePointId ?? point?.id ?? (await pickRestorePoint(services, vscode.l10n.t('Browse Restore Point')))?.id;
  if (id === undefined) return;
  const folder = uriOf({ restorePointId: id, path: entry?.path ?? '' });
  await vscode.commands.executeCommand('vscode.openFolder', folder, { forceNewWindow: true });
}
