import * as z from 'zod';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId, SlotId } from '../../../protocol/ids.ts';
import { parseStrictJson } from '../../../protocol/strictJson.ts';
import { base64Schema, schemaComplaint, timeSchema, uuidSchema, withoutDeepExtensions } from '../formatSchemas.ts';
import type { PassphraseReference } from '../slot.ts';
import { drSalt, drScryptParameters } from './drScrypt.ts';

/** The JSON of a DR slot, in bytes. */
export const longestDrSlot = 4096;
const deepestDrSlot = 8;
/** AES-256-GCM-SIV of the 37 bytes of plaintext, with its tag. */
const wrappedLength = 53;

/** The DR passphrase's wrapping of the disaster recovery key, in the very shape of its JSON (docs/format.md, The disaster recovery key). */
export interface DrSlot {
  readonly slotId: SlotId;
  readonly kind: 'drPassphrase';
  /** 16 bytes in base64. */
  readonly drkId: string;
  /** All but `commit` are fixed by the format and the installation's id. */
  readonly reference: PassphraseReference;
  readonly createdAt: string;
  readonly wrapped: string;
}

const { N, r, p } = drScryptParameters;

const drSlotSchema: z.ZodType<DrSlot> = z.strictObject({
  slotId: uuidSchema<SlotId>(),
  kind: z.literal('drPassphrase'),
  drkId: base64Schema(16),
  reference: z.strictObject({
    N: z.literal(N),
    r: z.literal(r),
    p: z.literal(p),
    salt: base64Schema(32),
    commit: base64Schema(32),
  }),
  createdAt: timeSchema,
  wrapped: base64Schema(wrappedLength),
});

/** The bytes that every bundle carries, the same until the DR passphrase changes. Throws `damaged` where a reader would refuse them. */
export function encodeDrSlot(slot: DrSlot, installationId: InstallationId): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(Buffer.from(JSON.stringify(slot), 'utf8'));
  decodeDrSlot(bytes, installationId);
  return bytes;
}

/** Checks length, form and the fixed values; nothing of it is proved yet, and nothing was computed. Throws `HoldfastError('damaged')`. */
export function decodeDrSlot(bytes: Uint8Array, installationId: InstallationId): DrSlot {
  const json = parseStrictJson(bytes, { maxBytes: longestDrSlot, maxDepth: deepestDrSlot, what: 'a DR slot' });
  const parsed = drSlotSchema.safeParse(withoutDeepExtensions(json));
  if (!parsed.success) throw damagedDrSlot(schemaComplaint(parsed.error));
  if (!drSalt(installationId).equals(Buffer.from(parsed.data.reference.salt, 'base64'))) {
    throw damagedDrSlot('its salt is not the one of this installation');
  }
  return parsed.data;
}

function damagedDrSlot(cause: string): HoldfastError {
  return HoldfastError.failedTo('damaged', 'read a DR slot', cause, { fix: 'Use another bundle.' });
}
