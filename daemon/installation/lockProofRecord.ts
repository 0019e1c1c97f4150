import * as z from 'zod';
import { type LockVerdict, lockVerdict } from '../../protocol/methods/locations.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';

const proof = z.looseObject({ verdict: lockVerdict, at: z.string() });

/** The outcome of the newest lock proof of a location; `null` where none was made that this version can read. */
export function lockProofOf({
  lockProof,
}: Pick<LocationRecord, 'lockProof'>): { readonly verdict: LockVerdict; readonly at: string } | null {
  if (lockProof === null) return null;
  const read = proof.safeParse(JSON.parse(lockProof));
  return read.success ? { verdict: read.data.verdict, at: read.data.at } : null;
}

/** The newest proof has shown that whoever holds these credentials can undo locks: no date of the ledger is worth anything then. */
export function isRefuted(location: Pick<LocationRecord, 'lockProof'>): boolean {
  const verdict = lockProofOf(location)?.verdict;
  return verdict === 'notEnforced' || verdict === 'bypassable';
}
