import { askNewPasskey } from '../forms/passkey/newPasskey.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';
import * as vscode from 'vscode';

export async function newPasskey(services: Services): Promise<void> {
  if (!(await isReady(services))) return;
  const passkey = await askNewPasskey(services);
  if (passkey !== undefined) tellQuietly(vscode.l10n.t('The passkey {0} opens the backups from now on', passkey.name));
}
