import { policyCreate, policyDelete, policyEdit, policyList, policyShow } from '../../../protocol/methods/policies.ts';
import type { PolicyService } from '../../policies/policyService.ts';
import { type BoundHandler, handlerOf } from '../handler.ts';

export function policyHandlers(policies: PolicyService): readonly (readonly [string, BoundHandler])[] {
  return [
    handlerOf(policyCreate, (params) => policies.create(params)),
    handlerOf(policyList, async (params) => policies.list(params)),
    handlerOf(policyShow, async ({ policy }) => policies.describe(policies.resolve(policy))),
    handlerOf(policyEdit, (params) => policies.edit(params)),
    handlerOf(policyDelete, async ({ policy, confirmed }) => policies.delete(policy, confirmed)),
  ];
}
