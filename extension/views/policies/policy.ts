import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import { number } from '../../../client/shown/units.ts';
import type { Policy } from '../../../protocol/methods/policies.ts';
import type { RunningAction } from '../../../protocol/methods/session.ts';
import { scheduleWords } from '../../forms/scheduleWords.ts';
import { fullTime, shortTime } from '../../ui/shownTime.ts';
import { Row, type RowIcon, rowColors } from '../row.ts';
import { sourceRow } from './source.ts';

/** A policy with what it protects below it. `running`: its backup that runs or waits. */
export function policyRow(policy: Policy, running: RunningAction | undefined, now: Date): Row {
  const name = escaped(policy.name);
  const description = descriptionOf(policy, running, now);
  return new Row({
    id: policy.policyId,
    label: name,
    description,
    icon: iconOf(policy, running),
    tooltip: [
      [l10n.t('Policy'), name],
      ...(policy.problem === null ? [] : [[l10n.t('Problem'), escaped(policy.problem)] as const]),
      [l10n.t('Location'), escaped(policy.location)],
      ...(policy.problem === null ? [[l10n.t('Schedule'), escaped(scheduleWords(policy.schedule, l10n))] as const] : []),
      [l10n.t('Next run'), nextText(policy)],
      [l10n.t('Last run'), policy.lastRun === null ? l10n.t('none yet') : `${outcomeText(policy)}, ${fullTime(policy.lastRun.finishedAt)}`],
      [l10n.t('Restore points'), number(policy.restorePoints)],
    ],
    accessibleLabel: l10n.t('Policy {0}, {1}', name, description),
    context: ['policy', policy.paused ? 'paused' : 'active', ...(running === undefined ? ['idle'] : ['running'])],
    subject: { kind: 'policy', id: policy.policyId, name: policy.name },
    children: async () => policy.sources.map(sourceRow),
  });
}

function descriptionOf(policy: Policy, running: RunningAction | undefined, now: Date): string {
  const { lastRun, nextRunAt, schedule, paused, problem } = policy;
  const parts: string[] = problem === null ? [] : [l10n.t('can not be read')];
  if (running?.state === 'queued') parts.push(l10n.t('waiting'));
  else if (running !== undefined) {
    parts.push(running.fraction === null ? l10n.t('backing up') : l10n.t('backing up, {0} %', Math.floor(running.fraction * 100)));
  }
  if (paused) parts.push(l10n.t('paused'));
  else if (nextRunAt !== null) parts.push(l10n.t('next {0}', shortTime(nextRunAt, now)));
  else if (schedule === null && problem === null) parts.push(l10n.t('by hand'));
  if (lastRun === null) parts.push(l10n.t('never run'));
  else parts.push(`${outcomeText(policy)} ${shortTime(lastRun.finishedAt, now)}`);
  return parts.join(' · ');
}

function nextText({ paused, nextRunAt }: Policy): string {
  if (paused) return l10n.t('none while paused');
  return nextRunAt === null ? l10n.t('none') : fullTime(nextRunAt);
}

function outcomeText({ lastRun }: Policy): string {
  const outcome = lastRun?.outcome ?? '';
  switch (outcome) {
    case 'complete':
      return l10n.t('complete');
    case 'completeWithWarnings':
      return l10n.t('with warnings');
    case 'failed':
      return l10n.t('failed');
    case 'cancelled':
      return l10n.t('cancelled');
    default:
      return escaped(outcome);
  }
}

function iconOf({ paused, lastRun, problem }: Policy, running: RunningAction | undefined): RowIcon {
  if (running !== undefined) return { name: running.state === 'queued' ? 'clock' : 'sync~spin' };
  if (problem !== null) return { name: 'error', color: rowColors.error };
  if (paused) return { name: 'debug-pause', color: rowColors.faint };
  switch (lastRun?.outcome) {
    case undefined:
    case 'cancelled':
      return { name: 'circle-outline' };
    case 'complete':
      return { name: 'pass', color: rowColors.good };
    case 'completeWithWarnings':
      return { name: 'warning', color: rowColors.warning };
    default:
      return { name: 'error', color: rowColors.error };
  }
}
