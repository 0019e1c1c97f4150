import type { KeyObject } from 'node:crypto';
import type { InstallationId, PolicyId } from '../../protocol/ids.ts';

/**
 * All that the repository and the engine know of keys: the derived keys of one policy and generation (docs/format.md, Keys).
 * The keys room makes them on demand; they are never stored, and the master key is not among them.
 */
export interface PolicyKeys {
  readonly installationId: InstallationId;
  /** 16 bytes, public. */
  readonly masterKeyId: Uint8Array;
  readonly keyEpoch: number;
  readonly policyId: PolicyId;
  readonly keyGeneration: number;
  readonly pack: KeyObject;
  readonly index: KeyObject;
  readonly manifest: KeyObject;
  readonly idData: KeyObject;
  readonly idTree: KeyObject;
  readonly idList: KeyObject;
  /** The gear table of the chunker: 256 words. */
  readonly gear: Uint32Array;
  /** Tags manifests as the owner's; `undefined` where only a migration key is held. */
  readonly owner: KeyObject | undefined;
}
