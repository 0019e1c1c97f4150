import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import { uuidText } from '../../../protocol/ids.ts';
import { backupStart } from '../../../protocol/methods/backups.ts';
import type { PolicyRecord } from '../../catalog/policyStore.ts';
import type { BackupRuns } from '../../policies/backupRuns.ts';
import type { PolicyService } from '../../policies/policyService.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function backupHandlers(policies: PolicyService, runs: BackupRuns): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(backupStart, async (params) => {
      if (params.all === params.policies.length > 0) {
        throw new HoldfastError('badValue', 'Failed to back up: name policies, or say --all.', {
          fix: '"holdfast policy list" shows them.',
        });
      }
      const named = params.all ? policies.own() : params.policies.map((reference) => policies.resolve(reference));
      const wanted = [...new Map(named.map((policy) => [policy.policyId, policy])).values()];
      for (const policy of wanted) policies.refuseImported(policy, 'back up');
      if (wanted.length === 0) {
        throw new HoldfastError('unknownName', 'Failed to back up: there is no policy yet.', {
          fix: 'Make one with "holdfast policy create".',
        });
      }
      const request = { dryRun: params.dryRun, ...(params.description === undefined ? {} : { description: params.description }) };
      return {
        actions: wanted.map((policy) => {
          const requestId = wanted.length === 1 ? params.requestId : requestIdOf(params.requestId, policy);
          const action = runs.start(policy, request, { requestId, startedBy: 'user' });
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
