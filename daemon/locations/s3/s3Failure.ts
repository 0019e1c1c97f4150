import { HoldfastError } from '../../../protocol/errors.ts';

/** What went wrong with one request, as far as it may be told: names and numbers, and no text of the store's, which can repeat what it was sent. */
export interface S3Failure {
  /** The error code of the store or the name of the SDK's error; `''` where there is none. */
  readonly name: string;
  readonly status: number | undefined;
  /** What the system or the TLS library said. */
  readonly system: string | undefined;
  /** Where the bucket lies, if the store said so. */
  readonly region: string | undefined;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** The client's clock was found to be off, and put right for the next request. */
  readonly clockCorrected: boolean;
}

/** The name of an answer that was refused here: of another length, cut off, or with no end. */
const badAnswer = 'BadAnswer';

const throttled: ReadonlySet<string> = new Set([
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'RequestThrottled',
  'TooManyRequests',
  'BandwidthLimitExceeded',
]);
const passing: ReadonlySet<string> = new Set([
  badAnswer,
  'TimeoutError',
  'TooSlow',
  'RequestTimeout',
  'InternalError',
  'ServiceUnavailable',
  'ConditionalRequestConflict',
  'OperationAborted',
  'IncompleteBody',
]);
const passingStatus: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const passingSystem: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_CONSTANT',
]);
const full: ReadonlySet<string> = new Set(['XMinioStorageFull', 'InsufficientCapacity', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded']);

export function isThrottled({ name, status }: S3Failure): boolean {
  return throttled.has(name) || status === 429;
}

export function isWorthAnotherTry(failure: S3Failure): boolean {
  const { name, status, system, clockCorrected } = failure;
  if (full.has(name)) return false;
  return (
    clockCorrected || isThrottled(failure) || passing.has(name) || (status !== undefined && passingStatus.has(status)) || isNetwork(system)
  );
}

/** Whether a code is that of a connection that was not made or did not last. */
export function isNetwork(system: string | undefined): boolean {
  return system !== undefined && passingSystem.has(system);
}

/** Credentials that new ones of the same source may replace. */
export function isExpired({ name }: S3Failure): boolean {
  return name === 'ExpiredToken' || name === 'TokenRefreshRequired' || name === 'ExpiredTokenException';
}

/** Of a `HoldfastError` only `storeFailed` comes from an answer. */
export function failureOf(error: unknown): S3Failure {
  const response = memberOf(error, '$response');
  const metadata = memberOf(error, '$metadata');
  const headers = memberOf(response, 'headers');
  const status = memberOf(metadata, 'httpStatusCode') ?? memberOf(response, 'statusCode');
  return {
    name: HoldfastError.is(error, 'storeFailed') ? badAnswer : (word(memberOf(error, 'name')) ?? ''),
    status: typeof status === 'number' ? status : undefined,
    system: systemWord(error) ?? systemWord(memberOf(error, 'cause')),
    region: word(memberOf(error, 'Region')) ?? word(memberOf(headers, 'x-amz-bucket-region')),
    requestId: word(memberOf(metadata, 'requestId')),
    retryAfterMs: seconds(memberOf(headers, 'retry-after')),
    clockCorrected: memberOf(metadata, 'clockSkewCorrected') === true,
  };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Texts of the store's are told only where they are single words. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:=+/-]{1,128}$/.test(value) ? value : undefined;
}

/** Node's and OpenSSL's codes; not all of their errors name a system call. */
function systemWord(error: unknown): string | undefined {
  const code = memberOf(error, 'code');
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined;
}

function seconds(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) * 1000 : undefined;
}
