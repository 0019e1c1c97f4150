import * as z from 'zod';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';

// What Vault answers, as far as it is looked at; answers hold more, and each version adds to it.

/** GET <mount>/keys/<key> (Vault, Transit secrets engine). */
export const keyAnswerSchema: z.ZodType<VaultKeyAnswer> = z.object({
  type: z.string().max(64),
  derived: z.boolean(),
  supports_encryption: z.boolean(),
  supports_decryption: z.boolean(),
  latest_version: z.int().min(1),
  min_decryption_version: z.int().min(0),
  min_available_version: z.int().min(0),
  /** OpenBao alone. */
  soft_deleted: z.boolean().exactOptional(),
});

export interface VaultKeyAnswer {
  readonly type: string;
  readonly derived: boolean;
  readonly supports_encryption: boolean;
  readonly supports_decryption: boolean;
  readonly latest_version: number;
  readonly min_decryption_version: number;
  readonly min_available_version: number;
  readonly soft_deleted?: boolean;
}

/** POST <mount>/encrypt/<key>. */
export const encryptAnswerSchema: z.ZodType<{ readonly ciphertext: string; readonly key_version?: number }> = z.object({
  ciphertext: z.string(),
  key_version: z.int().exactOptional(),
});

/** POST <mount>/decrypt/<key>. */
export const decryptAnswerSchema: z.ZodType<{ readonly plaintext: string }> = z.object({ plaintext: z.string() });

/** GET auth/token/lookup-self. */
export const tokenAnswerSchema: z.ZodType<VaultTokenAnswer> = z.object({
  expire_time: z.iso.datetime({ offset: true }).nullable(),
  creation_ttl: z.int().min(0),
  renewable: z.boolean().exactOptional(),
});

export interface VaultTokenAnswer {
  readonly expire_time: string | null;
  readonly creation_ttl: number;
  readonly renewable?: boolean;
}

/** The member `data` of an answer. */
export function dataOf<Data>(schema: z.ZodType<Data>, body: unknown, what: string): Data {
  const read = z.object({ data: schema }).safeParse(body);
  if (!read.success) throw badAnswer(`what Vault answers to ${what} is not of the form that it should have`);
  return read.data.data;
}

/** Of a login. */
export function loginTokenOf(body: unknown): string | undefined {
  const read = z.object({ auth: z.object({ client_token: z.string() }) }).safeParse(body);
  return read.success ? read.data.auth.client_token : undefined;
}

/** GET sys/health; whatever the status says. */
export function healthOf(body: unknown): VaultHealth | undefined {
  const read = z.object({ initialized: z.boolean(), sealed: z.boolean(), standby: z.boolean() }).safeParse(body);
  return read.success ? read.data : undefined;
}

export interface VaultHealth {
  readonly initialized: boolean;
  readonly sealed: boolean;
  readonly standby: boolean;
}

/** What an answer says of its failure; `undefined` where it is none of the form of Vault's failures. */
export function errorsOf(body: unknown): string | undefined {
  const read = z.object({ errors: z.array(z.string()) }).safeParse(body);
  return read.success ? read.data.errors.join('; ') : undefined;
}

export function badAnswer(reason: string): KeyServiceFailure {
  return new KeyServiceFailure(
    'badAnswer',
    reason,
    'Look whether the address is that of a Vault or OpenBao server, and ask whoever runs it.',
  );
}
