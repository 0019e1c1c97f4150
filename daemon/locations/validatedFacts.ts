import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import type { BucketEncryption, LifecycleRule, ObjectLockSetting, Versioning } from './bucketFacts.ts';
import type { Answer, BucketState } from './bucketState.ts';

/** What trials with small objects showed of a store. */
export interface StoreFeatures {
  /** Versions exist, also where versioning was suspended later. */
  readonly versions: boolean;
  readonly conditionalPut: boolean;
  /** The checksum that puts carry. */
  readonly checksum: 'crc32' | 'sha256' | 'none';
  /** SSE-S3 is known: puts ask for it by name. */
  readonly encryption: boolean;
}

/** What a validation saw, which drift is told from. */
export interface ValidatedFacts extends BucketState {
  /** By this machine's clock; RFC 3339. */
  readonly at: string;
  readonly features: StoreFeatures;
}

const answer = <Value>(value: z.ZodType<Value>): z.ZodType<Answer<Value>> =>
  z.discriminatedUnion('answer', [
    z.strictObject({ answer: z.literal('given'), value }),
    z.strictObject({ answer: z.literal('refused') }),
    z.strictObject({ answer: z.literal('unknown') }),
    z.strictObject({ answer: z.literal('missing') }),
  ]);
const mode = z.enum(['governance', 'compliance']);
const versioning: z.ZodType<Versioning> = z.enum(['enabled', 'suspended', 'off']);
const objectLock: z.ZodType<ObjectLockSetting> = z.strictObject({
  defaultRetention: z.strictObject({ mode, days: z.number() }).nullable(),
});
const rule: z.ZodType<LifecycleRule> = z.strictObject({
  id: z.string(),
  isEnabled: z.boolean(),
  prefix: z.string(),
  expirationDays: z.number().nullable(),
  noncurrentExpirationDays: z.number().nullable(),
  hasTransition: z.boolean(),
});
const encryption: z.ZodType<BucketEncryption> = z.strictObject({
  algorithm: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse', 'other']),
  kmsKeyId: z.string().nullable(),
});

const factsSchema: z.ZodType<ValidatedFacts> = z.strictObject({
  at: z.iso.datetime({ precision: 3 }),
  region: answer(z.string()),
  versioning: answer(versioning),
  objectLock: answer(objectLock.nullable()),
  lifecycle: answer(z.array(rule)),
  encryption: answer(encryption.nullable()),
  features: z.strictObject({
    versions: z.boolean(),
    conditionalPut: z.boolean(),
    checksum: z.enum(['crc32', 'sha256', 'none']),
    encryption: z.boolean(),
  }),
});

/** As the location's row keeps it (`validated`). */
export function validatedText(facts: ValidatedFacts): string {
  return JSON.stringify(facts);
}

/** Throws `catalogDamaged` on what `validatedText` did not write. */
export function validatedFactsOf(text: string): ValidatedFacts {
  try {
    return factsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw HoldfastError.failedTo('catalogDamaged', 'read what the last validation of the location saw', 'it is not what was written', {
      fix: 'Validate the location: "holdfast location validate NAME".',
      cause,
    });
  }
}
