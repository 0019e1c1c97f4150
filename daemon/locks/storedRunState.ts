import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { lockPlan } from './lockPlan.ts';
import type { LockRunState } from './lockRunState.ts';

const time = z.iso.datetime({ precision: 3 });

const terms = z.strictObject({ protectionPeriod: z.int(), longestAbsence: z.int() }).refine((value) => {
  try {
    lockPlan(value);
    return true;
  } catch {
    return false;
  }
});

const stateSchema: z.ZodType<LockRunState> = z.strictObject({
  aim: terms,
  promised: terms.nullable(),
  run: z.strictObject({ firstStart: time, isActive: z.boolean() }).nullable(),
  lastCompleted: z.strictObject({ start: time, end: time }).nullable(),
  completeBy: time.nullable(),
  isWanted: z.boolean(),
  failures: z.int().min(0),
  failedAt: time.nullable(),
});

/** As the catalog keeps it. */
export function runStateText(state: LockRunState): string {
  return JSON.stringify(state);
}

/** Throws `catalogDamaged` on what `runStateText` did not write. */
export function runStateOf(text: string): LockRunState {
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw HoldfastError.failedTo('catalogDamaged', 'read how far locks were kept', 'it is not what was written', {
      fix: 'Refresh the locks of the location: everything is looked at anew.',
      cause,
    });
  }
}
