/** What an audit finds wrong with what a location holds. */
export type TamperKind =
  /** A delete marker lies over a key. */
  | 'deleteMarker'
  /** A version of a key of ours that this installation did not write. */
  | 'foreignVersion'
  /** A version that the ledger has is gone. */
  | 'missingVersion'
  | 'differentSize'
  /** A key below our prefix that this installation does not know. */
  | 'unknownObject'
  | 'missingLock'
  | 'shortenedLock'
  /** Locked for much longer than anybody here asked for: it can't be deleted until then, and costs. */
  | 'prolongedLock';

/** Kinds that a later audit can only meet again by reading the lock back. */
export const weakLockKinds: readonly TamperKind[] = ['missingLock', 'shortenedLock'];

export interface TamperFinding {
  /** A `TamperKind` of this version or of an older one. */
  readonly kind: string;
  readonly key: string;
  /** Of the version that is wrong; `null` where it is not there. */
  readonly versionId: string | null;
  /** By this machine's clock, RFC 3339 UTC with three decimals. */
  readonly firstSeen: string;
  /** When it happened, as the store says; `null` where it does not tell. */
  readonly storeTime: string | null;
  readonly detail: string;
}

/** Kinds by which restore points are damaged: what they read is gone, or is something else. */
export const damagingKinds: readonly string[] = ['missingVersion', 'differentSize'] satisfies readonly TamperKind[];

/** One way out of what an audit has found. */
export function cureOf(findings: readonly Pick<TamperFinding, 'kind'>[]): string {
  return findings.some(({ kind }) => damagingKinds.includes(kind))
    ? 'Find out whose credentials did it and revoke them, then back up again: what is gone is stored anew where the source still has it.'
    : 'Find out whose credentials did it and revoke them; restores are not affected, they read the versions that were recorded.';
}
