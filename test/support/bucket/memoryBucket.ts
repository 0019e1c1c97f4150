import { crc32 } from 'node:zlib';
import type { BucketEncryption, LifecycleRule, ObjectLockSetting, Versioning } from '../../../daemon/locations/bucketFacts.ts';
import { type BucketBehaviour, honest } from './behaviour.ts';
import { BucketRefusal } from './bucketRefusal.ts';
import { type BucketVersion, isHeld, type Retention, type RetentionMode, sequenceOf, versionIdOf } from './bucketVersion.ts';
import { KeyOrder } from './keyOrder.ts';

/** Calls of S3's API, and the one permission that is no call. */
export type BucketVerb =
  | 'PutObject'
  | 'CopyObject'
  | 'GetObject'
  | 'HeadObject'
  | 'DeleteObject'
  | 'DeleteObjectVersion'
  | 'ListObjectVersions'
  | 'GetObjectRetention'
  | 'PutObjectRetention'
  | 'BypassGovernanceRetention'
  | 'HeadBucket'
  | 'GetBucketVersioning'
  | 'PutBucketVersioning'
  | 'GetObjectLockConfiguration'
  | 'PutObjectLockConfiguration'
  | 'GetLifecycleConfiguration'
  | 'PutLifecycleConfiguration'
  | 'GetEncryptionConfiguration'
  | 'PutEncryptionConfiguration';

export interface MemoryBucketOptions {
  /** Made with Object Lock; default true. */
  readonly objectLock?: boolean;
  /** The store's own time at the start; it stands still until `pass`. Default 2026-01-01. */
  readonly start?: Date;
  /** Milliseconds since the epoch; takes the place of the bucket's own clock. */
  readonly now?: () => number;
  /** Most entries of one page of a listing; default 1000, as S3 has it. */
  readonly pageLength?: number;
  readonly behaviour?: Partial<BucketBehaviour>;
  /** `drop`: only sizes and checksums are kept, and reads give zeros. Default `keep`. */
  readonly bodies?: 'keep' | 'drop';
  readonly region?: string;
  /** Bytes that it holds at most. */
  readonly capacity?: number;
}

export interface PutRequest {
  readonly ifNoneMatch?: boolean;
  readonly retention?: Retention;
  /** Asked for by name; else the bucket's default counts. */
  readonly encryption?: string;
}

export interface VersionEntry {
  readonly key: string;
  readonly version: BucketVersion;
  readonly isLatest: boolean;
}

export interface VersionPage {
  readonly entries: readonly VersionEntry[];
  /** Where the next page begins; `undefined` at the end. */
  readonly next: PageMarker | undefined;
}

/** The last entry that was given. */
export interface PageMarker {
  readonly key: string;
  readonly versionId: string;
}

/**
 * A bucket in memory with the semantics of S3 versioning and Object Lock (Amazon S3 user guide, "Locking objects with Object Lock" and "Working with delete
 * markers"). A verb either is done at once or throws `BucketRefusal`. Its clock, its settings and who may do what lie open to tests; the versions change only
 * by verbs, so that no test can break a lock by accident.
 */
export class MemoryBucket {
  readonly region: string;
  readonly behaviour: BucketBehaviour;
  /** As the daemon's credentials: verbs in here are refused with AccessDenied. */
  readonly denied: Set<BucketVerb> = new Set();
  /** Keys of an account that its owner has taken away: what lies under one cannot be read. */
  readonly revokedKeys: Set<string> = new Set();
  /** `false`: nothing answers. */
  isReachable = true;
  /** `false`: somebody has deleted the bucket. */
  isThere = true;
  /** Bytes that it holds at most. */
  capacity: number;
  pageLength: number;
  /** Called before each verb is done, with what it is for; may throw. */
  beforeCall: (verb: BucketVerb, key: string) => void = () => undefined;
  versioning: Versioning;
  objectLock: ObjectLockSetting | null;
  lifecycle: readonly LifecycleRule[] = [];
  encryption: BucketEncryption | null = { algorithm: 'AES256', kmsKeyId: null };
  readonly #versions: Map<string, BucketVersion[]> = new Map();
  readonly #keys = new KeyOrder();
  readonly #calls: Map<BucketVerb, number> = new Map();
  readonly #keepsBodies: boolean;
  readonly #now: () => number;
  #milliseconds: number;
  #sequence = 0;
  #count = 0;
  #lastRetention: Retention | undefined;
  #bytes = 0;

