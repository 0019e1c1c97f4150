import { l10n } from 'vscode';
import { Row } from '../row.ts';

/** The last row, closed: alerts that ask for nothing any more, or not now. None where there are none. */
export function settledAlertsRow(rows: readonly Row[]): readonly Row[] {
  if (rows.length === 0) return [];
  const label = l10n.t('Acknowledged and snoozed');
  const description = String(rows.length);
  return [
    new Row({
      id: '#settled',
      label,
      description,
      icon: { name: 'archive' },
      accessibleLabel: `${label}, ${description}`,
      context: ['settledAlerts'],
      children: async () => rows,
    }),
  ];
}
