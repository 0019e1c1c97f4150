import { HoldfastError } from '../protocol/errors.ts';
import { type LockMode, longestProtectionPeriod, usualProtectionPeriod } from '../protocol/methods/locations.ts';
import { counted } from '../client/shown/units.ts';
import { Asking } from './asking.ts';
import type { Call } from './call.ts';
import type { Session } from './session.ts';
import { wholeDays } from './values.ts';

/** Days of `--protection-period`; `undefined` where it was not given. */
export function typedPeriod(call: Call): number | undefined {
  const text = call.text('--protection-period');
  return text === undefined ? undefined : wholeDays('--protection-period', text, usualProtectionPeriod.least, longestProtectionPeriod);
}

export function typedLockMode(call: Call): LockMode | undefined {
  const text = call.text('--lock-mode');
  return text === 'compliance' || text === 'governance' ? text : undefined;
}

/** Says what a long period costs, and asks. Errors: `confirmationNeeded`, `cancelled`. */
export async function agreeToPeriod(days: number, session: Session): Promise<void> {
  if (days <= usualProtectionPeriod.most) return;
  const cost = `A protection period of ${counted(days, 'day')} costs: whatever is stored there stays, and has to be paid for, up to ${counted(days, 'day')} longer than anything needs it, and nobody can delete it earlier, you included.`;
  if (session.globals.yes) await session.note(cost);
  else await new Asking(session).confirm(new HoldfastError('confirmationNeeded', cost));
}
