import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, LocationId, StoreId } from '../../protocol/ids.ts';
import type { LockVerdict } from '../../protocol/methods/locations.ts';
import type { ObjectLedger } from '../catalog/objectLedger.ts';
import type { LockAttempts } from '../locations/lockAttempts.ts';
import type { LockUntil, ObjectStore } from '../locations/objectStore.ts';
import { CanaryTrial } from './canaryTrial.ts';
import { hasVersions, sweepCanaries } from './canaries.ts';
import { judge, type LockAttempt } from './proofVerdict.ts';

export interface LockProofOptions {
  /** As it is, and not one that locks all that is put. */
  readonly store: ObjectStore;
  readonly attempts: LockAttempts;
  readonly mode: LockUntil['mode'];
  readonly objects: ObjectLedger;
  readonly installationId: InstallationId;
  readonly locationId: LocationId;
  readonly now: () => Date;
  readonly signal?: AbortSignal;
}

/** What a lock proof has shown, and by what. Times are RFC 3339 in UTC with three decimals. */
export interface LockProof {
  readonly format: 'holdfast-lock-proof/1';
  readonly installationId: InstallationId;
  readonly locationId: LocationId;
  readonly storeId: StoreId;
  readonly mode: LockUntil['mode'];
  readonly verdict: LockVerdict;
  /** One sentence why it is not `enforced`. */
  readonly explanation: string | null;
  /** By this machine's clock. */
  readonly at: string;
  /** By the store's clock, before the first attempt. */
  readonly storeTime: string | null;
  readonly canary: { readonly key: string; readonly versionId: string | null; readonly lockedUntil: string } | null;
  readonly attempts: readonly LockAttempt[];
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const week = 7 * 24 * hour;
/** The shortest that a store takes, and that is long enough for all attempts. */
const lockLengths = [minute, hour, 24 * hour + minute] as const;

/** Proofs are weekly; a clock that was set back does not put one off. */
export function isDue(lastProofAt: Date | null, now: Date): boolean {
  return lastProofAt === null || lastProofAt > now || now.getTime() - lastProofAt.getTime() >= week;
}

/**
 * Tries on canaries of its own, with the daemon's own credentials, whatever would break a lock: docs/format.md, Lock proofs. What it leaves in the store is
 * locked, in the ledger, and deleted by a later proof. A store that is away is `inconclusive`; rejects with `cancelled` only.
 */
export async function proveLock(options: LockProofOptions): Promise<LockProof> {
  const { store, mode, installationId, locationId, now } = options;
  const base = {
    format: 'holdfast-lock-proof/1',
    installationId,
    locationId,
    storeId: store.storeId,
    mode,
    at: now().toISOString(),
  } as const;
  const nothing = { ...base, storeTime: null, canary: null, attempts: [] } as const;
  if (!hasVersions(store)) return { ...nothing, verdict: 'notEnforced', explanation: 'The store has no versions, and so no locks.' };
  const place = { ...options, store };
  try {
    await sweepCanaries(place);
  } catch (error) {
    if (!HoldfastError.is(error) || error.code === 'cancelled') throw error;
    return { ...nothing, verdict: 'inconclusive', explanation: error.message };
  }
  let trial = new CanaryTrial(place, options.attempts, mode);
  for (const [index, length] of lockLengths.entries()) {
    if (index > 0) trial = new CanaryTrial(place, options.attempts, mode);
    if ((await trial.run(length)) === 'done') break;
  }
  const { attempts, canary, storeTime } = trial;
  return { ...base, ...(trial.isTooSlow ? tooSlow : judge(attempts, mode)), storeTime: storeTime?.toISOString() ?? null, canary, attempts };
}

const tooSlow = {
  verdict: 'inconclusive',
  explanation: 'The lock ended before everything was tried: the store is too slow.',
} as const;
