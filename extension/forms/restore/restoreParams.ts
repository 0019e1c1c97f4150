import type { RestoreStartParams } from '../../../protocol/methods/restores.ts';
import { conflictOf, type RestorePlan } from './restorePlan.ts';

/** The request that a plan stands for. */
export function restoreParams(plan: RestorePlan, dryRun: boolean, requestId: string): RestoreStartParams {
  return {
    requestId,
    restorePoint: plan.restorePointId,
    target: plan.where === 'inPlace' ? null : plan.folder,
    paths: plan.paths,
    conflict: conflictOf(plan),
    dryRun,
  };
}
