import * as vscode from 'vscode';
import type { ErrorCode } from '../../protocol/errors.ts';
import { plainText } from './plainText.ts';
import type { Services } from '../services.ts';
import type { CommandId } from '../commandIds.ts';
import { asHoldfastError } from '../connection/asHoldfastError.ts';

/** The one way out that is a command of ours, by the error's code. */
const wayOut: Partial<Record<ErrorCode, CommandId>> = {
  locked: 'holdfast.unlock',
  notSetUp: 'holdfast.setUp',
  daemonNotRunning: 'holdfast.startDaemon',
  daemonEnded: 'holdfast.startDaemon',
};

/** One sentence and one way out. What the user cancelled is no error. */
export async function showError({ log }: Pick<Services, 'log'>, thrown: unknown): Promise<void> {
  const error = asHoldfastError(thrown);
  if (error.code === 'cancelled') return;
  log.error(error.message, ...(error.cause === undefined ? [] : [error.cause]));
  const command = wayOut[error.code];
  const words: Readonly<Partial<Record<CommandId, string>>> = {
    'holdfast.unlock': vscode.l10n.t('Unlock'),
    'holdfast.setUp': vscode.l10n.t('Set Up'),
    'holdfast.startDaemon': vscode.l10n.t('Start Daemon'),
  };
  const action = command === undefined ? undefined : words[command];
  const showLog = vscode.l10n.t('Show Log');
  const sentence = plainText(error.fix === undefined ? error.message : `${error.message} ${error.fix}`);
  const chosen = await vscode.window.showErrorMessage(sentence, ...(action === undefined ? [showLog] : [action]));
  if (chosen === showLog) await vscode.commands.executeCommand('holdfast.showLog');
  else if (chosen !== undefined && command !== undefined) await vscode.commands.executeCommand(command);
}
