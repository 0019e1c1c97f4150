/** What a bucket says no with: S3's own code and status (Amazon S3 API reference, Error responses). */
export class BucketRefusal extends Error {
  override readonly name = 'BucketRefusal';
  readonly code: BucketRefusalCode;
  readonly status: number;

  constructor(code: BucketRefusalCode, message: string) {
    super(message);
    this.code = code;
    this.status = statusOf[code];
  }
}

const statusOf = {
  InvalidArgument: 400,
  InvalidRequest: 400,
  AccessDenied: 403,
  /** The same status and code on the wire; said apart here so that tests can tell a lock from a permission. */
  ObjectLocked: 403,
  NoSuchBucket: 404,
  NoSuchVersion: 404,
  NoSuchKey: 404,
  MethodNotAllowed: 405,
  InvalidBucketState: 409,
  PreconditionFailed: 412,
  NotImplemented: 501,
  InsufficientStorage: 507,
  ConnectionFailed: 0,
} as const;

export type BucketRefusalCode = keyof typeof statusOf;
