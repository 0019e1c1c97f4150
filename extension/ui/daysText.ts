import { l10n } from 'vscode';
import { number } from '../../client/shown/units.ts';

export function daysText(days: number): string {
  return days === 1 ? l10n.t('1 day') : l10n.t('{0} days', number(days));
}
