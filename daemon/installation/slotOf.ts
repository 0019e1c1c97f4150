import { HoldfastError } from '../../protocol/errors.ts';
import type { SlotId } from '../../protocol/ids.ts';
import { type Slot, slotSchemas } from '../keys/slot.ts';

/** Reads a slot back from the catalog. Throws `catalogDamaged`. */
export function slotOf(slotId: SlotId, json: string): Slot {
  const slot = readableSlot(json);
  if (slot !== undefined) return slot;
  throw new HoldfastError('catalogDamaged', `Failed to read passkey ${slotId}: its slot is not one of this program's.`, {
    fix: 'Move the state directory aside and rebuild the catalog from a location: "holdfast import-stored --location-spec FILE".',
  });
}

/** `undefined` where it is not one of this program's: such a passkey can still be listed and retired. */
export function readableSlot(json: string): Slot | undefined {
  const value: unknown = JSON.parse(json);
  for (const schema of Object.values(slotSchemas)) {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
  }
  return undefined;
}
