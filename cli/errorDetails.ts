import type { HoldfastError } from '../protocol/errors.ts';
import { minuteOf } from '../protocol/wording.ts';
import { clipped, escaped } from '../client/shown/text.ts';

const longestCommand = 8192;
const mostReasons = 50;

/** What an error's details hold for people: what something waits for, each with its end, and a command for whoever may run it, to be copied. */
export function detailLines({ details, fix }: Pick<HoldfastError, 'details' | 'fix'>): {
  readonly reasons: readonly string[];
  readonly command: readonly string[];
} {
  const reasons = details?.['reasons'];
  const all: readonly unknown[] = Array.isArray(reasons) ? reasons : [];
  const command = details?.['command'];
  return {
    reasons: [
      ...all.slice(0, mostReasons).flatMap((reason) => reasonLine(reason)),
      ...(all.length > mostReasons ? [`  and ${all.length - mostReasons} more`] : []),
    ],
    command: typeof command === 'string' && fix?.includes(command) !== true ? [`  ${clipped(escaped(command), longestCommand)}`] : [],
  };
}

function reasonLine(reason: unknown): readonly string[] {
  if (typeof reason !== 'object' || reason === null || !('what' in reason) || typeof reason.what !== 'string') return [];
  const until = 'until' in reason && typeof reason.until === 'string' ? `, until ${escaped(minuteOf(reason.until))}` : '';
  return [`  ${clipped(escaped(reason.what), 400)}${until}`];
}
