import type { Retention, RetentionUnit } from '../../protocol/methods/policies.ts';
import { retentionUnits } from '../../protocol/methods/retention.ts';
import type { Words } from './words.ts';

/** What stays, as people say it. */
export function retentionWords(keep: Retention | null, l10n: Words): string {
  if (keep === null) return l10n.t('everything stays');
  const parts = retentionUnits.filter((unit) => keep[unit] > 0).map((unit) => unitWords(unit, keep[unit], l10n));
  return parts.length === 0 ? l10n.t('the newest only') : parts.join(', ');
}

function unitWords(unit: RetentionUnit, count: number, l10n: Words): string {
  switch (unit) {
    case 'latest':
      return l10n.t('{0} latest', count);
    case 'hourly':
      return l10n.t('{0} hourly', count);
    case 'daily':
      return l10n.t('{0} daily', count);
    case 'weekly':
      return l10n.t('{0} weekly', count);
    case 'monthly':
      return l10n.t('{0} monthly', count);
    case 'yearly':
      return l10n.t('{0} yearly', count);
  }
}

/** What a form asks for each unit. */
export function unitQuestion(unit: RetentionUnit, l10n: Words): string {
  switch (unit) {
    case 'latest':
      return l10n.t('How many of the latest restore points stay, whenever they were made?');
    case 'hourly':
      return l10n.t('For how many hours does the newest restore point of each hour stay?');
    case 'daily':
      return l10n.t('For how many days does the newest restore point of each day stay?');
    case 'weekly':
      return l10n.t('For how many weeks does the newest restore point of each week stay?');
    case 'monthly':
      return l10n.t('For how many months does the newest restore point of each month stay?');
    case 'yearly':
      return l10n.t('For how many years does the newest restore point of each year stay?');
  }
}
