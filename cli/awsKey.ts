import type { AwsCredentials, AwsKmsAccess } from '../protocol/keyServices.ts';
import { readAwsKeyName } from '../protocol/awsKeyName.ts';
import { type BucketCredentials, typedCredentials, usualCredentials } from './bucketCredentials.ts';
import { keysOfEnvironment } from './bucketKeys.ts';
import type { Call } from './call.ts';
import { checkedAccess, checkedTarget, keepSecrets, type ServiceKey, type ServiceLogin } from './serviceKey.ts';
import type { Session } from './session.ts';

/** What says how a key of AWS KMS is logged in to. */
export const awsLoginFlags = ['--profile', '--role-arn', '--credentials-file', '--credentials'] as const;

/** A key of AWS KMS as the flags describe it, with the credentials that they or the calling shell have. Errors: `usage`, `badValue`. */
export async function typedAwsKey(call: Call, session: Session, keyFlag: '--key-id' | '--key-arn' = '--key-id'): Promise<ServiceKey> {
  const keyId = call.requiredText(keyFlag);
  const region = call.text('--region') ?? regionIn(keyId);
  if (region === undefined) throw call.problem('--region R is missing');
  const target = checkedTarget({ kind: 'awsKms', keyId, region }, call);
  const found = (await typedCredentials(call, session)) ?? (await usualCredentials(session));
  const access = { kind: 'awsKms', endpoint: call.text('--endpoint') ?? null, credentials: credentialsOf(found) };
  return { target, access: checkedAccess(access, call), secrets: secretsOf(found, session), isTemporary: found.isTemporary };
}

/** An ARN has the region in it. */
function regionIn(keyId: string): string | undefined {
  const name = readAwsKeyName(keyId);
  return name?.form === 'keyArn' || name?.form === 'aliasArn' ? name.region : undefined;
}

/** By `--profile`, for keys that are asked this time; the endpoint is the one that is known of the passkey. */
export function profileLogin(call: Call, profile: string): ServiceLogin {
  const access: AwsKmsAccess = { kind: 'awsKms', endpoint: null, credentials: { source: 'profile', profile } };
  return { access: checkedAccess(access, call), secrets: undefined };
}

/** By the flags, for a passkey that is there; `undefined` where none was given. Errors: `usage`, `badValue`. */
export async function typedAwsLogin(call: Call, session: Session): Promise<ServiceLogin | undefined> {
  const found = await typedCredentials(call, session);
  if (found === undefined) return undefined;
  const access: AwsKmsAccess = { kind: 'awsKms', endpoint: null, credentials: credentialsOf(found) };
  return { access: checkedAccess(access, call), secrets: secretsOf(found, session) };
}

/** By the keys of the calling shell, where it has some. Errors: `badValue` where it has half of them. */
export function shellAwsLogin(session: Session): ServiceLogin | undefined {
  const keys = keysOfEnvironment(session.host.environment);
  if (keys === undefined) return undefined;
  const access: AwsKmsAccess = { kind: 'awsKms', endpoint: null, credentials: { source: 'given' } };
  return { access, secrets: keepSecrets({ kind: 'awsKms', ...keys }, session) };
}

function credentialsOf({ credentials }: BucketCredentials): AwsCredentials {
  return credentials.source === 'sealed' ? { source: 'given' } : credentials;
}

function secretsOf({ members }: BucketCredentials, session: Session): Buffer | undefined {
  return members === undefined ? undefined : keepSecrets({ kind: 'awsKms', ...members }, session);
}
