import * as vscode from 'vscode';
import { pickVersion } from '../files/pickVersion.ts';
import { showDiff } from '../files/showDiff.ts';
import type { Services } from '../services.ts';
import { askedFile } from './askedFile.ts';

/** From a file of this machine: picks one of its versions and shows what changed since. */
export async function compareWithRestorePoint(services: Services, args: readonly unknown[]): Promise<void> {
  const file = await askedFile(args);
  if (file === undefined) return;
  const picked = await pickVersion(services, file, vscode.l10n.t('Compare with Restore Point'));
  if (picked !== undefined) await showDiff(picked.uri, file, picked.label);
}
