import type { KeyMetadata } from '@aws-sdk/client-kms';
import { awsCancelDeletionCommand, awsEnableCommand, type AwsKeyPlace } from '../../../../protocol/keyCommands.ts';
import { isNetwork, type S3Failure } from '../../../locations/s3/s3Failure.ts';
import { KeyServiceFailure, type KeyProblemKind } from '../../agent/keyProblem.ts';

export interface AskedRequest {
  readonly right: string;
  readonly key: string;
  readonly host: string;
  /** What it was signed with, and is never shown. */
  readonly secrets: readonly string[];
}

interface Row {
  readonly kind: KeyProblemKind;
  readonly reason: string;
  readonly fix: string;
}
type Rule = (request: AskedRequest) => Row;

const signIn =
  'Put the AWS configuration of this user right; a passkey that is there already takes other credentials with "holdfast passkey verify NAME --profile P", and keeps them.';
const seePolicy = '"holdfast passkey aws-policy" prints the smallest policy that works.';

const missing: Rule = ({ key }) => ({
  kind: 'keyMissing',
  reason: `there is no key ${key} for these credentials`,
  fix: 'Look whether key, account and region are the right ones.',
});
const denied: Rule = ({ right, key }) => ({
  kind: 'accessDenied',
  reason: `${right} on ${key} is not allowed, by the policy of the key or of the credentials`,
  fix: `Allow ${right} there. ${seePolicy}`,
});
const disabled: Rule = ({ key }) => ({ kind: 'keyDisabled', reason: `the key ${key} is disabled`, fix: 'Enable the key in AWS KMS.' });
const notOurs: Rule = ({ key }) => ({
  kind: 'notOurs',
  reason: `the key ${key} did not wrap this, or it was wrapped for something else`,
  fix: 'Use another passkey.',
});
const wrongType: Rule = ({ key }) => ({
  kind: 'wrongKeyType',
  reason: `the key ${key} is not one that encrypts and decrypts`,
  fix: 'Use a symmetric key for encryption (SYMMETRIC_DEFAULT).',
});
const throttled: Rule = ({ host }) => ({ kind: 'throttled', reason: `${host} asks for fewer requests`, fix: 'Try again later.' });
const quota: Rule = ({ host }) => ({
  kind: 'throttled',
  reason: `a quota of the account is used up at ${host}`,
  fix: 'Raise the quota, or try again later.',
});
const down: Rule = ({ host }) => ({ kind: 'unreachable', reason: `${host} can not answer at the moment`, fix: 'Try again later.' });
const expired: Rule = () => ({
  kind: 'tokenExpired',
  reason: 'the AWS credentials have expired',
  fix: 'Sign in again with the tool that gave them.',
});
const badLogin: Rule = ({ host }) => ({ kind: 'badLogin', reason: `${host} does not take the AWS credentials`, fix: signIn });

/** AWS KMS API reference, Common errors, and the errors of each call. */
const byName: Readonly<Record<string, Rule>> = {
  DisabledException: disabled,
  NotFoundException: missing,
  InvalidArnException: missing,
  AccessDeniedException: denied,
  AccessDenied: denied,
  NotAuthorized: denied,
  IncorrectKeyException: notOurs,
  InvalidCiphertextException: notOurs,
  InvalidKeyUsageException: wrongType,
  UnsupportedOperationException: wrongType,
  LimitExceededException: quota,
  KMSInternalException: down,
  DependencyTimeoutException: down,
  KeyUnavailableException: down,
  InternalFailure: down,
  ServiceUnavailable: down,
  ServiceUnavailableException: down,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  RequestExpired: expired,
  UnrecognizedClientException: badLogin,
  InvalidClientTokenId: badLogin,
  InvalidAccessKeyId: badLogin,
  InvalidSignatureException: badLogin,
  SignatureDoesNotMatch: badLogin,
  IncompleteSignature: badLogin,
  IncompleteSignatureException: badLogin,
  MissingAuthenticationToken: badLogin,
  MissingAuthenticationTokenException: badLogin,
};

const throttledNames: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'Throttling',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'RequestThrottled',
]);

export function isThrottledName({ name, status }: S3Failure): boolean {
  return throttledNames.has(name) || status === 429;
}

/** OpenSSL's and Node's codes for a certificate that is not believed. */
function isCertificate(system: string): boolean {
  return /^(?:CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT|HOSTNAME_MISMATCH$|INVALID_CA$)/.test(system);
}

/** What a failed request means. */
export function kmsProblem(error: unknown, failure: S3Failure, request: AskedRequest): KeyServiceFailure {
  const { kind, reason, fix } = rowOf(error, failure, request);
  return new KeyServiceFailure(kind, reason, fix, { cause: error });
}

