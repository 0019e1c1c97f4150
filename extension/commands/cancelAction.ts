import * as vscode from 'vscode';
import { isUuid } from '../../protocol/ids.ts';
import { actionCancel } from '../../protocol/methods/actions.ts';
import { sessionStatus } from '../../protocol/methods/session.ts';
import type { Caller } from '../connection/daemonService.ts';
import { plainText } from '../ui/plainText.ts';
import { actionTitle } from '../work/outcomeText.ts';
import { backupOf } from '../work/underWay.ts';
import { subjectOf } from './argument.ts';

interface Choice extends vscode.QuickPickItem {
  readonly actionId: string;
}

/** How the user is told and asked; the editor's own ways where nothing else is handed in. */
export interface CancelDialogs {
  readonly tell: (sentence: string) => void;
  readonly choose: (choices: readonly Choice[], title: string) => PromiseLike<Choice | undefined>;
}

const inEditor: CancelDialogs = {
  tell: (sentence) => void vscode.window.showInformationMessage(sentence),
  choose: (choices, title) => vscode.window.showQuickPick(choices, { title }),
};

/** Cancels the backup of a policy's row, the action of an id (a link in the tooltip of the status bar), or one that the user picks. */
export async function cancelAction(
  { daemon }: { readonly daemon: Caller },
  args: readonly unknown[],
  { tell, choose }: CancelDialogs = inEditor,
): Promise<void> {
  const { runningActions } = await daemon.call(sessionStatus, {});
  const policy = subjectOf(args, 'policy');
  const [given] = args;
  if (policy !== undefined) {
    const own = backupOf(runningActions, policy.id);
    if (own === undefined) tell(nothingRuns());
    else await daemon.call(actionCancel, { actionId: own.actionId });
    return;
  }
  if (typeof given === 'string' && isUuid(given)) {
    await daemon.call(actionCancel, { actionId: given });
    return;
  }
  if (runningActions.length === 0) {
    tell(nothingRuns());
    return;
  }
  const choices: readonly Choice[] = runningActions.map(({ actionId, kind, subject, state, fraction }) => ({
    label: plainText(actionTitle(kind, subject)),
    description: state === 'queued' ? vscode.l10n.t('waiting') : fraction === null ? '' : `${Math.floor(fraction * 100)} %`,
    actionId,
  }));
  const picked = await choose(choices, vscode.l10n.t('Cancel Action'));
  if (picked !== undefined) await daemon.call(actionCancel, { actionId: picked.actionId });
}

function nothingRuns(): string {
  return vscode.l10n.t('Nothing is running.');
}
