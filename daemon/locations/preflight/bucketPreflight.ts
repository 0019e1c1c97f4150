import { randomBytes } from 'node:crypto';
import type { StoreId } from '../../../protocol/ids.ts';
import type { LocationCheck } from '../../../protocol/methods/locations.ts';
import type { BucketFacts } from '../bucketFacts.ts';
import { type BucketState, readBucketState } from '../bucketState.ts';
import { markerName, type StoreMarker } from '../marker.ts';
import type { LockUntil } from '../objectStore.ts';
import type { StoreFeatures, ValidatedFacts } from '../validatedFacts.ts';
import { type OpenWith, tryCanary } from './canaryChecks.ts';
import { CheckFolder, sweepOldChecks } from './checkFolder.ts';
import { CheckList, failed, type Outcome, warned } from './checkList.ts';
import { defaultRetentionOutcome, encryptionOutcome, lifecycleOutcome, objectLockOutcome, versioningOutcome } from './settingChecks.ts';

export interface PreflightBucket {
  readonly facts: BucketFacts;
  readonly open: OpenWith;
  readonly readMarker: (options: { readonly signal?: AbortSignal }) => Promise<StoreMarker | undefined>;
}

export interface BucketPreflightOptions {
  readonly bucket: PreflightBucket;
  /** As the profile has it. */
  readonly region: string;
  /** What the keys of the location begin with, without a slash at the end; empty: nothing. */
  readonly prefix: string;
  /** The store that must be there; `undefined` before the place is a location. */
  readonly storeId: StoreId | undefined;
  /** Whether what locks need has to be there; else its failures are warnings. */
  readonly isImmutable: boolean;
  /** Of a location that is immutable. */
  readonly lockMode?: LockUntil['mode'];
  readonly now: () => Date;
  readonly signal?: AbortSignal;
}

export interface PreflightResult {
  /** In a fixed order; checks that need what failed are left out. */
  readonly checks: readonly LocationCheck[];
  /** Nothing failed that locks need, whether locks were asked for or not. What a lock is worth at this store, only a lock proof shows. */
  readonly canBeImmutable: boolean;
  /** `null` where not enough could be seen. */
  readonly validated: ValidatedFacts | null;
}

/**
 * Tries what backups, restores and locks will need of a bucket, with small objects that are never locked and are deleted again by version id. A failed check is
 * an answer. Rejects with `cancelled` only.
 */
export async function preflightBucket(options: BucketPreflightOptions): Promise<PreflightResult> {
  const list = new CheckList(options);
  const state = await readSettings(list, options);
  if (state === undefined) return { checks: list.checks, canBeImmutable: false, validated: null };
  const isTried = await list.check('defaultRetention', () => defaultRetentionOutcome(state.objectLock));
  await list.check('lifecycle', () => lifecycleOutcome(state.lifecycle));
  const features = isTried ? await tryStore(list, state, options) : undefined;
  if (features === undefined) return { checks: list.checks, canBeImmutable: false, validated: null };
  await list.check('encryption', () => encryptionOutcome(state.encryption, features.encryption));
  await list.check('mode', () => modeOutcome(list.canBeImmutable, options));
  const validated = { ...state, at: options.now().toISOString(), features };
  return { checks: list.checks, canBeImmutable: list.canBeImmutable, validated };
}

async function readSettings(list: CheckList, options: BucketPreflightOptions): Promise<BucketState | undefined> {
  const { bucket, region, prefix } = options;
  const asking = signalOf(options);
  let found = region;
  const isThere =
    (await list.check('exists', async () => {
      found = await bucket.facts.region(asking);
      return { detail: 'The bucket is there and takes these credentials.' };
    })) && (await list.check('region', () => regionOutcome(region, found)));
  if (!isThere || !(await list.check('marker', () => markerOutcome(options)))) return undefined;
  let state: BucketState | undefined;
  const isRead = await list.check('versioning', async () => {
    state = await readBucketState(bucket.facts, prefix, asking);
    return versioningOutcome(state.versioning);
  });
  if (state === undefined) return undefined;
  const { objectLock } = state;
  // Where there are no versions, there can be no lock.
  if (isRead) await list.check('objectLock', () => objectLockOutcome(objectLock));
  return state;
}

async function tryStore(list: CheckList, state: BucketState, options: BucketPreflightOptions): Promise<StoreFeatures | undefined> {
  const { bucket, now } = options;
  const asking = signalOf(options);
  const { versioning, objectLock } = state;
  const hasVersions = versioning.answer === 'given' ? versioning.value !== 'off' : versioning.answer === 'refused';
  const hasLocks = objectLock.answer === 'given' ? objectLock.value !== null : objectLock.answer === 'refused';
  const folder = new CheckFolder(randomBytes(8).toString('hex'));
  const plain = await bucket.open({ versions: hasVersions, conditionalPut: true, checksum: 'crc32', encryption: false });
  try {
    const tried = await tryCanary({ list, folder, open: bucket.open, hasVersions, hasLocks, now, ...asking });
    await list.check('oldChecks', async () => {
      const time = (await plain.versions?.time(asking)) ?? now();
      const swept = await sweepOldChecks(plain, time, asking);
      return { detail: swept === 0 ? 'No earlier check left anything.' : `${swept} objects that an earlier check left were deleted.` };
    });
    return tried?.features;
  } finally {
    // What could not be deleted was told by a check, and the next one finds it.
    await folder.clear(plain).catch(() => 0);
  }
}

const signalOf = ({ signal }: { readonly signal?: AbortSignal }): { readonly signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };

function regionOutcome(wanted: string, found: string): Outcome {
  if (wanted === found) return { detail: `The bucket is in region ${found}.` };
  return failed(`The bucket is in region ${found}, not in ${wanted}.`, `Give the location the region ${found}.`);
}

async function markerOutcome(options: BucketPreflightOptions): Promise<Outcome> {
  const { bucket, storeId: expected } = options;
  const marker = await bucket.readMarker(signalOf(options));
  if (marker === undefined) {
    if (expected === undefined) return { detail: `A new store: its marker ${markerName} will be made.` };
    return failed(`The marker ${markerName} is not there.`, 'Give the location the bucket and prefix where it was made.');
  }
  if (expected !== undefined && marker.storeId !== expected) {
    return failed('Another store is there.', 'Give the location the bucket and prefix where it was made.');
  }
  return { detail: `Store ${marker.storeId}, made ${marker.createdAt}.` };
}

function modeOutcome(canBeImmutable: boolean, { isImmutable, lockMode = 'compliance' }: BucketPreflightOptions): Outcome {
  if (!canBeImmutable) {
    const detail = 'Immutability can not be switched on here: what it needs is missing.';
    const fix = 'Do what the other checks say, or store backups here without locks.';
    return isImmutable ? failed(detail, 'Do what the other checks say.') : warned(detail, fix);
  }
  if (!isImmutable) return { detail: 'Immutability can be switched on here.' };
  if (lockMode === 'compliance') return { detail: 'Locks are in compliance mode: nobody can shorten one.' };
  return warned(
    'Locks are in governance mode: whoever has s3:BypassGovernanceRetention can remove them.',
    'Use compliance mode, or see to it that nobody has that permission.',
  );
}
