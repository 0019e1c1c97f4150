import { l10n } from 'vscode';
import { escaped } from '../../../../client/shown/text.ts';
import { type KeyAccess, keyAccessSchema, type KeySecrets, type KeyTarget, keyTargetSchema } from '../../../../protocol/keyServices.ts';
import type { PasskeyKind } from '../../../../protocol/methods/passkeys.ts';
import { awsAccessOf, type AwsKeyDraft, awsSecretsOf, awsTargetOf, emptyAwsKey } from './awsKeyDraft.ts';
import { emptyVaultKey, vaultAccessOf, type VaultKeyDraft, vaultSecretsOf, vaultTargetOf } from './vaultKeyDraft.ts';

/** What a new passkey is to be wrapped with: of every kind all that was typed, so that another kind can be tried and given up. */
export interface KeyDraft {
  readonly kind: PasskeyKind;
  readonly aws: AwsKeyDraft;
  readonly vault: VaultKeyDraft;
}

export const emptyKey: KeyDraft = { kind: 'passphrase', aws: emptyAwsKey, vault: emptyVaultKey };

/** A key outside, as it is asked for: nothing secret. */
export interface ServiceKey {
  readonly target: KeyTarget;
  readonly access: KeyAccess;
}

/** `undefined` for a passphrase. */
export function serviceKeyOf({ kind, aws, vault }: KeyDraft): ServiceKey | undefined {
  switch (kind) {
    case 'passphrase':
      return undefined;
    case 'awsKms':
      return { target: awsTargetOf(aws), access: awsAccessOf(aws) };
    case 'vaultTransit':
      return { target: vaultTargetOf(vault), access: vaultAccessOf(vault) };
  }
}

/** Credentials that were typed. */
export function keySecretsOf({ kind, aws, vault }: KeyDraft): KeySecrets | undefined {
  if (kind === 'passphrase') return undefined;
  return kind === 'awsKms' ? awsSecretsOf(aws) : vaultSecretsOf(vault);
}

/** The key as one looks for it: `alias/backup in eu-west-1`, `transit/holdfast at https://…`. */
export function shownTarget(target: KeyTarget): string {
  return target.kind === 'awsKms'
    ? l10n.t('{0} in {1}', target.keyId, target.region)
    : l10n.t('{0}/{1} at {2}', target.mount, target.key, target.address);
}

export type AwsField = 'keyId' | 'region' | 'endpoint' | 'profile' | 'roleArn';
export type VaultField =
  | 'address'
  | 'namespace'
  | 'mount'
  | 'key'
  | 'tokenFile'
  | 'roleId'
  | 'secretIdFile'
  | 'jwtFile'
  | 'jwtRole'
  | 'jwtMount'
  | 'caFile';

const goodAws: AwsKeyDraft = {
  ...emptyAwsKey,
  keyId: 'alias/a',
  region: 'eu-west-1',
  profile: 'p',
  roleArn: 'arn:aws:iam::123456789012:role/r',
};
const goodVault: VaultKeyDraft = {
  ...emptyVaultKey,
  address: 'https://vault.example.com',
  tokenFile: '/t',
  roleId: 'r',
  secretIdFile: '/s',
  jwtFile: '/j',
  jwtRole: 'r',
};

/** Why the daemon would not take the text of a field, as a sentence; `undefined` where it would. */
export function awsFieldProblem(field: AwsField, text: string): string | undefined {
  const draft: AwsKeyDraft = { ...goodAws, source: field === 'profile' || field === 'roleArn' ? sourceOf[field] : 'chain', [field]: text };
  return problemOf(awsTargetOf(draft), awsAccessOf(draft));
}

const sourceOf = { profile: 'profile', roleArn: 'role' } as const;

const methodOf: Readonly<Partial<Record<VaultField, VaultKeyDraft['method']>>> = {
  tokenFile: 'tokenFile',
  roleId: 'appRole',
  secretIdFile: 'appRole',
  jwtFile: 'jwt',
  jwtRole: 'jwt',
  jwtMount: 'jwt',
};

/** As `awsFieldProblem`. */
export function vaultFieldProblem(field: VaultField, text: string): string | undefined {
  const draft: VaultKeyDraft = { ...goodVault, method: methodOf[field] ?? 'environment', [field]: text };
  return problemOf(vaultTargetOf(draft), vaultAccessOf(draft));
}

function problemOf(target: KeyTarget, access: KeyAccess): string | undefined {
  const [problem] = [keyTargetSchema.safeParse(target), keyAccessSchema.safeParse(access)].flatMap(({ error }) => error?.issues ?? []);
  if (problem === undefined) return undefined;
  return `${problem.message.charAt(0).toUpperCase()}${escaped(problem.message.slice(1))}.`;
}