  constructor(options: MemoryBucketOptions = {}) {
    const hasLock = options.objectLock ?? true;
    this.region = options.region ?? 'eu-central-1';
    this.behaviour = { ...honest, ...options.behaviour };
    this.capacity = options.capacity ?? Number.POSITIVE_INFINITY;
    this.pageLength = options.pageLength ?? 1000;
    this.versioning = hasLock ? 'enabled' : 'off';
    this.objectLock = hasLock ? { defaultRetention: null } : null;
    this.#keepsBodies = (options.bodies ?? 'keep') === 'keep';
    this.#milliseconds = (options.start ?? new Date('2026-01-01T00:00:00Z')).getTime();
    this.#now = options.now ?? (() => this.#milliseconds);
  }

  /** Milliseconds since the epoch by the store's clock. */
  get now(): number {
    return this.#now() + this.behaviour.clockOff * 1000;
  }

  /** The store's own clock goes on, or is set back. Has no effect where `now` was handed in. */
  pass(milliseconds: number): void {
    this.#milliseconds += milliseconds;
  }

  setTime(time: Date): void {
    this.#milliseconds = time.getTime();
  }

  /** Versions and delete markers. */
  get versionCount(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  calls(verb: BucketVerb): number {
    return this.#calls.get(verb) ?? 0;
  }

  get allCalls(): Readonly<Partial<Record<BucketVerb, number>>> {
    return Object.fromEntries(this.#calls);
  }

  resetCalls(): void {
    this.#calls.clear();
  }

  /** Every entry in the order of a listing, counted as no call: for what a test looks at. */
  *entries(prefix = ''): Iterable<VersionEntry> {
    for (const key of this.#keys.from(prefix)) {
      if (!key.startsWith(prefix)) return;
      const history = this.#versions.get(key) ?? [];
      for (let at = history.length - 1; at >= 0; at -= 1) {
        const version = history[at];
        if (version !== undefined) yield { key, version, isLatest: at === history.length - 1 };
      }
    }
  }

  /** The versions of one key, oldest first; counted as no call. */
  history(key: string): readonly BucketVersion[] {
    return this.#versions.get(key) ?? [];
  }

  // Verbs on objects.

  /** PutObject. */
  put(key: string, body: Uint8Array, request: PutRequest = {}): BucketVersion {
    this.#begin('PutObject', key);
    return this.#add(key, body.length, body, request);
  }

  /** CopyObject of the newest version onto its own key, under another encryption: what makes a readable key unreadable. */
  copyInPlace(key: string, encryption: string): BucketVersion {
    this.#begin('CopyObject', key);
    const source = this.#latest(key);
    if (source === undefined || source.isDeleteMarker) throw new BucketRefusal('NoSuchKey', 'The specified key does not exist.');
    return this.#add(key, source.size, source.body, { encryption });
  }

  /** HeadObject; `undefined`: not found. Without a version id the newest counts, as in S3. */
  head(key: string, versionId?: string): BucketVersion | undefined {
    this.#begin('HeadObject', key);
    return this.#readable(key, versionId);
  }

  /** GetObject. A body of a bucket that drops them is zeros. */
  get(key: string, versionId?: string): { readonly version: BucketVersion; readonly body: Uint8Array } | undefined {
    this.#begin('GetObject', key);
    const version = this.#readable(key, versionId);
    return version === undefined ? undefined : { version, body: version.body ?? new Uint8Array(version.size) };
  }

  /** DeleteObject without a version id: a delete marker, also over nothing. */
  putDeleteMarker(key: string): BucketVersion | undefined {
    this.#begin('DeleteObject', key);
    if (this.versioning === 'off') {
      const found = this.#latest(key);
      if (found !== undefined) this.#remove(key, found);
      return undefined;
    }
    return this.#append(key, { size: 0, checksum: 0, body: undefined, retention: undefined, encryption: undefined, isDeleteMarker: true });
  }

  /** DeleteObject with a version id: done as well where it is gone already. */
  deleteVersion(key: string, versionId: string, options: { readonly bypass?: boolean } = {}): void {
    this.#begin('DeleteObjectVersion', key);
    const version = this.#find(key, versionId);
    if (version === undefined) return;
    this.#checkMayRemove(version, options.bypass ?? false);
    this.#remove(key, version);
  }

  /** GetObjectRetention; `undefined` where the version has none. */
  retentionOf(key: string, versionId: string): Retention | undefined {
    this.#begin('GetObjectRetention', key);
    return this.#lockable(key, versionId).retention;
  }

  /** PutObjectRetention. */
  setRetention(key: string, versionId: string, retention: Retention, options: { readonly bypass?: boolean } = {}): void {
    this.#begin('PutObjectRetention', key);
    const version = this.#lockable(key, versionId);
    const wanted = this.#checkedRetention(retention);
    const now = this.now / 1000;
    const held = version.retention;
    if (isHeld(held, now) && !this.behaviour.acceptsShortening) this.#checkMayChange(held, wanted, options.bypass ?? false);
    if (this.behaviour.keepsLocks) version.retention = wanted;
    if (this.behaviour.extendingMovesDate) version.lastModified = Math.floor(now);
  }

  /** ListObjectVersions: one page, the keys in order, of each key the newest first. */
  listPage(prefix: string, after?: PageMarker): VersionPage {
    this.#begin('ListObjectVersions', prefix);
    const entries: VersionEntry[] = [];
    const shownUntil = Math.floor(this.now / 1000) - this.behaviour.listsLateBy;
    let isAfter = after === undefined;
    const afterSequence = after === undefined ? undefined : sequenceOf(after.versionId);
    for (const key of this.#keys.from(after !== undefined && after.key > prefix ? after.key : prefix)) {
      if (!key.startsWith(prefix)) break;
      const history = this.#versions.get(key) ?? [];
      for (let at = history.length - 1; at >= 0; at -= 1) {
        const version = history[at];
        if (version === undefined) continue;
        if (!isAfter) {
          // The entry of the marker may be gone by now: what comes after it is what is older.
          if (key === after?.key && afterSequence !== undefined && version.sequence >= afterSequence) continue;
          if (key === after?.key && afterSequence === undefined) {
            isAfter = version.isNull;
            continue;
          }
          isAfter = true;
        }
        if (this.behaviour.listsLateBy > 0 && version.lastModified > shownUntil) continue;
        if (entries.length === this.pageLength) {
          const last = entries.at(-1);
          return { entries, next: last === undefined ? undefined : { key: last.key, versionId: versionIdOf(last.version) } };
        }
        entries.push({ key, version, isLatest: at === history.length - 1 });
      }
    }
    return { entries, next: undefined };
  }

  // Verbs on the bucket.

  /** HeadBucket: where it lies. */
  headBucket(): string {
    this.#begin('HeadBucket', '');
    return this.region;
  }

  getVersioning(): Versioning {
    this.#begin('GetBucketVersioning', '');
    return this.versioning;
  }

  putVersioning(wanted: 'enabled' | 'suspended'): void {
    this.#begin('PutBucketVersioning', '');
    if (wanted === 'suspended' && this.objectLock !== null && !this.behaviour.letsVersioningBeSuspended) {
      throw new BucketRefusal(
        'InvalidBucketState',
        'An Object Lock configuration is present on this bucket, so versioning cannot be suspended.',
      );
    }
    this.versioning = wanted;
  }

  getObjectLock(): ObjectLockSetting | null {
    this.#begin('GetObjectLockConfiguration', '');
    this.#checkAnswersSettings();
    return this.objectLock;
  }

  putDefaultRetention(setting: ObjectLockSetting): void {
    this.#begin('PutObjectLockConfiguration', '');
    if (this.objectLock === null)
      throw new BucketRefusal('InvalidBucketState', 'Object Lock configuration cannot be enabled on existing buckets.');
    this.objectLock = setting;
  }

  getLifecycle(): readonly LifecycleRule[] {
    this.#begin('GetLifecycleConfiguration', '');
    this.#checkAnswersSettings();
    return this.lifecycle;
  }

  putLifecycle(rules: readonly LifecycleRule[]): void {
    this.#begin('PutLifecycleConfiguration', '');
    this.lifecycle = rules;
  }

  getEncryption(): BucketEncryption | null {
    this.#begin('GetEncryptionConfiguration', '');
    this.#checkAnswersSettings();
    return this.encryption;
  }

  putEncryption(encryption: BucketEncryption): void {
    this.#begin('PutEncryptionConfiguration', '');
    this.encryption = encryption;
  }

  /** What the store's nightly run does by the lifecycle rules. Locks hold against it. */
  runLifecycle(): void {
    const day = 86_400;
    const now = Math.floor(this.now / 1000);
    for (const rule of this.lifecycle.filter((one) => one.isEnabled)) {
      for (const key of this.#keys.from(rule.prefix)) {
        if (!key.startsWith(rule.prefix)) break;
        const history = [...this.history(key)];
        for (const [at, version] of history.entries()) {
          const newer = history[at + 1];
          if (newer === undefined || rule.noncurrentExpirationDays === null) continue;
          // A version is old since the next one came.
          if (now - newer.lastModified < rule.noncurrentExpirationDays * day || isHeld(version.retention, now)) continue;
          this.#remove(key, version);
        }
        const latest = this.#latest(key);
        if (latest === undefined || latest.isDeleteMarker || rule.expirationDays === null) continue;
        if (now - latest.lastModified < rule.expirationDays * day) continue;
        this.#append(key, { size: 0, checksum: 0, body: undefined, retention: undefined, encryption: undefined, isDeleteMarker: true });
      }
    }
  }

  #begin(verb: BucketVerb, key: string): void {
    this.#calls.set(verb, this.calls(verb) + 1);
    this.beforeCall(verb, key);
    if (!this.isReachable) throw new BucketRefusal('ConnectionFailed', 'connect ECONNREFUSED');
    if (this.denied.has(verb)) throw new BucketRefusal('AccessDenied', 'Access Denied');
    if (!this.isThere) throw new BucketRefusal('NoSuchBucket', 'The specified bucket does not exist');
  }

  #add(key: string, size: number, body: Uint8Array | undefined, request: PutRequest): BucketVersion {
    const latest = this.#latest(key);
    if (request.ifNoneMatch === true && this.behaviour.honoursIfNoneMatch && latest !== undefined && !latest.isDeleteMarker) {
      throw new BucketRefusal('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold');
    }
    if (this.#bytes + size > this.capacity) throw new BucketRefusal('InsufficientStorage', 'There is no space left');
    const asked = request.retention === undefined ? this.#defaultRetention() : this.#checkedRetention(request.retention);
    const encryption = request.encryption ?? this.#defaultEncryption();
    return this.#append(key, {
      size,
      checksum: body === undefined ? 0 : crc32(body),
      body: this.#keepsBodies && body !== undefined ? Uint8Array.from(body) : undefined,
      retention: this.behaviour.keepsLocks ? asked : undefined,
      encryption: this.behaviour.encrypts ? encryption : undefined,
      isDeleteMarker: false,
    });
  }

  #append(key: string, made: Omit<BucketVersion, 'sequence' | 'isNull' | 'lastModified'>): BucketVersion {
    this.#sequence += 1;
    const isNull = this.versioning !== 'enabled';
    const version: BucketVersion = {
      sequence: this.#sequence,
      isNull,
      isDeleteMarker: made.isDeleteMarker,
      lastModified: Math.floor(this.now / 1000),
      size: made.size,
      checksum: made.checksum,
      body: made.body,
      retention: made.retention,
      encryption: made.encryption,
    };
    let history = this.#versions.get(key);
    const replaced = isNull
      ? history?.find((one) => one.isNull)
      : !this.behaviour.keepsVersions && !made.isDeleteMarker
        ? history?.at(-1)
        : undefined;
    if (replaced !== undefined) {
      this.#remove(key, replaced);
      history = this.#versions.get(key);
    }
    if (history !== undefined) history.push(version);
    else {
      this.#versions.set(key, [version]);
      if (replaced === undefined) this.#keys.add(key);
    }
    this.#count += 1;
    this.#bytes += version.size;
    return version;
  }

  #remove(key: string, version: BucketVersion): void {
    const history = this.#versions.get(key);
    const at = history?.indexOf(version) ?? -1;
    if (history === undefined || at < 0) return;
    history.splice(at, 1);
    this.#count -= 1;
    this.#bytes -= version.size;
  }

  #latest(key: string): BucketVersion | undefined {
    return this.#versions.get(key)?.at(-1);
  }

  #find(key: string, versionId: string): BucketVersion | undefined {
    const sequence = sequenceOf(versionId);
    return this.#versions.get(key)?.find((one) => (versionId === 'null' ? one.isNull : !one.isNull && one.sequence === sequence));
  }

  #readable(key: string, versionId: string | undefined): BucketVersion | undefined {
    const version = versionId === undefined ? this.#latest(key) : this.#find(key, versionId);
    if (version === undefined) return undefined;
    if (version.isDeleteMarker) {
      if (versionId === undefined) return undefined;
      throw new BucketRefusal('MethodNotAllowed', 'The specified method is not allowed against this resource.');
    }
    if (version.encryption === 'sse-c') {
      throw new BucketRefusal('InvalidRequest', 'The object was stored using a form of Server Side Encryption.');
    }
    if (version.encryption !== undefined && this.revokedKeys.has(version.encryption)) {
      throw new BucketRefusal('AccessDenied', 'The ciphertext refers to a key that you may not use.');
    }
    return version;
  }

  #lockable(key: string, versionId: string): BucketVersion {
    if (this.objectLock === null) throw new BucketRefusal('InvalidRequest', 'Bucket is missing Object Lock Configuration');
    const version = this.#find(key, versionId);
    if (version === undefined) throw new BucketRefusal('NoSuchVersion', 'The specified version does not exist.');
    if (version.isDeleteMarker && !this.behaviour.locksDeleteMarkers) {
      throw new BucketRefusal('MethodNotAllowed', 'The specified method is not allowed against this resource.');
    }
    return version;
  }

  /** Whole seconds, as stores keep them. */
  #checkedRetention(retention: Retention): Retention {
    if (this.objectLock === null) throw new BucketRefusal('InvalidRequest', 'Bucket is missing Object Lock Configuration');
    if (retention.until <= this.now / 1000 && !this.behaviour.acceptsPastLocks) {
      throw new BucketRefusal('InvalidArgument', 'The retain until date must be in the future!');
    }
    const until = Math.floor(retention.until);
    // Most versions share their date with the one before: a million of them need not hold it each.
    if (this.#lastRetention?.mode !== retention.mode || this.#lastRetention.until !== until)
      this.#lastRetention = { mode: retention.mode, until };
    return this.#lastRetention;
  }

  #checkMayRemove(version: BucketVersion, bypass: boolean): void {
    if (!this.behaviour.enforcesLocks || !isHeld(version.retention, this.now / 1000)) return;
    this.#checkBypass(version.retention.mode, bypass);
  }

  #checkMayChange(held: Retention, wanted: Retention, bypass: boolean): void {
    // Not even a stronger mode is taken without bypass: as MinIO and SeaweedFS have it.
    const isStronger = wanted.until >= held.until && wanted.mode === held.mode;
    if (!isStronger) this.#checkBypass(held.mode, bypass);
  }

  #checkBypass(mode: RetentionMode, bypass: boolean): void {
    if (mode === 'GOVERNANCE' && bypass && !this.denied.has('BypassGovernanceRetention')) return;
    throw new BucketRefusal('ObjectLocked', 'Access Denied because object protected by object lock.');
  }

  #defaultRetention(): Retention | undefined {
    const found = this.objectLock?.defaultRetention ?? null;
    if (found === null) return undefined;
    const mode = found.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE';
    return { mode, until: Math.floor(this.now / 1000) + found.days * 86_400 };
  }

  #defaultEncryption(): string | undefined {
    if (this.encryption === null) return undefined;
    return this.encryption.algorithm === 'AES256' ? 'AES256' : (this.encryption.kmsKeyId ?? 'aws/s3');
  }

  #checkAnswersSettings(): void {
    if (!this.behaviour.answersSettings) {
      throw new BucketRefusal('NotImplemented', 'A header you provided implies functionality that is not implemented.');
    }
  }
}
