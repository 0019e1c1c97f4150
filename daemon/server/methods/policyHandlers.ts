import {
  policyCreate,
  policyDelete,
  policyEdit,
  policyList,
  policyPause,
  policyResume,
  policyShow,
} from '../../../protocol/methods/policies.ts';
import { policyRetention } from '../../../protocol/methods/retention.ts';
import { pageOfArray } from '../../installation/pageOfArray.ts';
import type { PolicyService } from '../../policies/policyService.ts';
import { reasonText } from '../../policies/retention/retention.ts';
import type { RetentionService } from '../../policies/retention/retentionService.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';
import { stepUpNeeded } from '../rights.ts';

export function policyHandlers(policies: PolicyService, retention: RetentionService): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(policyCreate, (params) => policies.create(params)),
    handlerOf(policyList, async (params) => policies.list(params)),
    handlerOf(policyShow, async ({ policy }) => policies.describe(policies.resolve(policy))),
    handlerOf(policyEdit, async (params, { stepUp }) => {
      // Fewer that stay is many that are retired, which asks for a passphrase where it is done by hand.
      if (retention.keepsLess(policies.resolve(params.policy), params.keep) && !stepUp.isGranted()) throw stepUpNeeded();
      return await policies.edit(params);
    }),
    handlerOf(policyPause, async ({ policy }) => policies.pause(policy)),
    handlerOf(policyResume, async ({ policy }) => policies.resume(policy)),
    handlerOf(policyRetention, async ({ policy, ...page }) =>
      pageOfArray(retention.preview(policies.resolve(policy)), page, ({ reasons, ...item }) => ({
        ...item,
        reasons: reasons.map(reasonText),
      })),
    ),
    handlerOf(policyDelete, async ({ policy, confirmed }) => policies.delete(policy, confirmed)),
  ];
}
