import { throwIfAborted } from '../../../daemon/locations/storeErrors.ts';
import { type ErrorCode, HoldfastError } from '../../../protocol/errors.ts';
import { BucketRefusal, type BucketRefusalCode } from './bucketRefusal.ts';

const codes: Readonly<Record<BucketRefusalCode, ErrorCode>> = {
  InvalidArgument: 'storeFailed',
  InvalidRequest: 'storeFailed',
  AccessDenied: 'storeRefused',
  ObjectLocked: 'lockRefused',
  NoSuchBucket: 'storeUnreachable',
  NoSuchVersion: 'objectMissing',
  NoSuchKey: 'objectMissing',
  MethodNotAllowed: 'objectMissing',
  InvalidBucketState: 'storeRefused',
  PreconditionFailed: 'objectExists',
  NotImplemented: 'notInThisVersion',
  InsufficientStorage: 'storeFull',
  ConnectionFailed: 'storeUnreachable',
};

/** The error that the S3 store would raise. `overrides` says what a code means in this call. */
export function refusedCall(
  action: string,
  error: unknown,
  overrides: Readonly<Partial<Record<BucketRefusalCode, ErrorCode>>> = {},
): unknown {
  if (!(error instanceof BucketRefusal)) return error;
  return HoldfastError.failedTo(overrides[error.code] ?? codes[error.code], action, `the store answered ${error.code}`, {
    fix: 'Look at the bucket of the test.',
    details: { status: error.status, code: error.code },
    cause: error,
  });
}

/** Runs one call of a store in a later turn of the loop, as answers of real stores come, and says its refusals in the project's errors. */
export async function call<Result>(
  action: string,
  signal: AbortSignal | undefined,
  act: () => Result,
  overrides: Readonly<Partial<Record<BucketRefusalCode, ErrorCode>>> = {},
): Promise<Result> {
  throwIfAborted(signal, action);
  await new Promise<void>((resolve) => void setImmediate(resolve));
  throwIfAborted(signal, action);
  try {
    return act();
  } catch (error) {
    throw refusedCall(action, error, overrides);
  }
}
