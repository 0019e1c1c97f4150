import { l10n } from 'vscode';
import { lockCallsPerMonth, longestLockDays } from '../../../client/shown/lockCost.ts';
import { number } from '../../../client/shown/units.ts';
import type { LocationImmutability } from '../../../protocol/methods/immutability.ts';
import { usualProtectionPeriod } from '../../../protocol/methods/locations.ts';
import type { Choice } from '../quickInputs.ts';
import { daysText } from '../../ui/daysText.ts';

const offered = [0, 1, 2, 4, 7, 14, 30, 60] as const;

/** What it is told of where there is nothing to count yet. */
const example = { protectionPeriodDays: usualProtectionPeriod.default, objects: 1000 };

/** Days without the daemon that can be chosen, with what each costs: longer locks hold space longer, and shorter ones may be extended less often. */
export function absenceChoices(
  present: number,
  locations: readonly Pick<LocationImmutability, 'protectionPeriodDays' | 'objects'>[],
): readonly Choice<number>[] {
  const days = Array.from(new Set([...offered, present])).toSorted((left, right) => left - right);
  const counted = locations.length === 0 ? [example] : locations;
  return days.map((longestAbsenceDays) => {
    const calls = counted.reduce(
      (sum, { protectionPeriodDays, objects }) => sum + lockCallsPerMonth({ protectionPeriodDays, longestAbsenceDays }, objects),
      0,
    );
    const longest = Math.max(...counted.map(({ protectionPeriodDays }) => longestLockDays({ protectionPeriodDays, longestAbsenceDays })));
    const cost =
      locations.length === 0
        ? l10n.t('locks of {0} for a protection of 30', daysText(longest))
        : l10n.t('locks of up to {0}, about {1} calls a month', daysText(longest), number(calls));
    return {
      label: longestAbsenceDays === 0 ? l10n.t('Hardly at all') : daysText(longestAbsenceDays),
      description: longestAbsenceDays === present ? l10n.t('now, {0}', cost) : cost,
      ...(longestAbsenceDays === 0 ? { detail: l10n.t('The daemon runs as a service on a machine that is always on.') } : {}),
      value: longestAbsenceDays,
    };
  });
}
