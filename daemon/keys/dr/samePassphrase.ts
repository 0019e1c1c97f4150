import type { InstallationId, SlotId } from '../../../protocol/ids.ts';
import { derivePassphraseKey, openPassphraseSlot } from '../passkeys/passphrase.ts';
import type { ScryptRunner } from '../scryptRunner.ts';
import { WipedBytes } from '../secretBytes.ts';
import type { PassphraseSlot, Slot } from '../slot.ts';

export interface SlotsToTry {
  readonly installationId: InstallationId;
  readonly slots: readonly Slot[];
  /** As it was typed; stays the caller's to wipe. */
  readonly passphrase: Uint8Array;
  readonly scrypt: ScryptRunner;
  readonly signal?: AbortSignal;
}

/**
 * The first slot that the passphrase opens, found by trying: a DR passphrase that also opens a passkey would make one secret of the two that a recovery needs.
 * One derivation for each set of parameters and salt. Throws what `ScryptRunner.derive` throws, and `damaged` for parameters outside the format.
 */
export async function slotOpenedBy({ installationId, slots, passphrase, scrypt, signal }: SlotsToTry): Promise<SlotId | undefined> {
  const sets = Map.groupBy(
    slots.filter((slot) => slot.kind === 'passphrase'),
    ({ reference: { N, r, p, salt } }) => `${N},${r},${p},${salt}`,
  );
  for (const alike of sets.values()) {
    const opened = await openedOf(alike);
    if (opened !== undefined) return opened;
  }
  return undefined;

  async function openedOf(alike: readonly PassphraseSlot[]): Promise<SlotId | undefined> {
    const [first] = alike;
    using derived: WipedBytes | undefined = first && (await derivePassphraseKey(first, passphrase, scrypt, signal));
    if (derived === undefined) return undefined;
    return alike.find((slot) => {
      using masterKey = openPassphraseSlot(installationId, slot, derived.bytes);
      return masterKey !== undefined;
    })?.slotId;
  }
}
