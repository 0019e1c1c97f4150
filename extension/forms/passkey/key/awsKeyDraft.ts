import { type AwsCredentials, type AwsKmsAccess, type AwsKmsTarget, type KeySecrets } from '../../../../protocol/keyServices.ts';

/** A key of AWS KMS as a form has it: what was typed, whether it is needed by now or not, so that no way back loses any of it. */
export interface AwsKeyDraft {
  /** Id, ARN or alias. */
  readonly keyId: string;
  readonly region: string;
  /** Empty: AWS's own. */
  readonly endpoint: string;
  readonly source: AwsCredentials['source'];
  readonly profile: string;
  readonly roleArn: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys; empty for others. */
  readonly sessionToken: string;
}

export const emptyAwsKey: AwsKeyDraft = {
  keyId: '',
  region: '',
  endpoint: '',
  source: 'chain',
  profile: '',
  roleArn: '',
  accessKeyId: '',
  secretAccessKey: '',
  sessionToken: '',
};

/** The region that an ARN names, `arn:PARTITION:kms:REGION:…`; `undefined` for an id or an alias. */
export function regionOfArn(keyId: string): string | undefined {
  const [arn, , service, region = ''] = keyId.split(':');
  return arn === 'arn' && service === 'kms' && region !== '' ? region : undefined;
}

/** With another key: the region follows an ARN, which is in no other. */
export function withKeyId(draft: AwsKeyDraft, keyId: string): AwsKeyDraft {
  return { ...draft, keyId, region: regionOfArn(keyId) ?? draft.region };
}

export function awsTargetOf({ keyId, region }: AwsKeyDraft): AwsKmsTarget {
  return { kind: 'awsKms', keyId, region };
}

/** Without any secret. */
export function awsAccessOf(draft: AwsKeyDraft): AwsKmsAccess {
  return { kind: 'awsKms', endpoint: draft.endpoint === '' ? null : draft.endpoint, credentials: credentialsOf(draft) };
}

function credentialsOf({ source, profile, roleArn }: AwsKeyDraft): AwsCredentials {
  switch (source) {
    case 'chain':
    case 'given':
      return { source };
    case 'profile':
      return { source, profile };
    case 'role':
      return { source, roleArn };
  }
}

/** What goes with it as a secret; `undefined` where the daemon finds credentials by itself. */
export function awsSecretsOf({ source, accessKeyId, secretAccessKey, sessionToken }: AwsKeyDraft): KeySecrets | undefined {
  if (source !== 'given') return undefined;
  return { kind: 'awsKms', accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) };
}
