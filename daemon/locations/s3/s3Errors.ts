import { type ErrorCode, HoldfastError } from '../../../protocol/errors.ts';
import type { S3Failure } from './s3Failure.ts';

/** What the request was about, for the sentence. */
export interface S3Request {
  /** `put object x`. */
  readonly action: string;
  /** What it needs, as a policy names it: `s3:PutObject`. */
  readonly permission: string;
  readonly bucket: string;
  readonly region: string;
  /** The host, or `AWS`. */
  readonly host: string;
  /** `act`: it changes a lock or goes against one, so that a refusal is the lock's. `carried`: it brings one with it. */
  readonly lock?: 'act' | 'carried' | undefined;
}

interface Row {
  readonly code: ErrorCode;
  readonly cause: string;
  readonly fix: string;
}

type Rule = (request: S3Request, failure: S3Failure) => Row;

const newKeys = "Set the location's credentials again.";
const check = 'Check the location with "holdfast location validate".';

const refused: Rule = ({ permission, bucket, lock }) => ({
  code: lock === 'act' ? 'lockRefused' : 'storeRefused',
  cause: lock === 'act' ? `the store refused it: by a lock, or for want of ${permission}` : `the credentials may not do it (${permission})`,
  fix: `Allow ${permission} on bucket ${bucket} for these credentials, or use others.`,
});
const unknownKeys: Rule = () => ({ code: 'storeRefused', cause: 'the store does not know the access key', fix: newKeys });
const expired: Rule = () => ({
  code: 'storeRefused',
  cause: 'the credentials have expired',
  fix: 'Sign in again with the tool that gave them, or set others for the location.',
});
const wrongRegion: Rule = ({ bucket, region }, failure) => ({
  code: 'storeRefused',
  cause:
    failure.region === undefined || failure.region === region
      ? `bucket ${bucket} is not in region ${region}`
      : `bucket ${bucket} is in region ${failure.region}, not in ${region}`,
  fix: failure.region === undefined ? "Give the location the bucket's region." : `Give the location the region ${failure.region}.`,
});
const skewed: Rule = () => ({
  code: 'storeRefused',
  cause: "this machine's clock differs too much from the store's",
  fix: 'Set the clock of this machine.',
});
const busy: Rule = () => ({
  code: 'storeUnreachable',
  cause: 'the store is too busy and asked to slow down',
  fix: 'Try again later, or lower the upload limit of the location.',
});
const full: Rule = () => ({
  code: 'storeFull',
  cause: 'there is no space left, or the quota is used up',
  fix: 'Make room in the store or raise its quota, or let the policy use another location.',
});
const unknownCall: Rule = () => ({ code: 'notInThisVersion', cause: 'the store does not know this call', fix: 'Use a store that has it.' });
const exists: Rule = () => ({
  code: 'objectExists',
  cause: 'an object of that name is there already',
  fix: check,
});
const noBucket: Rule = ({ bucket, host }) => ({
  code: 'storeUnreachable',
  cause: `there is no bucket ${bucket} at ${host}`,
  fix: 'Make the bucket, or give the location the right name, region and endpoint.',
});
const noVersion: Rule = () => ({ code: 'objectMissing', cause: 'it is not there', fix: check });
const noLockHere: Rule = ({ bucket }) => ({
  code: 'lockRefused',
  cause: `bucket ${bucket} takes no such lock`,
  fix: 'Use a bucket that was made with Object Lock, and a date in the future.',
});
const damagedUpload: Rule = () => ({
  code: 'storeFailed',
  cause: 'other bytes arrived at the store than were sent',
  fix: 'Try again; where it stays so, something on the way changes them.',
});
const badName: Rule = () => ({ code: 'storeFailed', cause: 'the store did not understand the request', fix: check });
const badAnswer: Rule = () => ({ code: 'storeFailed', cause: 'the answer of the store is cut off or malformed', fix: 'Try again.' });

