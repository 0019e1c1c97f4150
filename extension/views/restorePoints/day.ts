import { l10n } from 'vscode';
import { number, size } from '../../../client/shown/units.ts';
import type { RestorePoint } from '../../../protocol/methods/restorePoints.ts';
import { dayOf } from '../../ui/shownTime.ts';
import { Row } from '../row.ts';

/** Above so many restore points a policy shows days first. */
export const mostWithoutDays = 20;

export interface Day {
  /** Local. */
  readonly day: string;
  /** Newest first. */
  readonly points: readonly RestorePoint[];
}

/** Restore points, newest first, by the day on which they started. A day comes up once, also where clocks were set back in between. */
export function daysOf(points: readonly RestorePoint[]): readonly Day[] {
  const days = new Map<string, RestorePoint[]>();
  for (const point of points) {
    const day = dayOf(point.startedAt);
    const of = days.get(day);
    if (of === undefined) days.set(day, [point]);
    else of.push(point);
  }
  return Array.from(days, ([day, of]) => ({ day, points: of }));
}

export function dayRow(policyId: string, { day, points }: Day, children: () => Promise<readonly Row[]>): Row {
  const added = size(points.reduce((sum, { addedBytes }) => sum + addedBytes, 0));
  const damaged = points.filter(({ state }) => state === 'damaged').length;
  const description = [
    points.length === 1 ? l10n.t('1 restore point') : l10n.t('{0} restore points', number(points.length)),
    l10n.t('{0} added', added),
    ...(damaged === 0 ? [] : [l10n.t('{0} damaged', damaged)]),
  ].join(' · ');
  return new Row({
    id: `${policyId}@${day}`,
    label: day,
    description,
    icon: { name: 'calendar' },
    accessibleLabel: `${day}, ${description}`,
    context: ['day'],
    children,
  });
}
