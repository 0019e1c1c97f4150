import type { BucketEncryption, LifecycleRule, ObjectLockSetting, Versioning } from './bucketFacts.ts';
import { type Answer, type BucketQuestion, type BucketState, days, harmOf, permissionOf, shownEncryption, shownId } from './bucketState.ts';
import type { ValidatedFacts } from './validatedFacts.ts';

/** What is different from what was validated. */
export interface Drift {
  readonly fact: 'bucket' | BucketQuestion | 'defaultRetention' | 'permission';
  /** `error`: what is stored, or what is put from now on, is in danger. `warning`: somebody changed what he should not have. */
  readonly severity: 'error' | 'warning';
  /** One sentence. */
  readonly message: string;
  readonly fix: string;
}

/** A default that locks longer than any period that is taken without a question makes stored data dear. */
const longDefaultDays = 90;

/** What changed for the worse since the location was validated, the worst first. What was there already when it was validated is no drift. */
export function driftOf(validated: ValidatedFacts, now: BucketState): readonly Drift[] {
  if (now.region.answer === 'missing') {
    return [
      {
        fact: 'bucket',
        severity: 'error',
        message: 'The bucket is not there any more.',
        fix: 'Find out who deleted it; make a new location for further backups.',
      },
    ];
  }
  const drifts = [
    ...compared('region', validated.region, now.region, regionDrift),
    ...compared('versioning', validated.versioning, now.versioning, versioningDrift),
    ...compared('objectLock', validated.objectLock, now.objectLock, objectLockDrift),
    ...compared('lifecycle', validated.lifecycle, now.lifecycle, lifecycleDrift),
    ...compared('encryption', validated.encryption, now.encryption, (before, after) =>
      encryptionDrift(before, after, validated.features.encryption),
    ),
  ];
  return drifts.toSorted((left, right) => rank(left) - rank(right));
}

const rank = ({ severity }: Drift): number => (severity === 'error' ? 0 : 1);

/** Only what was known at the validation can have drifted; what is not to be known any more hides what happens from now on. */
function compared<Value>(
  question: BucketQuestion,
  before: Answer<Value>,
  after: Answer<Value>,
  compare: (before: Value, after: Value) => readonly Drift[],
): readonly Drift[] {
  if (before.answer !== 'given') return [];
  if (after.answer === 'given') return compare(before.value, after.value);
  const permission = permissionOf[question];
  return [
    after.answer === 'refused'
      ? {
          fact: 'permission',
          severity: 'warning',
          message: `The credentials may not read the ${nameOf[question]} of the bucket any more (${permission}).`,
          fix: `Allow ${permission} on the bucket again.`,
        }
      : {
          fact: question,
          severity: 'warning',
          message: `The store does not tell the ${nameOf[question]} of the bucket any more.`,
          fix: 'Find out what changed at the store, then validate the location.',
        },
  ];
}

const nameOf: Readonly<Record<BucketQuestion, string>> = {
  region: 'region',
  versioning: 'versioning',
  objectLock: 'Object Lock setting',
  lifecycle: 'lifecycle rules',
  encryption: 'encryption',
};

function regionDrift(before: string, after: string): readonly Drift[] {
  if (before === after) return [];
  return [
    {
      fact: 'region',
      severity: 'error',
      message: `The bucket is in region ${after} and was in ${before}: it may be another bucket of the same name.`,
      fix: 'Find out whose bucket it is before you change the location.',
    },
  ];
}

function versioningDrift(before: Versioning, after: Versioning): readonly Drift[] {
  if (before !== 'enabled' || after === 'enabled') return [];
  return [
    {
      fact: 'versioning',
      severity: 'error',
      message: `Versioning of the bucket is ${after}: what is put from now on can be overwritten.`,
      fix: 'Enable the versioning of the bucket.',
    },
  ];
}

function objectLockDrift(before: ObjectLockSetting | null, after: ObjectLockSetting | null): readonly Drift[] {
  if (after === null) {
    if (before === null) return [];
    return [
      {
        fact: 'objectLock',
        severity: 'error',
        message: 'The bucket has no Object Lock any more.',
        fix: 'Enable Object Lock for the bucket; if that is not possible, let the policies use another location.',
      },
    ];
  }
  const was = before?.defaultRetention ?? null;
  const is = after.defaultRetention;
  if (is === null || (was !== null && was.mode === is.mode && was.days >= is.days)) return [];
  return [
    {
      fact: 'defaultRetention',
      severity: is.days > longDefaultDays ? 'error' : 'warning',
      message: `The bucket locks what is put without a lock of its own for ${days(is.days)} (${is.mode}): nobody can delete it until then, and it costs.`,
      fix: 'Remove the default retention of the bucket.',
    },
  ];
}

function lifecycleDrift(before: readonly LifecycleRule[], after: readonly LifecycleRule[]): readonly Drift[] {
  const known = new Set(before.map(asText));
  return after
    .filter((rule) => !known.has(asText(rule)))
    .map((rule) => ({
      fact: 'lifecycle',
      severity: 'error',
      message: `Lifecycle rule ${shownId(rule.id)} is new: it ${harmOf(rule)} of this location.`,
      fix: `Remove lifecycle rule ${shownId(rule.id)}, or narrow it to other keys.`,
    }));
}

/** Ids can be given again. */
function asText({ id, prefix, expirationDays, noncurrentExpirationDays, hasTransition }: LifecycleRule): string {
  return JSON.stringify([id, prefix, expirationDays, noncurrentExpirationDays, hasTransition]);
}

function encryptionDrift(before: BucketEncryption | null, after: BucketEncryption | null, asksByName: boolean): readonly Drift[] {
  const [was, is] = [shownEncryption(before), shownEncryption(after)];
  if (was === is || after === null || after.algorithm === 'AES256') return [];
  return [
    {
      fact: 'encryption',
      severity: asksByName ? 'warning' : 'error',
      message: asksByName
        ? `The bucket encrypts with ${is} by default now, and with ${was} before: what is put here asks for SSE-S3 by name and is not touched by it.`
        : `The bucket encrypts with ${is} by default now, and with ${was} before: whoever takes that key away makes what is put from now on unreadable.`,
      fix: 'Set the default encryption of the bucket back to SSE-S3.',
    },
  ];
}
