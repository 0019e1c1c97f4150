import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import { number } from '../../../client/shown/units.ts';
import type { ProtectedPolicy } from '../../../protocol/methods/restorePoints.ts';
import { fullTime, shortTime } from '../../ui/shownTime.ts';
import { Row } from '../row.ts';

export interface PolicyGroupPlacing {
  readonly now: Date;
  /** One that is alone is open from the start. */
  readonly isOnly: boolean;
  readonly children: () => Promise<readonly Row[]>;
}

/** A policy with its restore points below it. One that was deleted keeps those that it left. */
export function policyGroupRow(group: ProtectedPolicy, { now, isOnly, children }: PolicyGroupPlacing): Row {
  const name = escaped(group.policy);
  const count = group.restorePoints === 1 ? l10n.t('1 restore point') : l10n.t('{0} restore points', number(group.restorePoints));
  const description = [
    count,
    l10n.t('newest {0}', shortTime(group.newestAt, now)),
    ...(group.deleted ? [l10n.t('policy was deleted')] : []),
  ].join(' · ');
  return new Row({
    id: group.policyId,
    label: name,
    description,
    icon: { name: group.deleted ? 'archive' : 'shield' },
    tooltip: [
      [l10n.t('Policy'), name],
      [l10n.t('Restore points'), number(group.restorePoints)],
      [l10n.t('Newest'), fullTime(group.newestAt)],
    ],
    accessibleLabel: `${name}, ${description}`,
    context: ['policyGroup', group.deleted ? 'deleted' : 'kept'],
    subject: { kind: 'policy', id: group.policyId, name: group.policy },
    isExpanded: isOnly,
    children,
  });
}
