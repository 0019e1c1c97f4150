import { createHash } from 'node:crypto';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { HandOutcome } from '../bucket/attackersHand.ts';
import { SeededRandom } from '../random.ts';
import { type MadeBucket, owner, type S3Identity, s3Client } from './s3Server.ts';

export interface S3AttackersHandOptions {
  /** Whose credentials were stolen; default: those of the bucket's owner. */
  readonly identity?: S3Identity;
  /** Only keys that begin so; default: the whole bucket. */
  readonly prefix?: string;
  readonly seed?: number;
}

interface Entry {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
}

const hundredYears = 100 * 365 * 86_400;
const atOnce = 8;

/** What `AttackersHand` does to a bucket in memory, done to one on a server: every act over every object, going on where one is refused. */
export class S3AttackersHand implements Disposable {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #random: SeededRandom;

  constructor(bucket: MadeBucket, options: S3AttackersHandOptions = {}) {
    this.#client = s3Client(bucket.endpoint, options.identity ?? owner, bucket.region);
    this.#bucket = bucket.name;
    this.#prefix = options.prefix ?? '';
    this.#random = new SeededRandom(options.seed ?? 1);
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
  }

  /** R1: a delete marker over every key. */
  async hideAll(): Promise<HandOutcome> {
    return await this.#onKeys(async (key) => await this.#client.send(new DeleteObjectCommand(this.#address(key))));
  }

