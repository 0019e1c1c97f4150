import { l10n } from 'vscode';
import { lockCallsPerMonth, longestLockDays } from '../../../client/shown/lockCost.ts';
import { number } from '../../../client/shown/units.ts';
import { type LockMode, longestProtectionPeriod, usualProtectionPeriod } from '../../../protocol/methods/locations.ts';
import { daysText } from '../../ui/daysText.ts';
import { wholeNumberOf } from '../typedValues.ts';

/** How long what is stored is kept locked, as a form has it. */
export interface Protection {
  /** `null`: nothing is locked. */
  readonly days: number | null;
  /** A number of days is typed. */
  readonly isOther: boolean;
  readonly mode: LockMode;
}

export const usualProtection: Protection = { days: usualProtectionPeriod.default, isOther: false, mode: 'compliance' };

/** Days that are offered; others are typed. */
export const offeredDays: readonly number[] = [1, 7, 14, usualProtectionPeriod.default, 60, usualProtectionPeriod.most];

const objectsOfCost = 1000;

/** What a protection period means. */
export function periodMeaning(days: number): string {
  return l10n.t('For {0} whatever an attacker does with the credentials, nothing is lost.', daysText(days));
}

/** What it costs to keep the locks long enough. */
export function periodCost(days: number, longestAbsenceDays: number): string {
  const calls = lockCallsPerMonth({ protectionPeriodDays: days, longestAbsenceDays }, objectsOfCost);
  return l10n.t('about {0} calls a month for 1,000 objects', number(calls));
}

/** How long nobody can give space back. */
export function periodHold(days: number, longestAbsenceDays: number): string {
  const lock = longestLockDays({ protectionPeriodDays: days, longestAbsenceDays });
  return l10n.t('Nothing can be deleted for up to {0}, by you neither, and has to be paid for.', daysText(lock));
}

/** Whether a period is worth a warning. */
export function isLong(days: number | null): days is number {
  return days !== null && days > usualProtectionPeriod.most;
}

/** Typed days; `undefined` for what is none. */
export function daysOf(text: string): number | undefined {
  const days = wholeNumberOf(text, longestProtectionPeriod);
  return days === undefined || days < usualProtectionPeriod.least ? undefined : days;
}

export function daysProblem(text: string): string | undefined {
  if (text.trim() === '' || daysOf(text) !== undefined) return undefined;
  return l10n.t('A whole number of days, {0} to {1}.', usualProtectionPeriod.least, number(longestProtectionPeriod));
}

export function modeText(mode: LockMode): string {
  return mode === 'compliance' ? l10n.t('compliance') : l10n.t('governance');
}
