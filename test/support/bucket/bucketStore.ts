import { crc32 } from 'node:zlib';
import type { BucketFacts } from '../../../daemon/locations/bucketFacts.ts';
import type { LockAttempts } from '../../../daemon/locations/lockAttempts.ts';
import { markerName } from '../../../daemon/locations/marker.ts';
import { checkObjectKey, checkPrefix, isObjectKey } from '../../../daemon/locations/objectKey.ts';
import type {
  GetOptions,
  ListedObject,
  ListedVersion,
  ListVersionsOptions,
  LockUntil,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutResult,
  ReadOptions,
  StoreCapabilities,
  VersionedObjects,
} from '../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { newId } from '../ids.ts';
import { bucketFacts } from './bucketFacts.ts';
import { BucketRefusal } from './bucketRefusal.ts';
import { type BucketVersion, type Retention, versionIdOf } from './bucketVersion.ts';
import { bucketLockAttempts } from './lockAttempts.ts';
import type { MemoryBucket, PageMarker } from './memoryBucket.ts';
import { call } from './refusedCalls.ts';

export interface BucketStoreOptions {
  readonly storeId?: StoreId;
  /** Keys lie below it; a slash is put behind it. */
  readonly prefix?: string;
  /** What the store says of its locks. Default: `compliance` where the bucket has Object Lock. */
  readonly lock?: StoreCapabilities['lock'];
  /** `false`: puts ask for no encryption by name, so that the bucket's default counts. Default true. */
  readonly asksForEncryption?: boolean;
}

/** An `ObjectStore` that has versions for sure. */
export interface VersionedStore extends ObjectStore {
  readonly versions: VersionedObjects;
}

/** What the daemon gets of one location: the store, what its bucket is set to, and the acts of the lock proof. */
export interface OpenedBucket {
  readonly store: VersionedStore;
  readonly facts: BucketFacts;
  readonly attempts: LockAttempts;
}

