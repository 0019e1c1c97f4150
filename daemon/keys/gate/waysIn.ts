import type { SlotId } from '../../../protocol/ids.ts';
import type { PasskeyState } from '../../../protocol/methods/passkeys.ts';
import type { OutsideKey } from './outsideKey.ts';

/** A slot, and what it depends on outside. */
export interface GateSlot {
  readonly slotId: SlotId;
  readonly outsideKey: OutsideKey | undefined;
}

export interface WayIn extends GateSlot {
  readonly state: PasskeyState;
  /** New keyrings leave it out: it is going to be retired. */
  readonly isLeftOut: boolean;
}

/** Whether something may depend on it: it was verified, and keyrings go on holding it. */
export function isWayIn({ state, isLeftOut }: WayIn): boolean {
  return state === 'ready' && !isLeftOut;
}

/**
 * How many things somebody would have to lose before these open nothing: passkeys of one key outside are one way in, whatever its versions or replicas, since
 * who deletes the key, or has its account, takes them all. Each passphrase is one of its own.
 */
export function countWays(passkeys: readonly WayIn[]): number {
  return new Set(passkeys.filter(isWayIn).map(({ slotId, outsideKey }) => outsideKey?.name ?? slotId)).size;
}
