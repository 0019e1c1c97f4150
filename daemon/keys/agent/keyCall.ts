import * as z from 'zod';
import type { InstallationId, SlotId } from '../../../protocol/ids.ts';
import { base64Schema, uuidSchema } from '../formatSchemas.ts';
import { slotSchemas, type SlotKind } from '../slot.ts';
import { type KeyAccess, keyAccessSchema, type KeyTarget, keyTargetSchema } from '../../../protocol/keyServices.ts';
import type { ServiceSlot } from './keyAccess.ts';
import { type KeyFacts, keyFactsSchema } from './keyFacts.ts';
import { type KeyProblem, keyProblemSchema } from './keyProblem.ts';
import type { KeyAct, SlotBinding, WrappedKey } from './keyService.ts';

/** What the daemon asks of a key agent; secrets go beside it. */
export type KeyCall =
  | { readonly call: 'describe'; readonly target: KeyTarget; readonly access: KeyAccess }
  /** With the secret `plaintext`. */
  | { readonly call: 'wrap'; readonly target: KeyTarget; readonly access: KeyAccess; readonly binding: SlotBinding }
  /** Answered with a secret. */
  | { readonly call: 'unwrap'; readonly slot: ServiceSlot; readonly access: KeyAccess; readonly installationId: InstallationId }
  | { readonly call: 'act'; readonly target: KeyTarget; readonly access: KeyAccess; readonly act: KeyAct };

/** Exactly one of them is there, but for an unwrapped key, which is all secret. */
export interface KeyAnswer {
  readonly problem: KeyProblem | null;
  readonly facts: KeyFacts | null;
  readonly wrapped: WrappedKey | null;
}

/** Secrets that go with a call: what is wrapped, and credentials that the daemon keeps sealed. */
export const callSecretNames = ['plaintext', 'token', 'accessKeyId', 'secretAccessKey', 'sessionToken'] as const;
export type CallSecretName = (typeof callSecretNames)[number];
export type CallSecrets = Readonly<Partial<Record<CallSecretName, Uint8Array>>>;

const text = z.string().min(1).max(2048);

const serviceSlot: z.ZodType<ServiceSlot> = z.custom<ServiceSlot>((value) => {
  const kinds: readonly SlotKind[] = ['awsKms', 'vaultTransit'];
  return kinds.some((kind) => slotSchemas[kind].safeParse(value).success);
}, 'not a slot of a key service');

const act: z.ZodType<KeyAct> = z.discriminatedUnion('act', [
  z.strictObject({ act: z.literal('rotateKey'), newerThan: z.int().min(0) }),
  z.strictObject({ act: z.literal('raiseMinimum'), version: z.int().min(1) }),
  z.strictObject({ act: z.literal('renewToken') }),
  z.strictObject({ act: z.literal('createSuccessor'), tag: text, alias: text.nullable() }),
  z.strictObject({ act: z.literal('checkSuccessor'), keyArn: text }),
  z.strictObject({ act: z.literal('moveAlias'), alias: text, keyArn: text }),
  z.strictObject({ act: z.literal('scheduleDeletion'), days: z.int().min(7).max(30) }),
]);

const reach = { target: keyTargetSchema, access: keyAccessSchema };

export const keyCallSchema: z.ZodType<KeyCall> = z.discriminatedUnion('call', [
  z.strictObject({ call: z.literal('describe'), ...reach }),
  z.strictObject({
    call: z.literal('wrap'),
    ...reach,
    binding: z.strictObject({ installationId: uuidSchema<InstallationId>(), masterKeyId: base64Schema(16), slotId: uuidSchema<SlotId>() }),
  }),
  z.strictObject({ call: z.literal('unwrap'), slot: serviceSlot, access: keyAccessSchema, installationId: uuidSchema<InstallationId>() }),
  z.strictObject({ call: z.literal('act'), ...reach, act }),
]);

const wrapped: z.ZodType<WrappedKey> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('awsKms'),
    reference: z.strictObject({ keyArn: text, region: text }),
    wrapped: z.string().max(16_384),
  }),
  z.strictObject({
    kind: z.literal('vaultTransit'),
    reference: z.strictObject({ address: text, namespace: text.nullable(), mount: text, key: text, version: z.int().min(1) }),
    wrapped: z.string().max(16_384),
  }),
]);

export const keyAnswerSchema: z.ZodType<KeyAnswer> = z.strictObject({
  problem: keyProblemSchema.nullable(),
  facts: keyFactsSchema.nullable(),
  wrapped: wrapped.nullable(),
});
