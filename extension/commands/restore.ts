import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { shortId, stamp } from '../../client/shown/units.ts';
import { restorePointShow } from '../../protocol/methods/restorePoints.ts';
import { restoreStart } from '../../protocol/methods/restores.ts';
import { protectedPolicies } from '../forms/restore/pickRestorePoint.ts';
import type { RestorePlan } from '../forms/restore/restorePlan.ts';
import { restoreParams } from '../forms/restore/restoreParams.ts';
import { type Given, restoringSteps } from '../forms/restore/restoring.ts';
import { runSteps } from '../forms/steps.ts';
import { isReady, whileUnlocked } from '../forms/unlocked.ts';
import type { Services } from '../services.ts';
import { followWork } from '../work/followWork.ts';
import { subjectOf } from './argument.ts';

const nothing: RestorePlan = {
  policyId: undefined,
  restorePointId: '',
  made: '',
  paths: [],
  isChosen: false,
  where: 'folder',
  folder: '',
  isFilled: false,
  conflict: 'refuse',
};

/** Of a restore point, of a file or folder in it, or of whatever the user picks: what, where to, what of what is there, a look at it, and then the work. */
export async function restore(services: Services, args: readonly unknown[]): Promise<void> {
  if (!(await isReady(services))) return;
  const { plan, given } = await begun(services, args);
  const whole = await runSteps(vscode.l10n.t('Restore'), restoringSteps(services, given), plan);
  if (whole === undefined) return;
  const params = restoreParams(whole, false, randomUUID());
  const { actionId } = await whileUnlocked(services, () => services.daemon.call(restoreStart, params));
  const { state } = await followWork(services, {
    actionId,
    title: vscode.l10n.t('Restore of {0}', shortId(whole.restorePointId)),
    view: 'holdfast.restorePoints',
  });
  if (state === 'complete' || state === 'completeWithWarnings') services.contextKeys.set('holdfast.hasRestored', true);
}

/** What the row says already. */
async function begun(services: Services, args: readonly unknown[]): Promise<{ readonly plan: RestorePlan; readonly given: Given }> {
  const point = subjectOf(args, 'restorePoint');
  const entry = subjectOf(args, 'entry');
  const restorePointId = point?.id ?? entry?.restorePointId;
  if (restorePointId === undefined) {
    const policies = await protectedPolicies(services);
    const policyId = subjectOf(args, 'policy')?.id ?? (policies.length === 1 ? policies[0]?.policyId : undefined);
    const isKnown = policies.some((policy) => policy.policyId === policyId);
    return {
      plan: isKnown ? { ...nothing, policyId } : nothing,
      given: { policies: isKnown ? [] : policies, hasPoint: false, hasPaths: false },
    };
  }
  const { startedAt, policyId } = await whileUnlocked(services, () =>
    services.daemon.call(restorePointShow, { restorePoint: restorePointId }),
  );
  const paths = entry === undefined || entry.path === '' ? [] : [entry.path];
  return {
    plan: { ...nothing, policyId, restorePointId, made: stamp(new Date(startedAt)), paths },
    given: { policies: [], hasPoint: true, hasPaths: paths.length > 0 },
  };
}