  /** R2: a newer version of random bytes over every key. */
  async overwriteAll(size = 64): Promise<HandOutcome> {
    return await this.#onKeys(
      async (key) => await this.#client.send(new PutObjectCommand({ ...this.#address(key), Body: this.#random.bytes(size) })),
    );
  }

  /** R3: a copy of every object onto itself under a key that only the attacker has. */
  async encryptAllInPlace(): Promise<HandOutcome> {
    const secret = this.#random.bytes(32);
    const sse = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: Buffer.from(secret).toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(secret).digest('base64'),
    };
    return await this.#onKeys(
      async (key) =>
        await this.#client.send(new CopyObjectCommand({ ...this.#address(key), CopySource: `${this.#bucket}/${key}`, ...sse })),
    );
  }

  /** R3: what is not the newest goes after so many days. */
  async setLifecycle(days = 7): Promise<HandOutcome> {
    const rule = {
      ID: 'cleanup',
      Status: 'Enabled' as const,
      Filter: { Prefix: this.#prefix },
      Expiration: { Days: days },
      NoncurrentVersionExpiration: { NoncurrentDays: days },
    };
    return await each([
      async () =>
        await this.#client.send(
          new PutBucketLifecycleConfigurationCommand({ Bucket: this.#bucket, LifecycleConfiguration: { Rules: [rule] } }),
        ),
    ]);
  }

  /** R4: what is put without a name of an encryption comes under the attacker's key. */
  async changeDefaultEncryption(kmsKeyId = 'arn:aws:kms:eu-central-1:999999999999:key/attacker'): Promise<HandOutcome> {
    const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' as const, KMSMasterKeyID: kmsKeyId } };
    return await each([
      async () =>
        await this.#client.send(
          new PutBucketEncryptionCommand({ Bucket: this.#bucket, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
        ),
    ]);
  }

  /** R5: every version and marker deleted by its id, with bypass. */
  async deleteAllVersions(): Promise<HandOutcome> {
    return await this.#onVersions(
      async ({ key, versionId }) =>
        await this.#client.send(new DeleteObjectCommand({ ...this.#address(key), VersionId: versionId, BypassGovernanceRetention: true })),
      () => true,
    );
  }

  /** R5: every lock set to end in a minute. */
  async shortenAll(): Promise<HandOutcome> {
    return await this.#setAll('COMPLIANCE', 60, true);
  }

  /** R5: every lock made one of governance, and longer, as if to do good. */
  async downgradeAll(): Promise<HandOutcome> {
    return await this.#setAll('GOVERNANCE', hundredYears, true);
  }

  /** R8: everything locked for a hundred years, which costs. */
  async lockForACentury(): Promise<HandOutcome> {
    return await this.#setAll('COMPLIANCE', hundredYears, false);
  }

  async suspendVersioning(): Promise<HandOutcome> {
    const VersioningConfiguration = { Status: 'Suspended' as const };
    return await each([
      async () => await this.#client.send(new PutBucketVersioningCommand({ Bucket: this.#bucket, VersioningConfiguration })),
    ]);
  }

  /** R8: what is put from now on without a lock of its own is locked for so long. */
  async setDefaultRetention(days = 36_500): Promise<HandOutcome> {
    const Rule = { DefaultRetention: { Mode: 'COMPLIANCE' as const, Days: days } };
    return await each([
      async () =>
        await this.#client.send(
          new PutObjectLockConfigurationCommand({ Bucket: this.#bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }),
        ),
    ]);
  }

  /** Objects under the prefix that nobody knows. */
  async plantStrangers(count: number): Promise<HandOutcome> {
    return await each(
      Array.from(
        { length: count },
        (_, index) => async () =>
          await this.#client.send(
            new PutObjectCommand({ ...this.#address(`${this.#prefix}stranger-${index}`), Body: this.#random.bytes(16) }),
          ),
      ),
    );
  }

  /** Of version ids and markers of the bucket, as this hand sees them. */
  async entries(): Promise<readonly Entry[]> {
    const found: Entry[] = [];
    let from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {};
    while (from !== undefined) {
      const page: ListObjectVersionsCommandOutput = await this.#client.send(
        new ListObjectVersionsCommand({ Bucket: this.#bucket, Prefix: this.#prefix, ...from }),
      );
      for (const { Key: key = '', VersionId: versionId = '' } of page.Versions ?? []) found.push({ key, versionId, isDeleteMarker: false });
      for (const { Key: key = '', VersionId: versionId = '' } of page.DeleteMarkers ?? [])
        found.push({ key, versionId, isDeleteMarker: true });
      const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page;
      from =
        page.IsTruncated === true && KeyMarker !== undefined
          ? { KeyMarker, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) }
          : undefined;
    }
    return found;
  }

  async #setAll(mode: 'GOVERNANCE' | 'COMPLIANCE', seconds: number, bypass: boolean): Promise<HandOutcome> {
    const Retention = { Mode: mode, RetainUntilDate: new Date(Math.ceil(Date.now() / 1000 + seconds) * 1000) };
    return await this.#onVersions(
      async ({ key, versionId }) =>
        await this.#client.send(
          new PutObjectRetentionCommand({ ...this.#address(key), VersionId: versionId, Retention, BypassGovernanceRetention: bypass }),
        ),
      (entry) => !entry.isDeleteMarker,
    );
  }

  #address(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: key };
  }

  async #onKeys(act: (key: string) => Promise<unknown>): Promise<HandOutcome> {
    const keys = new Set((await this.entries()).map((entry) => entry.key));
    return await each([...keys].map((key) => async () => await act(key)));
  }

  async #onVersions(act: (entry: Entry) => Promise<unknown>, isMeant: (entry: Entry) => boolean): Promise<HandOutcome> {
    return await each((await this.entries()).filter(isMeant).map((entry) => async () => await act(entry)));
  }
}

async function each(acts: readonly (() => Promise<unknown>)[]): Promise<HandOutcome> {
  let refused = 0;
  const queue = [...acts];
  const work = async (): Promise<void> => {
    for (let act = queue.shift(); act !== undefined; act = queue.shift()) {
      try {
        await act();
      } catch (error) {
        // Only what the server itself answered is a refusal.
        if (!(error instanceof S3ServiceException) || (error.$metadata.httpStatusCode ?? 500) >= 500) throw error;
        refused += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { done: acts.length - refused, refused };
}
