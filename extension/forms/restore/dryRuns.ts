import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { HoldfastError, isErrorCode } from '../../../protocol/errors.ts';
import { type ActionWithResult, actionCancel } from '../../../protocol/methods/actions.ts';
import { type RestoreDocument, restoreDocument, restoreStart } from '../../../protocol/methods/restores.ts';
import { asHoldfastError } from '../../connection/asHoldfastError.ts';
import type { Services } from '../../services.ts';
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
      if (!document.success) return errorOf(action);
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
        token.onCancellationRequested(() => void daemon.quietly.call(actionCancel, { actionId }));
        return await endOfAction(daemon, actionId, () => undefined);
      },
    );
  }
}

function errorOf({ error }: ActionWithResult): HoldfastError {
  if (error === null) return HoldfastError.failedTo('failed', 'look at what would be restored', 'the daemon does not say why');
  return new HoldfastError(isErrorCode(error.code) ? error.code : 'failed', error.message, error.fix === null ? {} : { fix: error.fix });
}
