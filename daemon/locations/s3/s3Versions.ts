import { GetObjectRetentionCommand, ListObjectsV2Command, type ObjectLockMode, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../../protocol/errors.ts';
import { checkObjectKey, checkPrefix } from '../objectKey.ts';
import type { ListedVersion, ListVersionsOptions, LockUntil, VersionedObjects } from '../objectStore.ts';
import type { S3Bucket } from './s3Bucket.ts';
import { versionPages } from './s3Listing.ts';

/** What a version without a lock gets instead of one: AWS, and SeaweedFS. */
const noLock: ReadonlySet<unknown> = new Set(['NoSuchObjectLockConfiguration', 'ObjectLockConfigurationNotFoundError']);

type Options = { readonly signal?: AbortSignal };

/** Versions and locks of a bucket, and its clock. */
export class S3Versions implements VersionedObjects {
  readonly #bucket: S3Bucket;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  async *list(prefix: string, { signal, onOther }: ListVersionsOptions = {}): AsyncIterable<readonly ListedVersion[]> {
    checkPrefix(prefix);
    for await (const page of versionPages(this.#bucket, prefix, signal, onOther)) if (page.length > 0) yield page;
  }

  async lockOf(key: string, versionId: string, { signal }: Options = {}): Promise<LockUntil | null> {
    checkObjectKey(key);
    const action = `read the lock of object ${key}`;
    try {
      const { Retention } = await this.#bucket.call({ action, permission: 's3:GetObjectRetention', signal }, ({ client, options }) =>
        client.send(
          new GetObjectRetentionCommand({ Bucket: this.#bucket.name, Key: this.#bucket.fullKey(key), VersionId: versionId }),
          options,
        ),
      );
      return lockFrom(Retention?.Mode, Retention?.RetainUntilDate);
    } catch (error) {
      if (HoldfastError.is(error) && noLock.has(error.details?.['error'])) return null;
      throw error;
    }
  }

  async extend(key: string, versionId: string, lock: LockUntil, { signal }: Options = {}): Promise<void> {
    checkObjectKey(key);
    const { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate } = sentLock(lock);
    await this.#bucket.call(
      { action: `extend the lock of object ${key}`, permission: 's3:PutObjectRetention', signal, lock: 'act' },
      ({ client, options }) =>
        client.send(
          new PutObjectRetentionCommand({
            Bucket: this.#bucket.name,
            Key: this.#bucket.fullKey(key),
            VersionId: versionId,
            Retention: { Mode, RetainUntilDate },
          }),
          options,
        ),
    );
  }

  /** In whole seconds. A listing that parses and names our bucket is the store's own answer to a signed request, and no page of a proxy. */
  async time({ signal }: Options = {}): Promise<Date> {
    const action = 'ask the store for its time';
    return await this.#bucket.call({ action, permission: 's3:ListBucket', signal }, async ({ client, options }) => {
      const { name } = this.#bucket;
      const output = await client.send(new ListObjectsV2Command({ Bucket: name, Prefix: this.#bucket.fullKey(''), MaxKeys: 1 }), options);
      const time = new Date(this.#bucket.factsOf(output).headers['date'] ?? '');
      if (output.Name !== name || Number.isNaN(time.getTime())) {
        throw HoldfastError.failedTo('storeFailed', action, 'the answer has no date', { fix: 'Use a store that answers as S3 does.' });
      }
      return time;
    });
  }
}

/** `null` for no lock, and for half of one. */
export function lockFrom(mode: string | undefined, until: Date | undefined): LockUntil | null {
  if (until === undefined || Number.isNaN(until.getTime())) return null;
  if (mode === 'COMPLIANCE') return { mode: 'compliance', until };
  return mode === 'GOVERNANCE' ? { mode: 'governance', until } : null;
}

export function sentLock({ mode, until }: LockUntil): {
  readonly ObjectLockMode: ObjectLockMode;
  readonly ObjectLockRetainUntilDate: Date;
} {
  return { ObjectLockMode: mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE', ObjectLockRetainUntilDate: until };
}
