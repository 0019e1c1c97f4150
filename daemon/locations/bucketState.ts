import { HoldfastError } from '../../protocol/errors.ts';
import type { BucketEncryption, BucketFacts, FactOptions, LifecycleRule, ObjectLockSetting, Versioning } from './bucketFacts.ts';

/** What a bucket said to one question. `unknown`: the store does not know the question; `missing`: there is no such bucket. */
export type Answer<Value> =
  | { readonly answer: 'given'; readonly value: Value }
  | { readonly answer: 'refused' }
  | { readonly answer: 'unknown' }
  | { readonly answer: 'missing' };

/** What a bucket is set to at one moment, as far as the daemon's credentials may know it. Plain data: it is kept as JSON. */
export interface BucketState {
  readonly region: Answer<string>;
  readonly versioning: Answer<Versioning>;
  readonly objectLock: Answer<ObjectLockSetting | null>;
  /** Only rules that are enabled and take or move something of ours. */
  readonly lifecycle: Answer<readonly LifecycleRule[]>;
  readonly encryption: Answer<BucketEncryption | null>;
}

export type BucketQuestion = keyof BucketState;

/** What each question needs, as a policy names it. */
export const permissionOf: Readonly<Record<BucketQuestion, string>> = {
  region: 's3:ListBucket',
  versioning: 's3:GetBucketVersioning',
  objectLock: 's3:GetBucketObjectLockConfiguration',
  lifecycle: 's3:GetLifecycleConfiguration',
  encryption: 's3:GetEncryptionConfiguration',
};

/**
 * Asks for everything, which changes nothing. `prefix`: what the keys of the location begin with in the bucket, without a slash at the end; empty: all of it
 * is ours. Rejects where the store can not be reached.
 */
export async function readBucketState(facts: BucketFacts, prefix: string, options: FactOptions = {}): Promise<BucketState> {
  const region = await answerOf(facts.region(options));
  if (region.answer === 'missing') return { region, versioning: region, objectLock: region, lifecycle: region, encryption: region };
  const lifecycle = await answerOf(facts.lifecycle(options));
  return {
    region,
    versioning: await answerOf(facts.versioning(options)),
    objectLock: await answerOf(facts.objectLock(options)),
    lifecycle: lifecycle.answer === 'given' ? { answer: 'given', value: rulesThatTouch(lifecycle.value, prefix) } : lifecycle,
    encryption: await answerOf(facts.encryption(options)),
  };
}

/** The rules that can take, hide or move an object below the prefix. */
export function rulesThatTouch(rules: readonly LifecycleRule[], prefix: string): readonly LifecycleRule[] {
  const ours = prefix === '' ? '' : `${prefix}/`;
  return rules.filter(
    (rule) =>
      rule.isEnabled &&
      (rule.expirationDays !== null || rule.noncurrentExpirationDays !== null || rule.hasTransition) &&
      (ours.startsWith(rule.prefix) || rule.prefix.startsWith(ours)),
  );
}

/** What a rule does, as a clause. */
export function harmOf({ expirationDays, noncurrentExpirationDays, hasTransition }: LifecycleRule): string {
  const harms = [
    ...(expirationDays === null ? [] : [`expires objects after ${days(expirationDays)}`]),
    ...(noncurrentExpirationDays === null ? [] : [`removes noncurrent versions after ${days(noncurrentExpirationDays)}`]),
    ...(hasTransition ? ['moves objects to another class of storage'] : []),
  ];
  return harms.join(' and ');
}

/** Ids in a bucket's settings are anybody's text. */
export function shownId(id: string): string {
  const plain = id.replaceAll(/[\p{C}\p{Z}]+/gu, ' ');
  return plain.length > 100 ? `${plain.slice(0, 100)}…` : plain;
}

export function shownEncryption(encryption: BucketEncryption | null): string {
  if (encryption === null) return 'nothing';
  const { algorithm, kmsKeyId } = encryption;
  if (algorithm === 'AES256') return 'SSE-S3';
  const name = algorithm === 'other' ? 'an unknown algorithm' : algorithm;
  return kmsKeyId === null ? name : `${name} (${shownId(kmsKeyId)})`;
}

export function days(count: number): string {
  return count === 1 ? '1 day' : `${count} days`;
}

async function answerOf<Value>(asked: Promise<Value>): Promise<Answer<Value>> {
  try {
    return { answer: 'given', value: await asked };
  } catch (error) {
    if (HoldfastError.is(error, 'storeRefused')) return { answer: 'refused' };
    if (HoldfastError.is(error, 'notInThisVersion')) return { answer: 'unknown' };
    if (HoldfastError.is(error, 'objectMissing')) return { answer: 'missing' };
    throw error;
  }
}
