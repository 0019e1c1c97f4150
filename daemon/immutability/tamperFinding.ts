import type { TamperFinding as ToldFinding } from '../../protocol/methods/immutability.ts';

/** What an audit finds wrong with what a location holds. See `gravestFirst`. */
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

/** What hurts most comes first: whoever makes a million findings of another kind must not hide it behind them. */
export const gravestFirst: readonly TamperKind[] = [
  'missingVersion',
  'differentSize',
  'missingLock',
  'shortenedLock',
  'foreignVersion',
  'deleteMarker',
  'prolongedLock',
  'unknownObject',
];

/** Kinds of which anybody with the credentials can make any number. */
export const endlessKinds: readonly TamperKind[] = ['foreignVersion', 'deleteMarker', 'unknownObject'];

/** The gravest first, at most so many, and of each kind at least an eighth of them where there are so many. */
export function someOf<Finding extends Pick<TamperFinding, 'kind'>>(findings: readonly Finding[], most: number): readonly Finding[] {
  const share = Math.floor(most / gravestFirst.length);
  const byKind = Map.groupBy(findings, ({ kind }) => kind);
  const rank = (kind: string): number => gravestFirst.findIndex((known) => known === kind);
  const kinds = [...byKind.keys()].toSorted((one, other) => rank(one) - rank(other));
  let free = most - kinds.reduce((sum, kind) => sum + Math.min(share, byKind.get(kind)?.length ?? 0), 0);
  return kinds.flatMap((kind) => {
    const all = byKind.get(kind) ?? [];
    const taken = Math.min(all.length, share + free);
    free -= Math.max(0, taken - share);
    return all.slice(0, taken);
  });
}

/** Kinds that a later audit can only meet again by reading the lock back. */
export const weakLockKinds: readonly TamperKind[] = ['missingLock', 'shortenedLock'];

/** As it is told, but for the location. Its kind is a `TamperKind` of this version or of an older one. */
export type TamperFinding = Omit<ToldFinding, 'location'>;

/** Kinds by which restore points are damaged: what they read is gone, or is something else. */
export const damagingKinds: readonly string[] = ['missingVersion', 'differentSize'] satisfies readonly TamperKind[];

export function isDamaging(findings: readonly Pick<TamperFinding, 'kind'>[]): boolean {
  return findings.some(({ kind }) => damagingKinds.includes(kind));
}

/** One way out of what an audit has found. */
export function cureOf(findings: readonly Pick<TamperFinding, 'kind'>[]): string {
  return isDamaging(findings)
    ? 'Find out whose credentials did it and revoke them, then back up again: what is gone is stored anew where the source still has it.'
    : 'Find out whose credentials did it and revoke them; restores are not affected, they read the versions that were recorded.';
}
