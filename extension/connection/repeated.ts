import * as vscode from 'vscode';
import { HoldfastError } from '../../protocol/errors.ts';
import type { DaemonService } from './daemonService.ts';

const mostAttempts = 3;

/**
 * Does what a form asks of the daemon, once more where the daemon ended under it: what the user typed is worth a second try. What is repeated has to be the
 * same request, by its `requestId` or because a second one changes nothing.
 */
export async function repeated<Result>(daemon: DaemonService, attempt: () => Promise<Result>): Promise<Result> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (attempts === mostAttempts || !HoldfastError.is(error, 'daemonEnded')) throw error;
      const title = vscode.l10n.t('Holdfast: the daemon ended. Starting it again; nothing that you typed is lost');
      await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, async () => await daemon.connection());
    }
  }
}
