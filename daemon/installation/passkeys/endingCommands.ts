import { awsScheduleDeletionCommand, vaultMinimumCommand } from '../../../protocol/keyCommands.ts';
import type { Slot } from '../../keys/slot.ts';

/** The longest that KMS offers: whoever finds out late that the key was needed can still take it back. */
export const deletionDays = 30;

/** The version of its Vault key below which nothing is needed without this slot; `undefined` where no other slot is wrapped by a later one. */
export function neededMinimum(slot: Slot, others: readonly Slot[]): number | undefined {
  if (slot.kind !== 'vaultTransit') return undefined;
  const { address, namespace, mount, key, version } = slot.reference;
  const versions = others.flatMap((other) =>
    other.kind === 'vaultTransit' &&
    other.reference.address === address &&
    other.reference.namespace === namespace &&
    other.reference.mount === mount &&
    other.reference.key === key
      ? [other.reference.version]
      : [],
  );
  if (versions.length === 0) return undefined;
  const least = Math.min(...versions);
  return least > version ? least : undefined;
}

/**
 * What ends the key or version that a slot alone needed. Only to be shown once the gate lets the slot go. `endpoint`: where this machine asks for a KMS key, in
 * place of AWS's own address.
 */
export function commandsToEnd(slot: Slot, others: readonly Slot[], endpoint: string | null): readonly string[] {
  if (slot.kind === 'awsKms') return [awsScheduleDeletionCommand({ ...slot.reference, endpoint }, deletionDays)];
  const minimum = neededMinimum(slot, others);
  return slot.kind === 'vaultTransit' && minimum !== undefined ? [vaultMinimumCommand(slot.reference, minimum)] : [];
}
