import * as z from 'zod';

export interface AwsKmsFacts {
  readonly kind: 'awsKms';
  readonly keyArn: string;
  /** The alias that the user named, resolved once; null where a key was named. */
  readonly alias: string | null;
  readonly region: string;
  /** KeyState of DescribeKey. */
  readonly state: string;
  /** RFC 3339, while the deletion is pending. */
  readonly deletionDate: string | null;
  /** Whether the key rotates by itself; null where that may not be read. */
  readonly rotatesItself: boolean | null;
}

export interface VaultTokenFacts {
  /** RFC 3339; null: never. */
  readonly expiresAt: string | null;
  /** Seconds that it was issued for; 0: without an end. */
  readonly creationTtl: number;
  readonly renewable: boolean;
}

export interface VaultTransitFacts {
  readonly kind: 'vaultTransit';
  readonly type: string;
  readonly latestVersion: number;
  readonly minDecryptionVersion: number;
  /** Below it versions are gone for ever; 0 where none was trimmed. */
  readonly minAvailableVersion: number;
  /** Of the token in use; null where logging in gives a new one each time, or it may not be looked up. */
  readonly token: VaultTokenFacts | null;
}

/** What a key service says of a key, with the daemon's own rights. */
export type KeyFacts = AwsKmsFacts | VaultTransitFacts;

export const vaultTokenFactsSchema: z.ZodType<VaultTokenFacts> = z.strictObject({
  expiresAt: z.string().nullable(),
  creationTtl: z.number(),
  renewable: z.boolean(),
});

export const keyFactsSchema: z.ZodType<KeyFacts> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('awsKms'),
    keyArn: z.string(),
    alias: z.string().nullable(),
    region: z.string(),
    state: z.string(),
    deletionDate: z.string().nullable(),
    rotatesItself: z.boolean().nullable(),
  }),
  z.strictObject({
    kind: z.literal('vaultTransit'),
    type: z.string(),
    latestVersion: z.int(),
    minDecryptionVersion: z.int(),
    minAvailableVersion: z.int(),
    token: vaultTokenFactsSchema.nullable(),
  }),
]);
