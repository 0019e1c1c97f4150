import { l10n } from 'vscode';
import type { Alert } from '../../../protocol/methods/alerts.ts';

/** What stands beside the container's icon: how many alerts ask for something. None where none does. */
export function badgeOf(alerts: readonly Alert[]): { readonly value: number; readonly tooltip: string } | undefined {
  const value = alerts.filter(({ state }) => state === 'open').length;
  if (value === 0) return undefined;
  return { value, tooltip: value === 1 ? l10n.t('1 alert') : l10n.t('{0} alerts', value) };
}
