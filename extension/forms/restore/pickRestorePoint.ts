import * as vscode from 'vscode';
import { moment, relative, size, stamp } from '../../../client/shown/units.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import {
  type ProtectedPolicy,
  type RestorePoint,
  restorePointList,
  restorePointPolicies,
} from '../../../protocol/methods/restorePoints.ts';
import { listAll } from '../../connection/listAll.ts';
import type { Services } from '../../services.ts';
import { askPick, type Choice } from '../quickInputs.ts';
import type { StepOutcome, StepPlace } from '../steps.ts';
import { whileUnlocked } from '../unlocked.ts';
import type { RestorePlan } from './restorePlan.ts';

const atOnce = 200;

/** Who has restore points. Rejects with `unknownName` where nobody has. */
export async function protectedPolicies(services: Services): Promise<readonly ProtectedPolicy[]> {
  const policies = await whileUnlocked(services, () => listAll(services.daemon, restorePointPolicies, {}));
  if (policies.length === 0) {
    throw HoldfastError.failedTo('unknownName', 'restore', 'there is no restore point yet', { fix: 'Back something up first.' });
  }
  return policies;
}

export async function pickPolicy(
  plan: RestorePlan,
  place: StepPlace,
  policies: readonly ProtectedPolicy[],
): Promise<StepOutcome<RestorePlan>> {
  const now = new Date();
  return await askPick<RestorePlan, string>(place, {
    placeholder: vscode.l10n.t('What was backed up by which policy?'),
    choices: policies.map(({ policyId, policy, deleted, restorePoints, newestAt }) => ({
      label: policy,
      ...(deleted ? { description: vscode.l10n.t('deleted; its restore points stay') } : {}),
      detail: vscode.l10n.t('{0} restore points, the newest of {1}', restorePoints, moment(newestAt, now)),
      icon: 'shield',
      value: policyId,
    })),
    ...(plan.policyId === undefined ? {} : { current: plan.policyId }),
    next: (policyId) => (policyId === plan.policyId ? plan : { ...plan, policyId, restorePointId: '', paths: [], isChosen: false }),
  });
}

/** The restore points of a policy, newest first, by how long ago; older ones are fetched when they are asked for. */
export async function pickPoint(plan: RestorePlan, place: StepPlace, services: Services): Promise<StepOutcome<RestorePlan>> {
  const points: RestorePoint[] = [];
  let after: string | undefined;
  for (;;) {
    const params = { includeRetired: false, limit: atOnce, ...(plan.policyId === undefined ? {} : { policy: plan.policyId }) };
    const page = await whileUnlocked(services, () =>
      services.daemon.call(restorePointList, after === undefined ? params : { ...params, after }),
    );
    const firstNew = page.items[0]?.id;
    points.push(...page.items);
    after = page.next ?? undefined;
    const now = new Date();
    const older: Choice<string> = { label: vscode.l10n.t('Older Ones…'), icon: 'history', value: '' };
    const outcome = await askPick<RestorePlan, string>(place, {
      placeholder: vscode.l10n.t('As of when?'),
      choices: [...points.map((point) => choiceOf(point, now)), ...(after === undefined ? [] : [older])],
      current: plan.restorePointId === '' ? (firstNew ?? '') : plan.restorePointId,
      next: (id) => chosen(plan, points, id),
    });
    if (outcome.kind !== 'next' || outcome.values.restorePointId !== '') return outcome;
  }
}

function chosen(plan: RestorePlan, points: readonly RestorePoint[], id: string): RestorePlan {
  const point = points.find((one) => one.id === id);
  if (point === undefined) return { ...plan, restorePointId: '' };
  const isSame = plan.restorePointId === id;
  return { ...plan, restorePointId: id, made: stamp(new Date(point.startedAt)), ...(isSame ? {} : { paths: [], isChosen: false }) };
}

function choiceOf(point: RestorePoint, now: Date): Choice<string> {
  const started = new Date(point.startedAt);
  const marks = [
    ...(point.state === 'damaged' ? [vscode.l10n.t('damaged: some files cannot be restored')] : []),
    ...(point.verified?.result === 'ok' ? [vscode.l10n.t('verified {0}', relative(new Date(point.verified.at), now))] : []),
    ...(point.anomaly === null ? [] : [vscode.l10n.t('unusual: {0}', point.anomaly)]),
    ...(point.description === null || point.description === '' ? [] : [point.description]),
  ];
  return {
    label: stamp(started),
    description: relative(started, now),
    detail: [vscode.l10n.t('{0} files, {1}', point.files, size(point.bytes)), ...marks].join(' · '),
    icon: point.state === 'damaged' ? 'error' : point.anomaly === null ? 'history' : 'warning',
    group: ageGroup(started, now),
    value: point.id,
  };
}

function ageGroup(time: Date, now: Date): string {
  const midnight = new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
  const day = 86_400_000;
  if (time.getTime() >= midnight) return vscode.l10n.t('Today');
  if (time.getTime() >= midnight - day) return vscode.l10n.t('Yesterday');
  if (time.getTime() >= midnight - 6 * day) return vscode.l10n.t('The last week');
  return vscode.l10n.t('Earlier');
}
