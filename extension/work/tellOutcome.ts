import * as vscode from 'vscode';
import type { HoldfastError } from '../../protocol/errors.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import type { Services } from '../services.ts';
import { plainText } from '../ui/plainText.ts';
import { showError } from '../ui/showError.ts';
import { tellQuietly } from '../ui/tellQuietly.ts';
import { errorOfAction } from './actionError.ts';
import { actionTitle, outcomeSentence } from './outcomeText.ts';
import { showReport } from './reports.ts';

/** Tells how an action ended that the user started in this window: quietly where all is well, with its report where it is not. */
export async function tellOutcome(services: Services, action: ActionWithResult): Promise<void> {
  switch (action.state) {
    case 'complete':
      tellQuietly(outcomeSentence(action));
      return;
    case 'cancelled':
      tellQuietly(vscode.l10n.t('{0}: cancelled', actionTitle(action.kind, action.subject)), 'circle-slash');
      return;
    case 'completeWithWarnings':
      await offerReport(action, vscode.l10n.t('{0}, with warnings', outcomeSentence(action)), vscode.window.showWarningMessage);
      return;
    case 'failed':
      if (action.result === null) await showError(services, failureOf(action));
      else await offerReport(action, sentenceOf(failureOf(action)), vscode.window.showErrorMessage);
      return;
    case 'queued':
    case 'running':
      throw new RangeError('the action has not ended');
  }
}

async function offerReport(
  action: ActionWithResult,
  sentence: string,
  show: (sentence: string, ...actions: readonly string[]) => Thenable<string | undefined>,
): Promise<void> {
  const details = vscode.l10n.t('Show Details');
  if ((await show(plainText(sentence), details)) === details) await showReport(action);
}

function failureOf(action: ActionWithResult): HoldfastError {
  return errorOfAction(action, `finish ${actionTitle(action.kind, action.subject)}`);
}

function sentenceOf({ message, fix }: HoldfastError): string {
  return fix === undefined ? message : `${message} ${fix}`;
}