function rowOf(error: unknown, failure: S3Failure, request: AskedRequest): Row {
  const { name, status, system } = failure;
  const { host } = request;
  if (isThrottledName(failure)) return throttled(request);
  const rule = Object.hasOwn(byName, name) ? byName[name] : undefined;
  if (rule !== undefined) return rule(request);
  if (status === undefined) {
    if (system !== undefined && isCertificate(system)) {
      return {
        kind: 'certificate',
        reason: `the certificate of ${host} is not trusted (${system})`,
        fix: 'Name the authority that signed it in NODE_EXTRA_CA_CERTS and start the daemon anew.',
      };
    }
    if (system !== undefined && /^(?:ERR_SSL_|EPROTO$)/.test(system)) {
      return {
        kind: 'certificate',
        reason: `${host} does not speak TLS (${system})`,
        fix: 'Look whether the endpoint and the proxy are the right ones.',
      };
    }
    // The SDK's name for a connection that was not made in its time.
    if (isNetwork(system) || name === 'TimeoutError') {
      return {
        kind: 'unreachable',
        reason: `${host} can not be reached${system === undefined ? '' : ` (${system})`}`,
        fix: 'Check the network, the region and the endpoint, then try again.',
      };
    }
  } else if (status >= 500) return down(request);
  // The SDK could not read it.
  else if (status < 400)
    return { kind: 'badAnswer', reason: `what ${host} gave can not be read`, fix: 'Ask whoever runs the key service.' };
  else if (status === 403 || status === 401) return denied(request);
  const said = saidText(error, request.secrets);
  const shownName = /^[A-Z][A-Za-z]{2,60}(?:Exception|Error|Failure)$/.test(name) ? name : '';
  return {
    kind: 'failed',
    reason: `${host} refused ${request.right}${shownName === '' ? '' : ` with ${shownName}`}${said === '' ? '' : `: "${said}"`}`,
    fix: 'Look whether key, region and endpoint are the right ones, then try again.',
  };
}

const longestSaid = 300;

/**
 * What a service says, in one line. Services repeat what they were sent, signatures, tokens and wrapped things among it: whatever could be a piece of such
 * goes, as does the end.
 */
function saidText(error: unknown, secrets: readonly string[]): string {
  if (!(error instanceof Error) || !('$fault' in error)) return '';
  const text = secrets
    .reduce((said, secret) => said.replaceAll(secret, '…'), error.message)
    .slice(0, 8192)
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .replaceAll(/[A-Za-z0-9+/=_]{20,}/g, '…')
    .trim();
  return text.length > longestSaid ? `${text.slice(0, longestSaid - 1)}…` : text;
}

/** Why a key in this state does not wrap and unwrap; `undefined` where it does. KeyState: AWS KMS developer guide, Key states. */
export function stateProblem(metadata: Pick<KeyMetadata, 'KeyState' | 'DeletionDate'>, place: AwsKeyPlace): KeyServiceFailure | undefined {
  const { KeyState: state } = metadata;
  const { keyArn } = place;
  switch (state) {
    case 'Enabled':
      return undefined;
    case 'Disabled':
      return new KeyServiceFailure('keyDisabled', `the key ${keyArn} is disabled`, 'Enable the key in AWS KMS.', {
        command: awsEnableCommand(place),
      });
    case 'PendingDeletion':
    case 'PendingReplicaDeletion': {
      const until = dateText(metadata.DeletionDate);
      const when = until === null ? '' : `, on ${until}`;
      return new KeyServiceFailure(
        'pendingDeletion',
        `the key ${keyArn} is going to be deleted${when}`,
        'Cancel the deletion in AWS KMS before then.',
        {
          ...(until === null ? {} : { until }),
          command: awsCancelDeletionCommand(place),
        },
      );
    }
    case 'Creating':
    case 'Updating':
    case 'Unavailable':
      return new KeyServiceFailure('unreachable', `the key ${keyArn} is not available at the moment (${state})`, 'Try again later.');
    case 'PendingImport':
      return new KeyServiceFailure('failed', `the key ${keyArn} has no key material`, 'Import its key material again.');
    case undefined:
      return new KeyServiceFailure(
        'failed',
        `the key ${keyArn} is in a state that does not allow it`,
        'Look at the state of the key in AWS KMS.',
      );
  }
}

/** RFC 3339; null where there is no date. */
export function dateText(date: Date | undefined): string | null {
  return date === undefined || Number.isNaN(date.getTime()) ? null : date.toISOString();
}
