import * as z from 'zod';
import type { AwsKmsSlot, VaultTransitSlot } from '../slot.ts';

/** A key outside that may wrap: what the user names. An alias is resolved to the ARN before anything is wrapped. */
export interface AwsKmsTarget {
  readonly kind: 'awsKms';
  /** Id, ARN or alias. */
  readonly keyId: string;
  readonly region: string;
}

export interface VaultTransitTarget {
  readonly kind: 'vaultTransit';
  readonly address: string;
  readonly namespace: string | null;
  readonly mount: string;
  readonly key: string;
}

export type KeyTarget = AwsKmsTarget | VaultTransitTarget;
export type ServiceKind = KeyTarget['kind'];
export type ServiceSlot = AwsKmsSlot | VaultTransitSlot;

/** Where credentials come from. `given`: handed over with each call by the daemon, which keeps them sealed. */
export type AwsCredentials =
  | { readonly source: 'chain' }
  | { readonly source: 'profile'; readonly profile: string }
  | { readonly source: 'role'; readonly roleArn: string }
  | { readonly source: 'given' };

export type VaultLogin =
  | { readonly method: 'tokenFile'; readonly tokenFile: string }
  | { readonly method: 'appRole'; readonly roleId: string; readonly secretIdFile: string }
  | { readonly method: 'jwt'; readonly jwtFile: string; readonly role: string; readonly mount: string }
  /** VAULT_TOKEN (BAO_TOKEN) of the daemon's environment, or ~/.vault-token. */
  | { readonly method: 'environment' }
  | { readonly method: 'given' };

/**
 * How this machine reaches a key and logs in: kept in the catalog beside the slot, in clear, since it is needed while locked. It holds no secret, and
 * never comes from a keyring: a reference that an attacker wrote can name a key, not an address that credentials are sent to.
 */
export interface AwsKmsAccess {
  readonly kind: 'awsKms';
  /** In place of AWS's own address for the region. */
  readonly endpoint: string | null;
  readonly credentials: AwsCredentials;
}

export interface VaultTransitAccess {
  readonly kind: 'vaultTransit';
  readonly login: VaultLogin;
  /** PEM; null: what the system trusts. */
  readonly caFile: string | null;
}

export type KeyAccess = AwsKmsAccess | VaultTransitAccess;

const text = z.string().min(1).max(2048);

export const keyTargetSchema: z.ZodType<KeyTarget> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('awsKms'), keyId: text, region: text }),
  z.strictObject({ kind: z.literal('vaultTransit'), address: text, namespace: text.nullable(), mount: text, key: text }),
]);

export const keyAccessSchema: z.ZodType<KeyAccess> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('awsKms'),
    endpoint: text.nullable(),
    credentials: z.discriminatedUnion('source', [
      z.strictObject({ source: z.literal('chain') }),
      z.strictObject({ source: z.literal('profile'), profile: text }),
      z.strictObject({ source: z.literal('role'), roleArn: text }),
      z.strictObject({ source: z.literal('given') }),
    ]),
  }),
  z.strictObject({
    kind: z.literal('vaultTransit'),
    login: z.discriminatedUnion('method', [
      z.strictObject({ method: z.literal('tokenFile'), tokenFile: text }),
      z.strictObject({ method: z.literal('appRole'), roleId: text, secretIdFile: text }),
      z.strictObject({ method: z.literal('jwt'), jwtFile: text, role: text, mount: text }),
      z.strictObject({ method: z.literal('environment') }),
      z.strictObject({ method: z.literal('given') }),
    ]),
    caFile: text.nullable(),
  }),
]);
