import type { HoldfastError } from '../../protocol/errors.ts';
import type { Keyring } from './keyring.ts';
import type { MasterKey } from './masterKey.ts';
import type { Slot } from './slot.ts';

/** Attempts without success after which the user is asked whether to go on (docs/format.md, Finding the master key). */
export const trialsBetweenQuestions = 8;

/** Asked after each 8 attempts without success, with their count so far. `false` ends the search. */
export type AskToGoOn = (count: number) => Promise<boolean>;

/** One way in, tried on the slots of many keyrings that anybody may have written. */
export interface SlotTrials extends Disposable {
  /** Attempts that cost something, so far. */
  readonly count: number;
  /** Of a keyring, those slots that this way could open at all; no other is ever touched. */
  slotsOf(keyring: Keyring): readonly Slot[];
  /** Whether another attempt at it costs nothing. */
  hasTried(slot: Slot): boolean;
  /** The slot's master key, for the caller to dispose of. Rejects with `cancelled` where the user does not go on; the signal's reason. */
  open(slot: Slot): Promise<MasterKey | undefined>;
  /** Why nothing was opened, once all have been tried. */
  failure(): HoldfastError;
}