/** Opens a bucket in memory as the daemon opens one of S3. Several may be open on one bucket. */
export function openBucketStore(bucket: MemoryBucket, options: BucketStoreOptions = {}): OpenedBucket {
  const below = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix}/`;
  return {
    store: new BucketStore(bucket, below, options),
    facts: bucketFacts(bucket),
    attempts: bucketLockAttempts(bucket, below),
  };
}

export function lockOf(retention: Retention | undefined): LockUntil | null {
  if (retention === undefined) return null;
  return { mode: retention.mode === 'COMPLIANCE' ? 'compliance' : 'governance', until: new Date(retention.until * 1000) };
}

export function retentionOf(lock: LockUntil): Retention {
  return { mode: lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE', until: lock.until.getTime() / 1000 };
}

class BucketStore implements VersionedStore {
  readonly storeId: StoreId;
  readonly capabilities: StoreCapabilities;
  readonly versions: VersionedObjects;
  readonly #bucket: MemoryBucket;
  readonly #below: string;
  readonly #encryption: { readonly encryption?: string };

  constructor(bucket: MemoryBucket, below: string, options: BucketStoreOptions) {
    this.storeId = options.storeId ?? newId<StoreId>();
    const lock = options.lock ?? (bucket.objectLock === null ? 'soft' : 'compliance');
    this.capabilities = { lock, versions: true, conditionalPut: true };
    this.#bucket = bucket;
    this.#below = below;
    this.#encryption = (options.asksForEncryption ?? true) ? { encryption: 'AES256' } : {};
    this.versions = new BucketVersions(bucket, below);
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    checkObjectKey(key);
    const action = `put object ${key}`;
    if (body.length === 0) throw HoldfastError.failedTo('badValue', action, 'it has no bytes');
    const retention = options.lock === undefined ? {} : { retention: retentionOf(options.lock) };
    const put = (): BucketVersion => {
      const path = this.#below + key;
      try {
        return this.#bucket.put(path, body, { ifNoneMatch: options.asFurtherVersion !== true, ...retention, ...this.#encryption });
      } catch (error) {
        // Whether it is the same object whose answer was lost: read-back, S3 of the threats.
        if (!(error instanceof BucketRefusal) || error.code !== 'PreconditionFailed') throw error;
        const found = this.#oldest(path);
        if (found === undefined || found.size !== body.length || found.checksum !== crc32(body)) throw error;
        return found;
      }
    };
    const lockCodes = { InvalidArgument: 'lockRefused', InvalidRequest: 'lockRefused' } as const;
    const version = await call(action, options.signal, put, options.lock === undefined ? {} : lockCodes);
    return { versionId: this.#bucket.behaviour.givesVersionIds ? versionIdOf(version) : null, lock: options.lock ?? null };
  }

  async head(key: string, options: ReadOptions = {}): Promise<ObjectFacts | undefined> {
    checkObjectKey(key);
    return await call(`look for object ${key}`, options.signal, () => {
      const versionId = this.#versionIdOf(key, options.versionId);
      const version = versionId === undefined ? undefined : this.#seen(() => this.#bucket.head(this.#below + key, versionId));
      return version === undefined ? undefined : this.#facts(key, version);
    });
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    checkObjectKey(key);
    const { offset = 0, into } = options;
    return await call(`read object ${key}`, options.signal, () => {
      const versionId = this.#versionIdOf(key, options.versionId);
      const found = versionId === undefined ? undefined : this.#seen(() => this.#bucket.get(this.#below + key, versionId));
      if (found === undefined) return undefined;
      const wanted = found.body.subarray(offset, options.length === undefined ? undefined : offset + options.length);
      if (into !== undefined && into.length < wanted.length) {
        throw HoldfastError.failedTo('badValue', `read object ${key}`, `the buffer holds ${into.length} of ${wanted.length} bytes`);
      }
      const body = (into ?? new Uint8Array(wanted.length)).subarray(0, wanted.length);
      body.set(wanted);
      return { ...this.#facts(key, found.version), body, offset };
    });
  }

  async *list(prefix: string, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<readonly ListedObject[]> {
    checkPrefix(prefix);
    // The oldest of a key comes last, maybe pages later.
    let oldest: ListedObject | undefined;
    for await (const page of this.versions.list(prefix, options)) {
      const whole: ListedObject[] = [];
      for (const { key, versionId, isDeleteMarker, size, lastModified } of page) {
        if (oldest !== undefined && oldest.key !== key) {
          whole.push(oldest);
          oldest = undefined;
        }
        if (!isDeleteMarker && key !== markerName) oldest = { key, versionId, size, lastModified };
      }
      if (whole.length > 0) yield whole;
    }
    if (oldest !== undefined) yield [oldest];
  }

  async delete(key: string, versionId: string | null, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkObjectKey(key);
    await call(`delete object ${key}`, options.signal, () => {
      const version = this.#versionIdOf(key, versionId);
      if (version !== undefined) this.#bucket.deleteVersion(this.#below + key, version);
    });
  }

  /** The version that a read means; `undefined` where the key has none. */
  #versionIdOf(key: string, asked: string | null | undefined): string | undefined {
    if (asked !== undefined && asked !== null) return asked;
    const oldest = this.#oldest(this.#below + key);
    return oldest === undefined ? undefined : versionIdOf(oldest);
  }

  #oldest(path: string): BucketVersion | undefined {
    let oldest: BucketVersion | undefined;
    let after: PageMarker | undefined;
    do {
      const { entries, next } = this.#bucket.listPage(path, after);
      // Longer keys that begin so come behind.
      for (const { key, version } of entries) if (key === path && !version.isDeleteMarker) oldest = version;
      after = next?.key === path ? next : undefined;
    } while (after !== undefined);
    return oldest;
  }

  /** A delete marker is nothing that can be read. */
  #seen<Result>(look: () => Result | undefined): Result | undefined {
    try {
      return look();
    } catch (error) {
      if (error instanceof BucketRefusal && error.code === 'MethodNotAllowed') return undefined;
      throw error;
    }
  }

  #facts(key: string, version: BucketVersion): ObjectFacts {
    const mayAsk = !this.#bucket.denied.has('GetObjectRetention');
    return {
      key,
      versionId: versionIdOf(version),
      size: version.size,
      lastModified: new Date(version.lastModified * 1000),
      lock: mayAsk ? lockOf(version.retention) : null,
    };
  }
}

class BucketVersions implements VersionedObjects {
  readonly #bucket: MemoryBucket;
  readonly #below: string;

  constructor(bucket: MemoryBucket, below: string) {
    this.#bucket = bucket;
    this.#below = below;
  }

  async *list(prefix: string, options: ListVersionsOptions = {}): AsyncIterable<readonly ListedVersion[]> {
    checkPrefix(prefix);
    const action = `list versions below "${prefix}"`;
    let after: PageMarker | undefined;
    do {
      const marker = after;
      const page = await call(action, options.signal, () => this.#bucket.listPage(this.#below + prefix, marker));
      const ours = page.entries.flatMap(({ key, version, isLatest }) => {
        const ownKey = key.slice(this.#below.length);
        const { isDeleteMarker, size } = version;
        const lastModified = new Date(version.lastModified * 1000);
        const entry = { key: ownKey, versionId: versionIdOf(version), isDeleteMarker, isLatest, size, lastModified };
        if (isObjectKey(ownKey)) return [entry];
        // What others put there under names that are none of ours is not ours to see.
        options.onOther?.(entry);
        return [];
      });
      if (ours.length > 0) yield ours;
      after = page.next;
    } while (after !== undefined);
  }

  async lockOf(key: string, versionId: string, options: { readonly signal?: AbortSignal } = {}): Promise<LockUntil | null> {
    checkObjectKey(key);
    const action = `read the lock of object ${key}`;
    return lockOf(await call(action, options.signal, () => this.#bucket.retentionOf(this.#below + key, versionId)));
  }

  async extend(key: string, versionId: string, lock: LockUntil, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkObjectKey(key);
    const act = (): void => this.#bucket.setRetention(this.#below + key, versionId, retentionOf(lock));
    await call(`extend the lock of object ${key}`, options.signal, act, { InvalidArgument: 'lockRefused', InvalidRequest: 'lockRefused' });
  }

  async time(options: { readonly signal?: AbortSignal } = {}): Promise<Date> {
    return await call('ask the store for its time', options.signal, () => {
      this.#bucket.headBucket();
      return new Date(Math.floor(this.#bucket.now / 1000) * 1000);
    });
  }
}
