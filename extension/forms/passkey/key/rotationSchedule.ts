import { l10n } from 'vscode';
import { wholeNumberOf } from '../../typedValues.ts';

/** When a passkey rotates by itself, as a form has it: every so many days, as it is now, never, or what is typed. */
export type Schedule = number | 'asIs' | 'never' | 'other';

export const offeredIntervals: readonly number[] = [30, 90, 180, 365];

/** As the protocol has it, in days. */
export const longestInterval = 3650;

/** Days that were typed; `undefined` for what are none. */
export function scheduleOf(text: string): number | undefined {
  const days = wholeNumberOf(text, longestInterval);
  return days === undefined || days < 1 ? undefined : days;
}

export function scheduleProblem(text: string): string | undefined {
  return scheduleOf(text) === undefined ? l10n.t('A whole number of days, from 1 to {0}.', longestInterval) : undefined;
}

/** What the daemon is told: days, `null` for never, `undefined` where nothing changes. */
export function schedulePlan({ schedule, other }: { readonly schedule: Schedule; readonly other: string }): number | null | undefined {
  if (schedule === 'other') return scheduleOf(other);
  if (schedule === 'asIs') return undefined;
  return schedule === 'never' ? null : schedule;
}
