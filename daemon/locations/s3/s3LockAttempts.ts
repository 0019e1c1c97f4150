import { hash } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import type { AttemptOptions, LockAttempts } from '../lockAttempts.ts';
import { checkObjectKey } from '../objectKey.ts';
import type { LockUntil } from '../objectStore.ts';
import type { Attempt, S3Bucket } from './s3Bucket.ts';
import { sentLock } from './s3Versions.ts';

/** What the lock proof tries on its canary. */
export class S3LockAttempts implements LockAttempts {
  readonly #bucket: S3Bucket;

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  async deleteVersion(key: string, versionId: string, options: AttemptOptions = {}): Promise<void> {
    await this.#try('delete the version of', key, 's3:DeleteObjectVersion', options, ({ client, options: sending }) =>
      client.send(new DeleteObjectCommand({ ...this.#addressOf(key), VersionId: versionId }), sending),
    );
  }

  async deleteVersionWithBypass(key: string, versionId: string, options: AttemptOptions = {}): Promise<void> {
    await this.#try('delete, with bypass, the version of', key, 's3:BypassGovernanceRetention', options, ({ client, options: sending }) =>
      client.send(new DeleteObjectCommand({ ...this.#addressOf(key), VersionId: versionId, BypassGovernanceRetention: true }), sending),
    );
  }

  async setLock(
    key: string,
    versionId: string,
    lock: LockUntil,
    options: AttemptOptions & { readonly bypass?: boolean } = {},
  ): Promise<void> {
    const { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate } = sentLock(lock);
    await this.#try('change the lock of', key, 's3:PutObjectRetention', options, ({ client, options: sending }) =>
      client.send(
        new PutObjectRetentionCommand({
          ...this.#addressOf(key),
          VersionId: versionId,
          Retention: { Mode, RetainUntilDate },
          ...(options.bypass === true ? { BypassGovernanceRetention: true } : {}),
        }),
        sending,
      ),
    );
  }

  async overwrite(key: string, body: Uint8Array, options: AttemptOptions = {}): Promise<string | null> {
    const ChecksumSHA256 = hash('sha256', body, 'base64');
    const { VersionId } = await this.#try('overwrite', key, 's3:PutObject', options, ({ client, options: sending }) =>
      client.send(new PutObjectCommand({ ...this.#addressOf(key), Body: body, ContentLength: body.length, ChecksumSHA256 }), sending),
    );
    return VersionId ?? null;
  }

  async putDeleteMarker(key: string, options: AttemptOptions = {}): Promise<string | null> {
    const { VersionId } = await this.#try('put a delete marker over', key, 's3:DeleteObject', options, ({ client, options: sending }) =>
      client.send(new DeleteObjectCommand(this.#addressOf(key)), sending),
    );
    return VersionId ?? null;
  }

  /** Made anew only where the store did not answer or was too busy; a second success says the same as the first. */
  #try<T>(what: string, key: string, permission: string, { signal }: AttemptOptions, act: (attempt: Attempt) => Promise<T>): Promise<T> {
    checkObjectKey(key);
    return this.#bucket.call({ action: `${what} object ${key}`, permission, signal, lock: 'act' }, act);
  }

  #addressOf(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket.name, Key: this.#bucket.fullKey(key) };
  }
}
