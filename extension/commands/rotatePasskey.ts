import * as vscode from 'vscode';
import { askToRotate } from '../forms/passkey/rotatePasskey.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';
import { retireNamed } from './passkeyCommands.ts';
import { passkeyOf } from './pickThing.ts';

/** A new passphrase for the passkey of the row, or for one that the user picks; the old one can go at once or later. */
export async function rotatePasskey(services: Services, args: readonly unknown[]): Promise<void> {
  if (!(await isReady(services))) return;
  const passkey = await passkeyOf(services, args, {
    title: vscode.l10n.t('Rotate Passkey…'),
    fits: ({ kind, state }) => kind === 'passphrase' && state !== 'retired',
  });
  if (passkey === undefined) return;
  const rotated = await askToRotate(services, passkey);
  if (rotated === undefined) return;
  const { passkey: fresh, previous } = rotated.result;
  if (rotated.after === 'retire') {
    await retireNamed(services, { id: previous.slotId, name: previous.name });
    return;
  }
  tellQuietly(vscode.l10n.t('The passkey {0} has its new passphrase; the old one is {1} now', fresh.name, previous.name));
}
