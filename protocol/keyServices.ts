import * as z from 'zod';
import { readAwsKeyName } from './awsKeyName.ts';
import { awsProfile, awsRegion, awsRoleArn } from './awsSettings.ts';
import { checked, matching } from './checkedText.ts';
import { endpointProblem, normalEndpoint } from './endpointAddress.ts';

/** A key outside that may wrap, as the user names it. An alias is resolved to the ARN before anything is wrapped. */
export interface AwsKmsTarget {
  readonly kind: 'awsKms';
  /** Id, ARN or alias. */
  readonly keyId: string;
  readonly region: string;
}

export interface VaultTransitTarget {
  readonly kind: 'vaultTransit';
  /** `https`, or `http` to a loopback address. */
  readonly address: string;
  /** Of Vault Enterprise and OpenBao; null: the root. */
  readonly namespace: string | null;
  /** Where the transit engine is mounted, without slashes at its ends. */
  readonly mount: string;
  readonly key: string;
}

export type KeyTarget = AwsKmsTarget | VaultTransitTarget;
export type ServiceKind = KeyTarget['kind'];

/** Where credentials come from. `given`: handed over with the call, or sealed in the catalog. */
export type AwsCredentials =
  | { readonly source: 'chain' }
  | { readonly source: 'profile'; readonly profile: string }
  | { readonly source: 'role'; readonly roleArn: string }
  | { readonly source: 'given' };

export type VaultLogin =
  | { readonly method: 'tokenFile'; readonly tokenFile: string }
  | { readonly method: 'appRole'; readonly roleId: string; readonly secretIdFile: string }
  /** `mount`: of the authentication method, `kubernetes` or `jwt` for example. */
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
  /** In place of AWS's own address for the region; null: that. */
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

/** Credentials as they are handed over: JSON of this shape as the bytes of a secret. */
export type KeySecrets =
  | { readonly kind: 'awsKms'; readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  | { readonly kind: 'vaultTransit'; readonly token: string };

const pathPattern = /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/;
const keyPattern = /^[A-Za-z0-9._-]{1,255}$/;
const longestFile = 4096;

/** Ends a sentence; `undefined` where there is nothing against it. */
export function keyIdProblem(keyId: string): string | undefined {
  return readAwsKeyName(keyId) === undefined ? 'the key must be an id, an ARN, or an alias such as alias/backup' : undefined;
}

export function vaultAddressProblem(address: string): string | undefined {
  return endpointProblem(address, { name: 'the address', example: 'https://vault.example.com:8200' });
}

export function mountProblem(mount: string): string | undefined {
  return mount.length <= 255 && pathPattern.test(mount) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(mount)
    ? undefined
    : 'a mount has letters, digits, dots, hyphens and single slashes between them only';
}

export function transitKeyProblem(key: string): string | undefined {
  return keyPattern.test(key) && !/^\.{1,2}$/.test(key) ? undefined : 'a Vault key has letters, digits, dots and hyphens only';
}

const file = (what: string): z.ZodType<string> =>
  checked(what, (text) =>
    text.length > 0 && text.length <= longestFile && !text.includes('\0') && /^(?:\/|[A-Za-z]:[/\\]|\\\\)/.test(text)
      ? undefined
      : `${what} must be an absolute path`,
  );

/** The whole rule for a target; its messages end a sentence. */
export const keyTargetSchema: z.ZodType<KeyTarget> = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('awsKms'), keyId: checked('the key', keyIdProblem), region: awsRegion }),
    z.strictObject({
      kind: z.literal('vaultTransit'),
      address: checked('the address', vaultAddressProblem),
      namespace: checked('the namespace', mountProblem).nullable(),
      mount: checked('the mount', mountProblem),
      key: checked('the key', transitKeyProblem),
    }),
  ])
  .transform((target) => (target.kind === 'awsKms' ? target : { ...target, address: normalEndpoint(target.address) }));

export const keyAccessSchema: z.ZodType<KeyAccess> = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('awsKms'),
      endpoint: checked('the endpoint', endpointProblem).nullable(),
      credentials: z.discriminatedUnion('source', [
        z.strictObject({ source: z.literal('chain') }),
        z.strictObject({ source: z.literal('profile'), profile: awsProfile }),
        z.strictObject({ source: z.literal('role'), roleArn: awsRoleArn }),
        z.strictObject({ source: z.literal('given') }),
      ]),
    }),
    z.strictObject({
      kind: z.literal('vaultTransit'),
      login: z.discriminatedUnion('method', [
        z.strictObject({ method: z.literal('tokenFile'), tokenFile: file('the token file') }),
        z.strictObject({
          method: z.literal('appRole'),
          roleId: matching('the role id', /^[\x21-\x7e]{1,512}$/, 'the role id has characters that none has'),
          secretIdFile: file('the file of the secret id'),
        }),
        z.strictObject({
          method: z.literal('jwt'),
          jwtFile: file('the file of the JWT'),
          role: matching('the role', /^[\w.@/-]{1,255}$/, 'the role has characters that none has'),
          mount: checked('the mount', mountProblem),
        }),
        z.strictObject({ method: z.literal('environment') }),
        z.strictObject({ method: z.literal('given') }),
      ]),
      caFile: file('the CA file').nullable(),
    }),
  ])
  .transform((access) =>
    access.kind === 'awsKms' && access.endpoint !== null ? { ...access, endpoint: normalEndpoint(access.endpoint) } : access,
  );

const secretText = z.string().regex(/^[\x21-\x7e]{1,16384}$/, 'has characters that no credential has');

export const keySecretsSchema: z.ZodType<KeySecrets> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('awsKms'),
    accessKeyId: secretText,
    secretAccessKey: secretText,
    sessionToken: secretText.exactOptional(),
  }),
  z.strictObject({ kind: z.literal('vaultTransit'), token: secretText }),
]);
