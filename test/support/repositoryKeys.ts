import { createHash, createSecretKey, type KeyObject } from 'node:crypto';
import type { Entropy } from '../../daemon/repository/entropy.ts';
import type { ObjectIdentity, ObjectType } from '../../daemon/repository/header.ts';
import type { PolicyKeys } from '../../daemon/repository/policyKeys.ts';
import { uuidBytes, uuidText, type InstallationId, type PolicyId, type StoreId } from '../../protocol/ids.ts';
import { branded } from './ids.ts';

function sha(...parts: readonly string[]): Buffer {
  return createHash('sha256').update(parts.join('/')).digest();
}

/** Keys made from a name: the same name gives the same keys, another name others. No derivation of the format is in here. */
export function keysNamed(name: string, options: { readonly keyGeneration?: number; readonly keyEpoch?: number } = {}): PolicyKeys {
  const keyGeneration = options.keyGeneration ?? 1;
  const keyEpoch = options.keyEpoch ?? 1;
  const key = (label: string): KeyObject => createSecretKey(sha(name, label, String(keyGeneration), String(keyEpoch)));
  return {
    installationId: branded<InstallationId>(uuidText(sha(name, 'installation').subarray(0, 16))),
    masterKeyId: sha(name, 'master key id', String(keyEpoch)).subarray(0, 16),
    keyEpoch,
    policyId: branded<PolicyId>(uuidText(sha(name, 'policy').subarray(0, 16))),
    keyGeneration,
    pack: key('pack'),
    index: key('index'),
    manifest: key('manifest'),
    idData: key('id-data'),
    idTree: key('id-tree'),
    idList: key('id-list'),
    gear: new Uint32Array(256),
    owner: key('owner'),
  };
}

/** Repeatable randomness: a hash chain from `seed`. */
export function entropyFrom(seed: string): Entropy {
  let count = 0;
  return {
    randomBytes: (length) => {
      const parts: Buffer[] = [];
      for (let made = 0; made < length; made += 32) parts.push(sha(seed, String((count += 1))));
      return Buffer.concat(parts).subarray(0, length);
    },
    now: () => 1_700_000_000_000_000_000n + BigInt(count),
  };
}

export const testStoreId: StoreId = branded<StoreId>(uuidText(sha('store').subarray(0, 16)));

export function identityOf(
  keys: PolicyKeys,
  type: Exclude<ObjectType, 'bundle' | 'ownership'>,
  objectId: Uint8Array,
  sequence = 1,
  storeId: StoreId = testStoreId,
): ObjectIdentity {
  return {
    type,
    keyGeneration: keys.keyGeneration,
    installationId: keys.installationId,
    masterKeyId: keys.masterKeyId,
    scopeId: uuidBytes(keys.policyId),
    objectId,
    sequence: type === 'pack' ? 0 : sequence,
    storeId,
  };
}
