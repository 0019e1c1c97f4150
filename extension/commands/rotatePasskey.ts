import * as vscode from 'vscode';
import { passkeyList } from '../../protocol/methods/passkeys.ts';
import { listAll } from '../connection/listAll.ts';
import { askToRotateKey, showRotated } from '../forms/passkey/key/rotateKey.ts';
import { askToRotate } from '../forms/passkey/rotatePasskey.ts';
import { isReady } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';
import { passkeyOf } from './pickThing.ts';
import { retireNamed } from './retirePasskey.ts';

/** A new secret for the passkey of the row, or for one that the user picks: a new passphrase, the next version of a key, or the next key. */
export async function rotatePasskey(services: Services, args: readonly unknown[]): Promise<void> {
  if (!(await isReady(services))) return;
  const thing = await passkeyOf(services, args, { title: vscode.l10n.t('Rotate Passkey…') });
  if (thing === undefined) return;
  const known = await listAll(services.daemon, passkeyList, {});
  const passkey = known.find(({ slotId }) => slotId === thing.id);
  if (passkey !== undefined && passkey.kind !== 'passphrase') {
    const result = await askToRotateKey(services, passkey, known);
    if (result !== undefined && (await showRotated(result))) {
      await retireNamed(services, { id: result.previous.slotId, name: result.previous.name });
    }
    return;
  }
  const rotated = await askToRotate(services, thing);
  if (rotated === undefined) return;
  const { passkey: fresh, previous } = rotated.result;
  if (rotated.after === 'retire') {
    await retireNamed(services, { id: previous.slotId, name: previous.name });
    return;
  }
  tellQuietly(vscode.l10n.t('The passkey {0} has its new passphrase; the old one is {1} now', fresh.name, previous.name));
}
