import { l10n } from 'vscode';
import { escaped } from '../../../client/shown/text.ts';
import type { Alert, AlertSeverity } from '../../../protocol/methods/alerts.ts';
import { fullTime, shortTime } from '../../ui/shownTime.ts';
import { Row, type RowIcon, rowColors } from '../row.ts';
import { cureOf } from './cure.ts';

export function alertRow(alert: Alert, now: Date): Row {
  const message = escaped(alert.message);
  const severity = severityText(alert.severity);
  const { locationId, slotId } = alert;
  const cure = cureOf(alert.kind);
  const description = [
    l10n.t('since {0}', shortTime(alert.since, now)),
    ...(alert.state === 'acknowledged' ? [l10n.t('acknowledged')] : []),
    ...(alert.state === 'snoozed' && alert.snoozedUntil !== null ? [l10n.t('snoozed until {0}', shortTime(alert.snoozedUntil, now))] : []),
  ].join(' · ');
  return new Row({
    id: alert.id,
    label: message,
    description,
    icon: iconOf(alert),
    tooltip: [
      [severity, message],
      [l10n.t('About'), escaped(alert.subject)],
      [l10n.t('Since'), fullTime(alert.since)],
      ...(alert.safeUntil === null ? [] : [[l10n.t('Nothing is lost until'), fullTime(alert.safeUntil)] as const]),
      ...(alert.fix === null ? [] : [[l10n.t('Way out'), escaped(alert.fix)] as const]),
      ...(alert.detail === null ? [] : [[l10n.t('Detail'), escaped(alert.detail)] as const]),
    ],
    accessibleLabel: [`${severity}: ${message}`, description, ...(alert.fix === null ? [] : [escaped(alert.fix)])].join(', '),
    context: ['alert', alert.state, alert.severity, alert.kind, cure],
    subject: {
      kind: 'alert',
      id: alert.id,
      message: alert.message,
      ...(cure === 'byHand' || locationId === null ? {} : { location: { id: locationId, name: alert.subject } }),
      ...(cure !== 'byVerify' || slotId === null ? {} : { passkey: { id: slotId, name: alert.subject } }),
    },
  });
}

export function severityText(severity: AlertSeverity): string {
  switch (severity) {
    case 'error':
      return l10n.t('Error');
    case 'warning':
      return l10n.t('Warning');
    case 'info':
      return l10n.t('Information');
  }
}

function iconOf({ severity, state }: Alert): RowIcon {
  if (state !== 'open') return { name: state === 'snoozed' ? 'bell-slash' : 'check', color: rowColors.faint };
  switch (severity) {
    case 'error':
      return { name: 'error', color: rowColors.error };
    case 'warning':
      return { name: 'warning', color: rowColors.warning };
    case 'info':
      return { name: 'info' };
  }
}
