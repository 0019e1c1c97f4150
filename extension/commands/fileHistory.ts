import * as vscode from 'vscode';
import { pickVersion } from '../files/pickVersion.ts';
import type { Services } from '../services.ts';
import { askedFile } from './askedFile.ts';

/** The versions of a file; the one that is picked opens as it was. */
export async function fileHistory(services: Services, args: readonly unknown[]): Promise<void> {
  const file = await askedFile(args);
  if (file === undefined) return;
  const picked = await pickVersion(services, file, vscode.l10n.t('File History'));
  if (picked !== undefined) await vscode.commands.executeCommand('vscode.open', picked.uri, { preview: true });
}