/** By the store's error code, or the name of the SDK's error: Amazon S3 API reference, Error responses. */
const byName: Readonly<Record<string, Rule>> = {
  AccessDenied: refused,
  AllAccessDisabled: refused,
  AccountProblem: refused,
  Forbidden: refused,
  UnauthorizedAccess: refused,
  InvalidAccessKeyId: unknownKeys,
  SignatureDoesNotMatch: () => ({ code: 'storeRefused', cause: 'the secret key is wrong (the signature does not match)', fix: newKeys }),
  InvalidToken: unknownKeys,
  NotSignedUp: unknownKeys,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  PermanentRedirect: wrongRegion,
  TemporaryRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  InvalidRegionName: wrongRegion,
  RequestTimeTooSkewed: skewed,
  RequestExpired: skewed,
  SlowDown: busy,
  Throttling: busy,
  TooManyRequests: busy,
  ServiceUnavailable: busy,
  XMinioStorageFull: full,
  InsufficientCapacity: full,
  QuotaExceeded: full,
  XMinioAdminBucketQuotaExceeded: full,
  NotImplemented: unknownCall,
  MethodNotAllowed: unknownCall,
  PreconditionFailed: exists,
  NoSuchBucket: noBucket,
  NoSuchKey: noVersion,
  NoSuchVersion: noVersion,
  NotFound: noVersion,
  ObjectLockConfigurationNotFoundError: noLockHere,
  InvalidRetentionPeriod: noLockHere,
  ObjectLocked: noLockHere,
  BadDigest: damagedUpload,
  XAmzContentSHA256Mismatch: damagedUpload,
  InvalidDigest: damagedUpload,
  IncompleteBody: damagedUpload,
  EntityTooLarge: () => ({ code: 'storeFailed', cause: 'the store takes no object of that size', fix: 'Use another store.' }),
  BadAnswer: badAnswer,
  TimeoutError: ({ host }) => ({
    code: 'storeUnreachable',
    cause: `${host} did not answer in time`,
    fix: 'Check the network and the endpoint of the location, then try again.',
  }),
  TooSlow: ({ host }) => ({
    code: 'storeUnreachable',
    cause: `hardly a byte came through to or from ${host} for minutes`,
    fix: 'Check the network and the endpoint of the location, then try again.',
  }),
};

const byStatus: Readonly<Record<number, Rule>> = {
  301: wrongRegion,
  307: wrongRegion,
  401: refused,
  403: refused,
  404: noVersion,
  405: unknownCall,
  412: exists,
  429: busy,
  501: unknownCall,
  503: busy,
  507: full,
};

const unreachable =
  (cause: string, fix = 'Check the network and the endpoint of the location, then try again.'): Rule =>
  ({ host }) => ({ code: 'storeUnreachable', cause: cause.replace('%', host), fix });
const untrusted = unreachable(
  'the certificate of % is not trusted',
  'Use an endpoint with a valid certificate, or name the authority that signed it in NODE_EXTRA_CA_CERTS and start the daemon anew.',
);

const bySystem: Readonly<Record<string, Rule>> = {
  ENOTFOUND: unreachable('the name of % is not known (no network?)'),
  EAI_AGAIN: unreachable('the name of % could not be looked up (no network?)'),
  ECONNREFUSED: unreachable('nothing answers at %'),
  ECONNRESET: unreachable('the connection to % was cut'),
  EPIPE: unreachable('the connection to % was cut'),
  ETIMEDOUT: unreachable('% did not answer in time'),
  EHOSTUNREACH: unreachable('there is no way to %'),
  ENETUNREACH: unreachable('there is no network to %'),
  EPROTO: unreachable('% does not speak TLS'),
  ERR_PROXY_TUNNEL: unreachable(
    'the proxy does not lead to %',
    'Look at HTTPS_PROXY and NO_PROXY of the environment that the daemon was started in.',
  ),
  ERR_PROXY_INVALID_CONFIG: unreachable('HTTPS_PROXY is no address of a proxy', 'Put HTTPS_PROXY right and start the daemon anew.'),
  CERT_HAS_EXPIRED: untrusted,
  CERT_NOT_YET_VALID: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: unreachable('the certificate at % is for another name'),
};

/** One sentence and one way out for each way in which a request fails. Nothing of what was sent, and no text of the store's, is in it. */
export function s3Error(request: S3Request, failure: S3Failure): HoldfastError {
  const { name, status, system, region, requestId } = failure;
  const { code, cause, fix } = ruleOf(request, failure)(request, failure);
  const shown = name === '' || name === 'Error' || name === 'Unknown' ? undefined : name;
  const source = system ?? shown ?? (status === undefined ? undefined : `HTTP ${status}`);
  return HoldfastError.failedTo(code, request.action, source === undefined || source === 'BadAnswer' ? cause : `${cause} (${source})`, {
    fix,
    details: {
      ...(shown === undefined ? {} : { error: shown }),
      ...(status === undefined ? {} : { status }),
      ...(system === undefined ? {} : { system }),
      ...(region === undefined ? {} : { region }),
      ...(requestId === undefined ? {} : { requestId }),
    },
  });
}

function ruleOf({ lock, region }: S3Request, failure: S3Failure): Rule {
  const { name, status, system } = failure;
  if (Object.hasOwn(bySystem, system ?? '')) return bySystem[system ?? ''] ?? badName;
  if (system?.startsWith('ERR_SSL_') === true || system?.startsWith('ERR_TLS_') === true)
    return unreachable('there is no TLS connection to %');
  // S3 answers a HEAD without a body: the region is all that tells why.
  if (failure.region !== undefined && failure.region !== region && (status === 301 || status === 307 || status === 400)) return wrongRegion;
  if (Object.hasOwn(byName, name)) return byName[name] ?? badName;
  if (lock !== undefined && status === 400) return noLockHere;
  if (status !== undefined && Object.hasOwn(byStatus, status)) return byStatus[status] ?? badName;
  if (status !== undefined && status >= 500) return () => ({ code: 'storeFailed', cause: 'the store failed', fix: 'Try again later.' });
  return badName;
}
