import * as vscode from 'vscode';
import { duration } from '../../client/shown/units.ts';
import type { ActionWithResult } from '../../protocol/methods/actions.ts';
import type { Services } from '../services.ts';
import type { ViewId } from '../viewIds.ts';
import { cancelWork } from './cancelWork.ts';
import { endOfAction } from './endOfAction.ts';
import { tellOutcome } from './tellOutcome.ts';

export interface StartedWork {
  readonly actionId: string;
  /** What is done, as the progress says it: "Backing up home". */
  readonly title: string;
  /** The view whose rows tell of it. */
  readonly view: ViewId;
}

/**
 * Stays with an action that the user started in this window until it has ended, and tells how that was. Where its view is shown the progress is there, and
 * else in a notification that can cancel it. The status bar tells of it in every window.
 */
export async function followWork(services: Services, work: StartedWork): Promise<ActionWithResult> {
  const action = await services.followed.until(work.actionId, async () =>
    services.views.isVisible(work.view)
      ? await vscode.window.withProgress({ location: { viewId: work.view } }, () =>
          endOfAction(services.daemon, work.actionId, () => undefined),
        )
      : await inNotification(services, work),
  );
  await tellOutcome(services, action);
  return action;
}

async function inNotification(services: Services, { actionId, title }: StartedWork): Promise<ActionWithResult> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return await vscode.window.withProgress(options, async (progress, token) => {
    token.onCancellationRequested(() => void cancelWork(services, actionId));
    let shown = 0;
    return await endOfAction(services.daemon, actionId, ({ progress: { fraction, secondsLeft } }) => {
      const percent = Math.floor((fraction ?? 0) * 100);
      const message = [
        ...(fraction === null ? [] : [`${percent} %`]),
        ...(secondsLeft === null ? [] : [vscode.l10n.t('{0} left', duration(secondsLeft))]),
      ].join(' · ');
      progress.report({ message, increment: Math.max(0, percent - shown) });
      shown = Math.max(shown, percent);
    });
  });
}
