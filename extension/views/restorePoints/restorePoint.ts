import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import { number, size } from '../../../client/shown/units.ts';
import type { RestorePoint } from '../../../protocol/methods/restorePoints.ts';
import { fullTime, shortDay } from '../../ui/shownTime.ts';
import { Row, type RowIcon, rowColors } from '../row.ts';

export interface RestorePointPlacing {
  /** Below a day the hour is enough. */
  readonly isBelowDay: boolean;
  readonly children: () => Promise<readonly Row[]>;
}

export function restorePointRow(point: RestorePoint, { isBelowDay, children }: RestorePointPlacing): Row {
  const time = fullTime(point.startedAt);
  const states = [
    ...(point.state === 'damaged' ? [l10n.t('damaged')] : []),
    ...(point.anomaly === null ? [] : [l10n.t('unusual')]),
    ...(point.pinned ? [l10n.t('pinned')] : []),
    ...(point.protectedUntil === null ? [] : [l10n.t('locked until {0}', shortDay(point.protectedUntil))]),
  ];
  const note = point.description === null || point.description === '' ? [] : [escaped(point.description)];
  const description = [l10n.t('{0} added', size(point.addedBytes)), ...states, ...note].join(' · ');
  return new Row({
    id: point.id,
    label: isBelowDay ? time.slice(11) : time,
    description,
    icon: iconOf(point),
    tooltip: [
      [l10n.t('Restore point'), point.id],
      [l10n.t('Policy'), escaped(point.policy)],
      [l10n.t('Time'), time],
      [l10n.t('Content'), l10n.t('{0} files, {1}', number(point.files), size(point.bytes))],
      [l10n.t('Added'), size(point.addedBytes)],
      [l10n.t('Verified'), verifiedText(point)],
      ...(point.protectedUntil === null ? [] : [[l10n.t('Locked until'), fullTime(point.protectedUntil)] as const]),
      ...(point.anomaly === null ? [] : [[l10n.t('Unusual'), escaped(point.anomaly)] as const]),
      ...note.map((text) => [l10n.t('Description'), text] as const),
    ],
    accessibleLabel: l10n.t('Restore point of {0}, {1}, {2}', escaped(point.policy), time, description),
    context: ['restorePoint', point.state, point.pinned ? 'pinned' : 'unpinned'],
    subject: { kind: 'restorePoint', id: point.id, policy: point.policy, startedAt: point.startedAt },
    children,
    keepsChildren: true,
  });
}

function verifiedText({ verified }: RestorePoint): string {
  if (verified === null) return l10n.t('not yet');
  const time = fullTime(verified.at);
  return verified.result === 'ok' ? l10n.t('{0}, nothing is damaged', time) : l10n.t('{0}, something is damaged', time);
}

function iconOf({ state, anomaly, pinned }: RestorePoint): RowIcon {
  if (state === 'damaged') return { name: 'error', color: rowColors.error };
  if (anomaly !== null) return { name: 'warning', color: rowColors.warning };
  return { name: pinned ? 'pinned' : 'history' };
}
