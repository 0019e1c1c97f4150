import type { Location, LocationAddParams } from '../../../protocol/methods/locations.ts';
import { type BucketDraft, emptyBucket, specOf } from './bucketDraft.ts';
import type { Preflight } from './preflight.ts';
import { type Protection, usualProtection } from './protection.ts';

/** A new location as its form has it: of every kind all that was typed, so that another kind can be tried and given up. */
export interface LocationDraft {
  readonly kind: 'filesystem' | 's3';
  readonly folder: string;
  readonly isMissing: boolean;
  readonly bucket: BucketDraft;
  readonly name: string;
  /** What the bucket looked like when it was last looked at. */
  readonly preflight: Preflight | undefined;
  readonly protection: Protection;
  readonly location: Location | undefined;
}

export const emptyLocation: LocationDraft = {
  kind: 'filesystem',
  folder: '',
  isMissing: false,
  bucket: emptyBucket,
  name: '',
  preflight: undefined,
  protection: usualProtection,
  location: undefined,
};

/** Whether locks can be switched on there, as far as it was looked at. */
export function canBeImmutable({ kind, bucket, preflight }: LocationDraft): boolean {
  return kind === 's3' && preflight?.of === bucket && preflight.result.canBeImmutable;
}

/** What is sent, without the secret. */
export function additionOf(draft: LocationDraft): LocationAddParams {
  const { kind, name, folder, bucket, protection } = draft;
  if (kind === 'filesystem') return { name, spec: { kind, path: folder } };
  const { days, mode } = protection;
  const isLocked = canBeImmutable(draft) && days !== null;
  return { name, spec: specOf(bucket), ...(isLocked ? { protectionPeriodDays: days, lockMode: mode } : {}) };
}
