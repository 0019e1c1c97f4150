import type { PasskeyRecord } from '../catalog/passkeyStore.ts';
import type { PasskeyStatus } from '../keys/passkeyStates.ts';

/** What the rules of keys/passkeyStates.ts look at. */
export function passkeyStatus({ slotId, name, state, inUse, leftKeyringsAt }: PasskeyRecord): PasskeyStatus {
  return { slotId, name, state, inUse, isLeftOut: leftKeyringsAt !== null };
}
