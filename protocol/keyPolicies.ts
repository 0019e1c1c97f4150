import type { VaultTransitTarget } from './keyServices.ts';

/** A statement of an AWS policy (IAM user guide, JSON policy elements). */
export interface AwsStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Principal?: { readonly AWS: string };
  readonly Action: readonly string[];
  readonly Resource: string;
  readonly Condition?: { readonly StringEquals: Readonly<Record<string, string>> };
}

export interface AwsPolicy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly AwsStatement[];
}

/** The smallest rights that a passkey of AWS KMS works with; one of the two is enough where key and principal are of one account. */
export interface AwsKeyPolicies {
  /** To be added to the key's own policy, whose statements for its administrators stay. */
  readonly keyPolicyStatements: readonly AwsStatement[];
  /** For the user or role. */
  readonly iamPolicy: AwsPolicy;
}

/**
 * Encrypt and Decrypt for what this program wraps alone (docs/format.md, Kinds awsKms and vaultTransit); DescribeKey and GetKeyRotationStatus, which bring no
 * context that a condition could look at.
 */
export function awsKeyPolicy({ keyArn, principal }: { readonly keyArn: string; readonly principal: string }): AwsKeyPolicies {
  return {
    keyPolicyStatements: statements('*', { Principal: { AWS: principal } }),
    iamPolicy: { Version: '2012-10-17', Statement: statements(keyArn, {}) },
  };
}

function statements(resource: string, who: Pick<AwsStatement, 'Principal'>): readonly AwsStatement[] {
  return [
    {
      Sid: 'HoldfastWrapsItsMasterKey',
      Effect: 'Allow',
      ...who,
      Action: ['kms:Encrypt', 'kms:Decrypt'],
      Resource: resource,
      Condition: { StringEquals: { 'kms:EncryptionContext:app': 'holdfast' } },
    },
    {
      Sid: 'HoldfastLooksAtItsKey',
      Effect: 'Allow',
      ...who,
      Action: ['kms:DescribeKey', 'kms:GetKeyRotationStatus'],
      Resource: resource,
    },
  ];
}

/** The smallest policy of Vault, in HCL, that a passkey works with. For names that `mountProblem` and `transitKeyProblem` have nothing against. */
export function vaultPolicy({ mount, key }: Pick<VaultTransitTarget, 'mount' | 'key'>): string {
  const rule = (verb: string, capability: string): string => `path "${mount}/${verb}/${key}" {\n  capabilities = ["${capability}"]\n}\n`;
  return [rule('encrypt', 'update'), rule('decrypt', 'update'), rule('keys', 'read')].join('\n');
}
