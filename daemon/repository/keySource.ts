import { sameBytes } from './bytes.ts';
import type { PolicyKeys } from './policyKeys.ts';

/** The keys of one policy that a reader holds: more than one set after a rotation or a revoked export. */
export interface PolicyKeySource {
  /** The set that a header names; `undefined` where it is not held. */
  byMasterKeyId(masterKeyId: Uint8Array, keyGeneration: number): PolicyKeys | undefined;
  /** Every set that a pack's row may mean: where an epoch has several master keys, the tags decide (docs/format.md, 2.2). */
  allOfEpoch(keyEpoch: number, keyGeneration: number): readonly PolicyKeys[];
}

/** A source of exactly these sets. */
export function keySourceOf(...sets: readonly PolicyKeys[]): PolicyKeySource {
  return {
    byMasterKeyId: (masterKeyId, keyGeneration) =>
      sets.find((keys) => keys.keyGeneration === keyGeneration && sameBytes(keys.masterKeyId, masterKeyId)),
    allOfEpoch: (keyEpoch, keyGeneration) => sets.filter((keys) => keys.keyGeneration === keyGeneration && keys.keyEpoch === keyEpoch),
  };
}
