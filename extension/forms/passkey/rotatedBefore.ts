import { type Passkey, passkeyList } from '../../../protocol/methods/passkeys.ts';
import type { Caller } from '../../connection/daemonService.ts';
import { listAll } from '../../connection/listAll.ts';

/** Old and new slot of a rotation. */
export interface RotatedSlots {
  readonly passkey: Passkey;
  readonly previous: Passkey;
}

/** Of a daemon that ended after it had rotated: the slot in use is a new one, under the old one's name. `known`: as they were before. */
export async function rotatedBefore(daemon: Caller, slotId: string, known: readonly Passkey[]): Promise<RotatedSlots | undefined> {
  const name = known.find((one) => one.slotId === slotId)?.name;
  const now = await listAll(daemon, passkeyList, {});
  const previous = now.find((one) => one.slotId === slotId);
  const passkey = now.find((one) => one.inUse && one.name === name && known.every((old) => old.slotId !== one.slotId));
  return previous === undefined || passkey === undefined ? undefined : { passkey, previous };
}
