import type { BucketEncryption, LifecycleRule, ObjectLockSetting, Versioning } from '../bucketFacts.ts';
import { type Answer, days, harmOf, permissionOf, shownEncryption, shownId } from '../bucketState.ts';
import { failed, failedForLocks, type Outcome, warned } from './checkList.ts';

export function versioningOutcome(versioning: Answer<Versioning>): Outcome {
  if (versioning.answer === 'refused') return mayNotRead('versioning', permissionOf.versioning);
  if (versioning.answer !== 'given') return failedForLocks('The store knows no versions.', 'Use a store with versioning and Object Lock.');
  if (versioning.value === 'enabled') return { detail: 'Versioning is on.' };
  const state = versioning.value === 'off' ? 'off' : 'suspended';
  return failedForLocks(
    `Versioning is ${state}: what is stored can be overwritten.`,
    'Enable the versioning of the bucket; locks need Object Lock too, which many stores give only to a bucket that is made with it.',
  );
}

export function objectLockOutcome(objectLock: Answer<ObjectLockSetting | null>): Outcome {
  if (objectLock.answer === 'refused') return mayNotRead('Object Lock setting', permissionOf.objectLock);
  if (objectLock.answer !== 'given') {
    return failedForLocks('The store does not say whether the bucket has Object Lock.', 'Use a store with Object Lock.');
  }
  if (objectLock.value !== null) return { detail: 'Object Lock is on.' };
  return failedForLocks(
    'The bucket has no Object Lock: nothing can be locked in it.',
    'Use a bucket that was made with Object Lock, or enable it where the store lets you.',
  );
}

/** Objects bring locks of their own: a default would hold on to what is not meant to stay, the small objects of these checks first of all. */
export function defaultRetentionOutcome(objectLock: Answer<ObjectLockSetting | null>): Outcome {
  const found = objectLock.answer === 'given' ? (objectLock.value?.defaultRetention ?? null) : null;
  if (found === null) return { detail: 'The bucket locks nothing by itself.' };
  return failed(
    `The bucket locks everything that is put for ${days(found.days)} (${found.mode}): nothing could be tried without leaving locked objects behind, and what has no lock of its own could not be deleted.`,
    'Remove the default retention of the bucket; backups bring their own locks.',
  );
}

export function lifecycleOutcome(lifecycle: Answer<readonly LifecycleRule[]>): Outcome {
  if (lifecycle.answer === 'refused') return mayNotRead('lifecycle rules', permissionOf.lifecycle);
  if (lifecycle.answer !== 'given') return { detail: 'The store has no lifecycle rules.' };
  const [first, ...others] = lifecycle.value;
  if (first === undefined) return { detail: 'No lifecycle rule touches this location.' };
  const rules = [first, ...others];
  const detail = `${rules.map((rule) => `Lifecycle rule ${shownId(rule.id)} ${harmOf(rule)}`).join('; ')}, and this location is among them.`;
  const fix = `Remove ${rules.map(({ id }) => shownId(id)).join(', ')}, or narrow ${rules.length === 1 ? 'it' : 'them'} to other keys.`;
  // Without locks an expired object is a lost one.
  return rules.some(({ expirationDays }) => expirationDays !== null) ? failed(detail, fix) : failedForLocks(detail, fix);
}

/** @param isAskedByName whether the store was seen to encrypt with SSE-S3 where a put asks for it */
export function encryptionOutcome(encryption: Answer<BucketEncryption | null>, isAskedByName: boolean): Outcome {
  if (encryption.answer === 'refused') {
    return warned(
      `The credentials may not read the default encryption (${permissionOf.encryption}): a change of it could not be noticed.`,
      `Allow ${permissionOf.encryption} on the bucket.`,
    );
  }
  const found = encryption.answer === 'given' ? encryption.value : null;
  if (isAskedByName) {
    const byDefault = found === null || found.algorithm === 'AES256' ? '' : `, whatever the default is (${shownEncryption(found)})`;
    return { detail: `What is put is encrypted with SSE-S3 by name${byDefault}.` };
  }
  if (found === null) return { detail: 'The store does not know SSE-S3; what is stored was encrypted before it got there.' };
  if (found.algorithm === 'AES256') return { detail: 'The bucket encrypts with SSE-S3 by default.' };
  return failedForLocks(
    `The bucket encrypts with ${shownEncryption(found)}, and the store takes no SSE-S3 by name: whoever takes that key away makes backups unreadable.`,
    'Set the default encryption of the bucket to SSE-S3, or allow it for puts.',
  );
}

function mayNotRead(what: string, permission: string): Outcome {
  return failedForLocks(
    `The credentials may not read the ${what} of the bucket: a change of it could not be noticed.`,
    `Allow ${permission} on the bucket.`,
  );
}
