import { createSecretKey, type KeyObject, randomFillSync, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../../protocol/errors.ts';
import { type InstallationId, type PolicyId, uuidBytes } from '../../protocol/ids.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';
import { deriveBytes, deriveKey } from './keyDerivation.ts';
import { derivePolicyKeys } from './policyKeyDerivation.ts';
import { secretBytes, secretCopy, wipe } from './secretBytes.ts';

const masterKeyLength = 32;
const masterKeyIdLength = 16;

const wrapPrefix = Buffer.from('mk/v1', 'ascii');
/** `"mk/v1" ‖ u32 keyEpoch ‖ MK` (docs/format.md, Slot). */
const wrapPlaintextLength: number = wrapPrefix.length + 4 + masterKeyLength;

const noPolicy = new Uint8Array(16);

/**
 * The 32 random bytes that all else is derived from, held as a `KeyObject` only: never a string, never on the JavaScript heap.
 * Its owner disposes of it when locking; the bytes leave the process with the next collection, which `forgetKeys` forces.
 * Every method throws `HoldfastError('locked')` once disposed.
 */
export class MasterKey implements Disposable {
  readonly installationId: InstallationId;
  /** From 1. */
  readonly keyEpoch: number;
  /** 16 bytes, public: pinned in the catalog and in every header. */
  readonly masterKeyId: Uint8Array<ArrayBuffer>;
  #key: KeyObject | undefined;

  private constructor(installationId: InstallationId, keyEpoch: number, key: KeyObject) {
    this.installationId = installationId;
    this.keyEpoch = keyEpoch;
    this.masterKeyId = deriveBytes(key, installationId, 'master-key-id', undefined, masterKeyIdLength);
    this.#key = key;
  }

  /** The first master key of an installation: epoch 1. */
  static generate(installationId: InstallationId): MasterKey {
    return MasterKey.fromBytes(installationId, 1, randomFillSync(secretBytes(masterKeyLength)));
  }

  /** Takes 32 bytes over and wipes them. Throws `RangeError` on another length or an epoch outside 1..2^32 - 1. */
  static fromBytes(installationId: InstallationId, keyEpoch: number, bytes: Uint8Array): MasterKey {
    try {
      if (bytes.length !== masterKeyLength) throw new RangeError(`a master key has ${masterKeyLength} bytes, not ${bytes.length}`);
      if (!Number.isInteger(keyEpoch) || keyEpoch < 1 || keyEpoch > 0xffff_ffff) throw new RangeError(`key epoch ${keyEpoch}`);
      return new MasterKey(installationId, keyEpoch, createSecretKey(bytes));
    } finally {
      wipe(bytes);
    }
  }

  /** Takes an unwrapped slot's plaintext over and wipes it. `undefined` where its form is wrong. */
  static fromWrapPlaintext(installationId: InstallationId, plaintext: Uint8Array): MasterKey | undefined {
    try {
      if (plaintext.length !== wrapPlaintextLength || !wrapPrefix.equals(plaintext.subarray(0, wrapPrefix.length))) return undefined;
      const keyEpoch = new DataView(plaintext.buffer, plaintext.byteOffset).getUint32(wrapPrefix.length, true);
      if (keyEpoch === 0) return undefined;
      return MasterKey.fromBytes(installationId, keyEpoch, secretCopy(plaintext.subarray(wrapPrefix.length + 4)));
    } finally {
      wipe(plaintext);
    }
  }

  /** What a slot wraps: 41 bytes, for the caller to wipe. */
  wrapPlaintext(): Uint8Array<ArrayBuffer> {
    const plaintext = secretBytes(wrapPlaintextLength);
    plaintext.set(wrapPrefix);
    new DataView(plaintext.buffer).setUint32(wrapPrefix.length, this.keyEpoch, true);
    const bytes = this.#held().export();
    plaintext.set(bytes, wrapPrefix.length + 4);
    wipe(bytes);
    return plaintext;
  }

  /** Seals catalog cells. */
  catalogKey(): KeyObject {
    return deriveKey(this.#held(), this.installationId, 'catalog');
  }

  /** Type key of ownership terms. */
  ownershipKey(): KeyObject {
    return deriveKey(this.#held(), this.installationId, 'ownership');
  }

  /** Authenticates keyrings (mkMac). */
  keyringMac(): KeyObject {
    return deriveKey(this.#held(), this.installationId, 'keyring-mac');
  }

  /** Tags the manifests of a policy, or, without one, what belongs to the installation. */
  ownerKey(policyId?: PolicyId): KeyObject {
    return deriveKey(this.#held(), this.installationId, 'owner', policyId === undefined ? noPolicy : uuidBytes(policyId));
  }

  /** Signs lock proofs. */
  lockProofKey(): KeyObject {
    return deriveKey(this.#held(), this.installationId, 'lock-proof');
  }

  /** The key of one policy and generation (from 1): what a migration key hands out. */
  policyKey(policyId: PolicyId, keyGeneration: number): KeyObject {
    if (!Number.isInteger(keyGeneration) || keyGeneration < 1 || keyGeneration > 0xffff_ffff) {
      throw new RangeError(`key generation ${keyGeneration}`);
    }
    const context = new Uint8Array(20);
    context.set(uuidBytes(policyId));
    new DataView(context.buffer).setUint32(16, keyGeneration, true);
    return deriveKey(this.#held(), this.installationId, 'policy', context);
  }

  policyKeys(policyId: PolicyId, keyGeneration: number): PolicyKeys {
    return derivePolicyKeys({
      installationId: this.installationId,
      masterKeyId: this.masterKeyId,
      keyEpoch: this.keyEpoch,
      policyId,
      keyGeneration,
      policyKey: this.policyKey(policyId, keyGeneration),
      owner: this.ownerKey(policyId),
    });
  }

  hasId(masterKeyId: Uint8Array): boolean {
    return masterKeyId.length === masterKeyIdLength && timingSafeEqual(masterKeyId, this.masterKeyId);
  }

  get isHeld(): boolean {
    return this.#key !== undefined;
  }

  [Symbol.dispose](): void {
    this.#key = undefined;
  }

  #held(): KeyObject {
    if (this.#key === undefined) {
      throw new HoldfastError('locked', 'Failed to use the master key: the installation is locked.', { fix: 'Run "holdfast unlock".' });
    }
    return this.#key;
  }
}
