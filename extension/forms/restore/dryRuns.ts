import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { HoldfastError } from '../../../protocol/errors.ts';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import { type RestoreDocument, restoreDocument, restoreStart } from '../../../protocol/methods/restores.ts';
import { asHoldfastError } from '../../connection/asHoldfastError.ts';
import type { Services } from '../../services.ts';
import { errorOfAction } from '../../work/actionError.ts';
import { cancelWork } from '../../work/cancelWork.ts';
import { endOfAction } from '../../work/endOfAction.ts';
import { whileUnlocked } from '../unlocked.ts';
import { restoreParams } from './restoreParams.ts';
import type { RestorePlan } from './restorePlan.ts';

/** Runs a restore that writes nothing; the last one is remembered for as long as the plan is the same. */
export class DryRuns {
  readonly #services: Services;
  #last: { readonly key: string; readonly document: RestoreDocument } | undefined;

  constructor(services: Services) {
    this.#services = services;
  }

  forget(): void {
    this.#last = undefined;
  }

  async of(plan: RestorePlan): Promise<RestoreDocument | HoldfastError | 'cancelled'> {
    const key = JSON.stringify(restoreParams(plan, true, ''));
    if (this.#last?.key === key) return this.#last.document;
    try {
      const action = await this.#run(plan);
      if (action.state === 'cancelled') return 'cancelled';
      const document = restoreDocument.safeParse(action.result);
      if (!document.success) return errorOfAction(action, 'look at what would be restored');
      this.#last = { key, document: document.data };
      return document.data;
    } catch (thrown) {
      const error = asHoldfastError(thrown);
      return error.code === 'cancelled' ? 'cancelled' : error;
    }
  }

  async #run(plan: RestorePlan): Promise<ActionWithResult> {
    const services = this.#services;
    const { daemon } = services;
    const params = restoreParams(plan, true, randomUUID());
    const { actionId } = await whileUnlocked(services, () => daemon.call(restoreStart, params));
    const title = vscode.l10n.t('Looking at what would be restored');
    return await vscode.window.withProgress(
      { location: vscode.ProgressLocation.Notification, title, cancellable: true },
      async (_progress, token) => {
        token.onCancellationRequested(() => void cancelWork(services, actionId));
        return await endOfAction(daemon, actionId, () => undefined);
      },
    );
  }
}
