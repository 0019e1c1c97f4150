import * as z from 'zod';
import type { InstallationId, SlotId } from '../../protocol/ids.ts';
import { base64Schema, boundedBase64Schema, keyEpochSchema, timeSchema, uuidSchema } from './formatSchemas.ts';
import { type ScryptParameters, scryptParametersSchema } from './scryptParameters.ts';

/** scrypt's parameters, the salt and the commitment of the key that it gives; bytes in base64. */
export interface PassphraseReference extends ScryptParameters {
  /** 32 bytes. */
  readonly salt: string;
  /** 32 bytes. */
  readonly commit: string;
}

export interface AwsKmsReference {
  readonly keyArn: string;
  readonly region: string;
}

export interface VaultTransitReference {
  readonly address: string;
  readonly namespace: string | null;
  readonly mount: string;
  readonly key: string;
  readonly version: number;
}

interface SlotOf<Kind extends string, Reference> {
  /** Never used for another slot. */
  readonly slotId: SlotId;
  readonly kind: Kind;
  readonly keyEpoch: number;
  /** 16 bytes in base64. */
  readonly masterKeyId: string;
  readonly reference: Reference;
  readonly createdAt: string;
  /** The wrapped master key in base64. */
  readonly wrapped: string;
}

export type PassphraseSlot = SlotOf<'passphrase', PassphraseReference>;
export type AwsKmsSlot = SlotOf<'awsKms', AwsKmsReference>;
export type VaultTransitSlot = SlotOf<'vaultTransit', VaultTransitReference>;

/** One passkey's wrapping of the master key, immutable once written, in the very shape of its JSON (docs/format.md, Slot). */
export type Slot = PassphraseSlot | AwsKmsSlot | VaultTransitSlot;
export type SlotKind = Slot['kind'];

/** AES-256-GCM-SIV of the 41 bytes of plaintext, with its tag. */
const passphraseWrappedLength = 57;

const shortText = z.string().min(1).max(2048);
const members = {
  slotId: uuidSchema<SlotId>(),
  keyEpoch: keyEpochSchema,
  masterKeyId: base64Schema(16),
  createdAt: timeSchema,
};
// What a key service wraps is text or bytes of its own, of a length that it chooses.
const foreignWrapped = boundedBase64Schema(6144);

const passphraseSlotSchema: z.ZodType<PassphraseSlot> = z.strictObject({
  ...members,
  kind: z.literal('passphrase'),
  reference: scryptParametersSchema.extend({ salt: base64Schema(32), commit: base64Schema(32) }),
  wrapped: base64Schema(passphraseWrappedLength),
});

const awsKmsSlotSchema: z.ZodType<AwsKmsSlot> = z.strictObject({
  ...members,
  kind: z.literal('awsKms'),
  reference: z.strictObject({ keyArn: shortText, region: shortText }),
  wrapped: foreignWrapped,
});

const vaultTransitSlotSchema: z.ZodType<VaultTransitSlot> = z.strictObject({
  ...members,
  kind: z.literal('vaultTransit'),
  reference: z.strictObject({
    address: shortText,
    namespace: shortText.nullable(),
    mount: shortText,
    key: shortText,
    version: z.int().min(1),
  }),
  wrapped: foreignWrapped,
});

export const slotSchemas: Readonly<Record<SlotKind, z.ZodType<Slot>>> = {
  passphrase: passphraseSlotSchema,
  awsKms: awsKmsSlotSchema,
  vaultTransit: vaultTransitSlotSchema,
};

export function isSlotKind(kind: unknown): kind is SlotKind {
  return typeof kind === 'string' && Object.hasOwn(slotSchemas, kind);
}

/** What the wrapping binds the master key to (docs/format.md, Slot). */
export function slotContext(
  installationId: InstallationId,
  slot:
    | Pick<PassphraseSlot, 'slotId' | 'kind' | 'masterKeyId' | 'reference'>
    | Pick<AwsKmsSlot | VaultTransitSlot, 'slotId' | 'kind' | 'masterKeyId'>,
): Uint8Array<ArrayBuffer> {
  const { slotId, kind, masterKeyId } = slot;
  const scrypt = slot.kind === 'passphrase' ? slot.reference : undefined;
  return contextOfSlot({ installationId, keyId: masterKeyId, slotId, kind, ...(scrypt === undefined ? {} : { scrypt }) });
}

export interface SlotContextParts {
  readonly installationId: InstallationId;
  /** Of the key that is wrapped: 16 bytes in base64. */
  readonly keyId: string;
  readonly slotId: SlotId;
  readonly kind: string;
  /** Of slots that a passphrase opens. */
  readonly scrypt?: ScryptParameters & Pick<PassphraseReference, 'salt'>;
}

/** ASCII lines, each ended by 0x0A (docs/format.md, Slot). */
export function contextOfSlot({ installationId, keyId, slotId, kind, scrypt }: SlotContextParts): Uint8Array<ArrayBuffer> {
  const lines = ['holdfast/slot/v1', installationId, hexOfBase64(keyId), slotId, kind];
  if (scrypt !== undefined) lines.push(String(scrypt.N), String(scrypt.r), String(scrypt.p), hexOfBase64(scrypt.salt));
  return Uint8Array.from(Buffer.from(lines.map((line) => `${line}\n`).join(''), 'ascii'));
}

function hexOfBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('hex');
}
