/**
 * What a bucket is set to, as the daemon's own credentials may ask for it. Each call rejects with `storeRefused` where they may not, with
 * `notInThisVersion` where the store does not know the question, and otherwise as `ObjectStore` does. All take an abort signal.
 */
export interface BucketFacts {
  /** Where the bucket lies; rejects with `objectMissing` where there is no bucket of this name. */
  region(options?: FactOptions): Promise<string>;
  versioning(options?: FactOptions): Promise<Versioning>;
  /** `null` where the bucket was made without Object Lock. */
  objectLock(options?: FactOptions): Promise<ObjectLockSetting | null>;
  lifecycle(options?: FactOptions): Promise<readonly LifecycleRule[]>;
  /** `null` where the store says nothing of a default. */
  encryption(options?: FactOptions): Promise<BucketEncryption | null>;
}

export interface FactOptions {
  readonly signal?: AbortSignal;
}

export type Versioning = 'enabled' | 'suspended' | 'off';

export interface ObjectLockSetting {
  /** What a put without a lock of its own gets. */
  readonly defaultRetention: { readonly mode: 'governance' | 'compliance'; readonly days: number } | null;
}

/** One rule, as far as it can take something away or change it. */
export interface LifecycleRule {
  readonly id: string;
  readonly isEnabled: boolean;
  /** The keys that it is for; empty: all. */
  readonly prefix: string;
  /** Days after which current versions get a delete marker. */
  readonly expirationDays: number | null;
  /** Days after which versions that are not the newest are removed. */
  readonly noncurrentExpirationDays: number | null;
  /** It moves objects to a class of storage that may have to be thawed. */
  readonly hasTransition: boolean;
}

export interface BucketEncryption {
  readonly algorithm: 'AES256' | 'aws:kms' | 'aws:kms:dsse' | 'other';
  readonly kmsKeyId: string | null;
}
