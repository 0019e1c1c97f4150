import type { Action, ActionWithResult, StartedBy } from '../../protocol/methods/actions.ts';
import type { ActionQueue } from '../actions/actionQueue.ts';
import type { PolicyRecord } from '../catalog/policyStore.ts';
import type { BackupRequest, BackupService } from './backupService.ts';

/** A run of a policy that has come to its end, whichever. */
export interface EndedRun {
  readonly policy: PolicyRecord;
  readonly action: ActionWithResult;
  readonly isDryRun: boolean;
}

export interface BackupRunsOptions {
  readonly queue: ActionQueue;
  readonly backups: Pick<BackupService, 'run'>;
  /** As it is now: it may have been changed while its run waited. */
  readonly newest: (policy: PolicyRecord) => PolicyRecord;
  readonly onEnded: (run: EndedRun) => void;
}

/** The lane of a policy: one run of it at a time. */
export function laneOfPolicy(policyId: string): string {
  return `policy:${policyId}`;
}

/** The one way in which runs of policies come into the queue, whoever asks for them. */
export class BackupRuns {
  readonly #options: BackupRunsOptions;

  constructor(options: BackupRunsOptions) {
    this.#options = options;
  }

  isBusy(policyId: string): boolean {
    return this.#options.queue.isBusy(laneOfPolicy(policyId));
  }

  start(policy: PolicyRecord, request: BackupRequest, by: { readonly requestId: string; readonly startedBy: StartedBy }): Action {
    const { queue, backups, newest, onEnded } = this.#options;
    let current = policy;
    const action = queue.submit({
      kind: 'backup',
      subject: policy.name,
      subjectId: policy.policyId,
      ...by,
      lanes: [laneOfPolicy(policy.policyId)],
      work: (run) => {
        current = newest(policy);
        return backups.run(current, request, run);
      },
    });
    void queue.ended(action.actionId)?.then((ended) => onEnded({ policy: current, action: ended, isDryRun: request.dryRun }));
    return action;
  }
}
