import type { AwsIdentity, AwsIdentitySource } from '../../../locations/awsIdentity.ts';
import { failureOf, isExpired, isNetwork } from '../../../locations/s3/s3Failure.ts';
import type { AwsCredentials } from '../../../../protocol/keyServices.ts';
import type { CallSecrets } from '../../agent/keyCall.ts';
import { KeyServiceFailure } from '../../agent/keyProblem.ts';

const cure =
  'Put the AWS configuration of this user right; a passkey that is there already takes other credentials with "holdfast passkey verify NAME --profile P", and keeps them.';

/** What the requests of this process are signed with. Rejects with `KeyServiceFailure`. */
export async function kmsIdentity(credentials: AwsCredentials, secrets: CallSecrets, region: string): Promise<AwsIdentity> {
  if (credentials.source === 'given') return givenIdentity(secrets);
  const { identityProvider, shownIdentitySource } = await import('../../../locations/awsIdentity.ts');
  try {
    return await identityProvider(credentials, region)();
  } catch (error) {
    throw noIdentity(error, credentials, shownIdentitySource(credentials));
  }
}

function givenIdentity({ accessKeyId, secretAccessKey, sessionToken }: CallSecrets): AwsIdentity {
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new KeyServiceFailure('noCredentials', 'there are no AWS credentials: none were handed over', cure);
  }
  return {
    accessKeyId: textOf(accessKeyId),
    secretAccessKey: textOf(secretAccessKey),
    ...(sessionToken === undefined ? {} : { sessionToken: textOf(sessionToken) }),
  };
}

/** What the SDK says may hold what it was given: codes alone are told. */
function noIdentity(error: unknown, source: AwsIdentitySource, shown: string): KeyServiceFailure {
  const failure = failureOf(error);
  const { name, system, status } = failure;
  const more = { cause: error };
  if (isNetwork(system)) {
    const reason = `what gives the AWS credentials can not be reached (${system ?? ''})`;
    return new KeyServiceFailure('unreachable', reason, 'Check the network, then try again.', more);
  }
  if (isExpired(failure)) {
    return new KeyServiceFailure(
      'tokenExpired',
      'the sign-in that AWS credentials come from has expired',
      'Sign in again with the tool that gave it.',
      more,
    );
  }
  if (status === 403 && (name === 'AccessDenied' || name === 'AccessDeniedException')) {
    const what = source.source === 'role' ? `sts:AssumeRole on ${source.roleArn}` : 'taking on the role of the profile';
    return new KeyServiceFailure('accessDenied', `${what} is not allowed`, 'Allow it in the policy that the role trusts by.', more);
  }
  if (status !== undefined && (status >= 500 || status === 429)) {
    return new KeyServiceFailure('unreachable', 'what gives the AWS credentials can not answer at the moment', 'Try again later.', more);
  }
  if (status === 403)
    return new KeyServiceFailure('badLogin', 'AWS does not take the credentials that the role is taken on with', cure, more);
  return new KeyServiceFailure('noCredentials', `there are no AWS credentials: ${shown}`, cure, more);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}
