import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import { sessionInit, sessionUnlock } from '../../protocol/methods/session.ts';
import type { DaemonService } from '../connection/daemonService.ts';
import { repeated } from '../connection/repeated.ts';
import { withSecret } from '../connection/withSecret.ts';
import type { Services } from '../services.ts';
import { noPassphrase, passphraseSteps } from './newPassphrase.ts';
import { runSteps } from './steps.ts';

/** As in the command line. */
const usualName = 'passphrase';

/** Makes the installation with its first passkey, and leaves the daemon unlocked. `false` where the user left. */
export async function askToSetUp({ daemon }: Services): Promise<boolean> {
  const answers = await runSteps(vscode.l10n.t('Set Up Holdfast'), passphraseSteps(), noPassphrase);
  if (answers === undefined) return false;
  const requestId = randomUUID();
  await withSecret(answers.passphrase, async (bytes) => {
    try {
      await vscode.window.withProgress(
        { location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Setting up Holdfast') },
        async () =>
          await repeated(daemon, async () => {
            const passphrase = await daemon.sendSecret(bytes);
            await daemon.call(sessionInit, { requestId, passkeyName: usualName, passphrase });
          }),
      );
    } catch (error) {
      if (!HoldfastError.is(error, 'alreadySetUp')) throw error;
      await openWhatIsThere(daemon, bytes, error);
    }
  });
  return true;
}

/** Of a daemon that set up and ended before it could say so the passphrase is the right one; of whoever else set up meanwhile it is not. */
async function openWhatIsThere(daemon: DaemonService, passphrase: Uint8Array, cause: unknown): Promise<void> {
  if (await opens(daemon, passphrase)) return;
  throw HoldfastError.failedTo('alreadySetUp', 'set up Holdfast', 'it was set up meanwhile, from another window or the command line', {
    fix: 'Unlock it with the passphrase that was chosen there; the one shown here opens nothing.',
    cause,
  });
}

async function opens(daemon: DaemonService, bytes: Uint8Array): Promise<boolean> {
  try {
    const { stepUpUntil } = await repeated(daemon, async () => daemon.call(sessionUnlock, { passphrase: await daemon.sendSecret(bytes) }));
    return stepUpUntil !== null;
  } catch (error) {
    if (HoldfastError.is(error, 'wrongSecret')) return false;
    throw error;
  }
}
