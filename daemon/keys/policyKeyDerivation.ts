import type { KeyObject } from 'node:crypto';
import type { InstallationId, PolicyId } from '../../protocol/ids.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';
import { deriveBytes, deriveKey } from './keyDerivation.ts';
import { wipe } from './secretBytes.ts';

const gearBytes = 1024;

export interface PolicyKeyRoot {
  readonly installationId: InstallationId;
  /** 16 bytes. */
  readonly masterKeyId: Uint8Array;
  readonly keyEpoch: number;
  readonly policyId: PolicyId;
  readonly keyGeneration: number;
  /** The policy key of that generation, which is what a migration key carries. */
  readonly policyKey: KeyObject;
  /** Absent where only a migration key is held. */
  readonly owner: KeyObject | undefined;
}

/** All keys below one policy key (docs/format.md, Keys). */
export function derivePolicyKeys(root: PolicyKeyRoot): PolicyKeys {
  const { policyKey, installationId, ...identity } = root;
  return {
    ...identity,
    installationId,
    pack: deriveKey(policyKey, installationId, 'pack'),
    index: deriveKey(policyKey, installationId, 'index'),
    manifest: deriveKey(policyKey, installationId, 'manifest'),
    idData: deriveKey(policyKey, installationId, 'id-data'),
    idTree: deriveKey(policyKey, installationId, 'id-tree'),
    idList: deriveKey(policyKey, installationId, 'id-list'),
    gear: deriveGear(policyKey, installationId),
  };
}

/** 256 words, little-endian in the derived bytes whatever the machine's order is. */
function deriveGear(policyKey: KeyObject, installationId: InstallationId): Uint32Array {
  const bytes = deriveBytes(deriveKey(policyKey, installationId, 'chunker'), installationId, 'gear', undefined, gearBytes);
  try {
    const view = new DataView(bytes.buffer);
    return Uint32Array.from({ length: gearBytes / 4 }, (_, index) => view.getUint32(index * 4, true));
  } finally {
    wipe(bytes);
  }
}
