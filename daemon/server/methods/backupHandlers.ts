import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import { uuidText } from '../../../protocol/ids.ts';
import { backupStart } from '../../../protocol/methods/backups.ts';
import type { ActionQueue } from '../../actions/actionQueue.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { BackupService } from '../../policies/backupService.ts';
import type { PolicyService } from '../../policies/policyService.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

/** The lane of a policy: one run of it at a time. */
export function laneOfPolicy(policyId: string): string {
  return `policy:${policyId}`;
}

export function backupHandlers(
  policies: PolicyService,
  backups: BackupService,
  queue: ActionQueue,
): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(backupStart, async (params) => {
      if (params.all === params.policies.length > 0) {
        throw new HoldfastError('badValue', 'Failed to back up: name policies, or say --all.', {
          fix: '"holdfast policy list" shows them.',
        });
      }
      const named = params.all ? policies.all() : params.policies.map((reference) => policies.resolve(reference));
      const wanted = [...new Map(named.map((policy) => [policy.policyId, policy])).values()];
      if (wanted.length === 0) {
        throw new HoldfastError('unknownName', 'Failed to back up: there is no policy yet.', {
          fix: 'Make one with "holdfast policy create".',
        });
      }
      const request = { dryRun: params.dryRun, ...(params.description === undefined ? {} : { description: params.description }) };
      return {
        actions: wanted.map((policy) => {
          const action = queue.submit({
            kind: 'backup',
            subject: policy.name,
            subjectId: policy.policyId,
            requestId: wanted.length === 1 ? params.requestId : requestIdOf(params.requestId, policy),
            lanes: [laneOfPolicy(policy.policyId)],
            work: (run) => backups.run(policy, request, run),
          });
          return { policyId: policy.policyId, policy: policy.name, actionId: action.actionId };
        }),
      };
    }),
  ];
}

/** Each policy's action of one request has an id of its own, the same when the request is repeated. */
function requestIdOf(requestId: string, policy: PolicyRecord): string {
  return uuidText(createHash('sha256').update(`${requestId}/${policy.policyId}`).digest().subarray(0, 16));
}
