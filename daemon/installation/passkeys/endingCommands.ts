import { readAwsKeyName } from '../../../protocol/awsKeyName.ts';
import { isAwsRegion } from '../../../protocol/awsSettings.ts';
import { awsScheduleDeletionCommand, vaultMinimumCommand } from '../../../protocol/keyCommands.ts';
import { type OutsideKey, outsideKeyOf } from '../../keys/gate/outsideKey.ts';
import type { Slot } from '../../keys/slot.ts';

/** The longest that KMS offers: whoever finds out late that the key was needed can still take it back. */
export const deletionDays = 30;

/**
 * The version of its Vault key below which nothing is needed without this slot; `undefined` where none that is needed is later, so that there is nothing to
 * raise the minimum to. `needed`: as the gate names them, of other passkeys and of what is locked.
 */
export function neededMinimum(slot: Slot, needed: readonly OutsideKey[]): number | undefined {
  const own = outsideKeyOf(slot);
  if (slot.kind !== 'vaultTransit' || own === undefined) return undefined;
  const versions = needed.flatMap(({ name, version }) => (name === own.name ? [version] : []));
  if (versions.length === 0) return undefined;
  const least = Math.min(...versions);
  return least > own.version ? least : undefined;
}

/**
 * What ends the key or version that a slot alone needed. Only to be shown once the gate lets the slot go. `endpoint`: where this machine asks for a KMS key, in
 * place of AWS's own address.
 */
export function commandsToEnd(slot: Slot, needed: readonly OutsideKey[], endpoint: string | null): readonly string[] {
  if (slot.kind === 'awsKms') {
    // A keyring may have come from elsewhere: what it names need not be a key.
    const isKey = readAwsKeyName(slot.reference.keyArn)?.form === 'keyArn' && isAwsRegion(slot.reference.region);
    return isKey ? [awsScheduleDeletionCommand({ ...slot.reference, endpoint }, deletionDays)] : [];
  }
  const minimum = neededMinimum(slot, needed);
  return slot.kind === 'vaultTransit' && minimum !== undefined ? [vaultMinimumCommand(slot.reference, minimum)] : [];
}
