import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { sessionInit } from '../../protocol/methods/session.ts';
import type { Services } from '../services.ts';
import { noPassphrase, passphraseSteps } from '../forms/newPassphrase.ts';
import { runSteps } from '../forms/steps.ts';
import { withSecret } from '../connection/withSecret.ts';

/** As in the command line. */
const usualName = 'passphrase';

/** Makes the installation with its first passkey. */
export async function setUp({ daemon }: Services): Promise<void> {
  await daemon.connection();
  if (daemon.health.status?.state !== 'notSetUp') {
    void vscode.window.showInformationMessage(vscode.l10n.t('Holdfast is set up already.'));
    return;
  }
  const answers = await runSteps(vscode.l10n.t('Set Up Holdfast'), passphraseSteps(), noPassphrase);
  if (answers === undefined) return;
  await withSecret(answers.passphrase, async (bytes) => {
    const passphrase = await daemon.sendSecret(bytes);
    await daemon.call(sessionInit, { requestId: randomUUID(), passkeyName: usualName, passphrase });
  });
}
