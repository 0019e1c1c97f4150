import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  type LifecycleRule as WireRule,
} from '@aws-sdk/client-s3';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { BucketEncryption, BucketFacts, FactOptions, LifecycleRule, ObjectLockSetting, Versioning } from '../bucketFacts.ts';
import type { Attempt, S3Bucket } from './s3Bucket.ts';

/** Days of a year, as a default retention that is given in years counts them: Amazon S3 API reference, DefaultRetention. */
const daysOfYear = 365;

/** What the bucket is set to. */
export class S3BucketFacts implements BucketFacts {
  readonly #bucket: S3Bucket;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  /** From the answer's header where the store sends one, else by its own call; a store that has neither is where its profile says. */
  async region(options: FactOptions = {}): Promise<string> {
    const { name } = this.#bucket;
    try {
      const head = await this.#ask('find bucket', 's3:ListBucket', options, ({ client, options: sending }) =>
        client.send(new HeadBucketCommand({ Bucket: name }), sending),
      );
      if (head.BucketRegion !== undefined && head.BucketRegion !== '') return head.BucketRegion;
    } catch (error) {
      const region = HoldfastError.is(error) ? error.details?.['region'] : undefined;
      if (typeof region === 'string') return region;
      throw missing(error, name);
    }
    try {
      const { LocationConstraint: region } = await this.#ask('find the region of bucket', 's3:GetBucketLocation', options, (attempt) =>
        attempt.client.send(new GetBucketLocationCommand({ Bucket: name }), attempt.options),
      );
      if (region === 'EU') return 'eu-west-1';
      // AWS leaves it out for its first region, others because they have none.
      return region === undefined || (region as string) === '' ? this.#bucket.region : region;
    } catch (error) {
      if (HoldfastError.is(error, 'storeRefused', 'notInThisVersion')) return this.#bucket.region;
      throw missing(error, name);
    }
  }

  async versioning(options: FactOptions = {}): Promise<Versioning> {
    const { Status } = await this.#ask('read the versioning of bucket', 's3:GetBucketVersioning', options, ({ client, options: sending }) =>
      client.send(new GetBucketVersioningCommand({ Bucket: this.#bucket.name }), sending),
    );
    if (Status === 'Enabled') return 'enabled';
    return Status === 'Suspended' ? 'suspended' : 'off';
  }

  async objectLock(options: FactOptions = {}): Promise<ObjectLockSetting | null> {
    const answer = await orNone('ObjectLockConfigurationNotFoundError', () =>
      this.#ask('read the Object Lock of bucket', 's3:GetBucketObjectLockConfiguration', options, ({ client, options: sending }) =>
        client.send(new GetObjectLockConfigurationCommand({ Bucket: this.#bucket.name }), sending),
      ),
    );
    if (answer?.ObjectLockConfiguration?.ObjectLockEnabled !== 'Enabled') return null;
    const { Mode, Days, Years } = answer.ObjectLockConfiguration.Rule?.DefaultRetention ?? {};
    const days = Days ?? (Years === undefined ? 0 : Years * daysOfYear);
    if (Mode === undefined || days === 0) return { defaultRetention: null };
    return { defaultRetention: { mode: Mode === 'COMPLIANCE' ? 'compliance' : 'governance', days } };
  }

  async lifecycle(options: FactOptions = {}): Promise<readonly LifecycleRule[]> {
    const answer = await orNone('NoSuchLifecycleConfiguration', () =>
      this.#ask('read the lifecycle of bucket', 's3:GetLifecycleConfiguration', options, ({ client, options: sending }) =>
        client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: this.#bucket.name }), sending),
      ),
    );
    return (answer?.Rules ?? []).map(ruleOf);
  }

  async encryption(options: FactOptions = {}): Promise<BucketEncryption | null> {
    const answer = await orNone('ServerSideEncryptionConfigurationNotFoundError', () =>
      this.#ask('read the encryption of bucket', 's3:GetEncryptionConfiguration', options, ({ client, options: sending }) =>
        client.send(new GetBucketEncryptionCommand({ Bucket: this.#bucket.name }), sending),
      ),
    );
    const rule = answer?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
    if (rule?.SSEAlgorithm === undefined) return null;
    const known = (['AES256', 'aws:kms', 'aws:kms:dsse'] as const).find((algorithm) => algorithm === rule.SSEAlgorithm);
    return { algorithm: known ?? 'other', kmsKeyId: rule.KMSMasterKeyID ?? null };
  }

  #ask<T>(what: string, permission: string, { signal }: FactOptions, ask: (attempt: Attempt) => Promise<T>): Promise<T> {
    return this.#bucket.call({ action: `${what} ${this.#bucket.name}`, permission, signal }, ask);
  }
}

function ruleOf(rule: WireRule, index: number): LifecycleRule {
  const { ID, Status, Prefix, Filter, Expiration, NoncurrentVersionExpiration, Transitions = [], NoncurrentVersionTransitions = [] } = rule;
  const { Date: until, Days: days } = Expiration ?? {};
  return {
    id: ID ?? `rule ${index + 1}`,
    isEnabled: Status === 'Enabled',
    prefix: Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? '',
    // A rule with a date takes everything on that day.
    expirationDays: days ?? (until === undefined ? null : 0),
    noncurrentExpirationDays: NoncurrentVersionExpiration?.NoncurrentDays ?? null,
    hasTransition: Transitions.length + NoncurrentVersionTransitions.length > 0,
  };
}

/** What is not set up is an error on the wire. */
async function orNone<T>(name: string, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (HoldfastError.is(error) && error.details?.['error'] === name) return undefined;
    throw error;
  }
}

/** A HEAD of a bucket that is not there says "not found" and no more. */
function missing(error: unknown, bucket: string): unknown {
  const isMissing = HoldfastError.is(error, 'objectMissing') || (HoldfastError.is(error) && error.details?.['error'] === 'NoSuchBucket');
  if (!isMissing) return error;
  return HoldfastError.failedTo('objectMissing', `find bucket ${bucket}`, 'there is none of this name', {
    fix: 'Make the bucket, or give the location the right name, region and endpoint.',
    cause: error,
  });
}
