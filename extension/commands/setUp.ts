import * as vscode from 'vscode';
import { sessionStatus } from '../../protocol/methods/session.ts';
import { askToSetUp } from '../forms/setUp.ts';
import type { Services } from '../services.ts';

/** Makes the installation with its first passkey. */
export async function setUp(services: Services): Promise<void> {
  const { state } = await services.daemon.call(sessionStatus, {});
  if (state === 'notSetUp') await askToSetUp(services);
  else void vscode.window.showInformationMessage(vscode.l10n.t('Holdfast is set up already.'));
}
