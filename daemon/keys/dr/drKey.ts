import { createSecretKey, type KeyObject, randomFillSync, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId } from '../../../protocol/ids.ts';
import { deriveBytes, deriveKey } from '../keyDerivation.ts';
import { secretBytes, secretCopy, wipe } from '../secretBytes.ts';

export const drKeyLength = 32;
const drkIdLength = 16;

const wrapPrefix = Buffer.from('dr/v1', 'ascii');
/** `"dr/v1" ‖ DRK` (docs/format.md, The disaster recovery key). */
const wrapPlaintextLength: number = wrapPrefix.length + drKeyLength;

/**
 * The disaster recovery key (DRK): opens the bundles of the catalog, and nothing else. Held as a `KeyObject` only, as the master key is; its owner disposes of
 * it when locking. Every method throws `HoldfastError('locked')` once disposed.
 */
export class DrKey implements Disposable {
  readonly installationId: InstallationId;
  /** 16 bytes, public: the scope of bundles and, while disaster recovery is on, of keyrings. */
  readonly drkId: Uint8Array<ArrayBuffer>;
  #key: KeyObject | undefined;

  private constructor(installationId: InstallationId, key: KeyObject) {
    this.installationId = installationId;
    this.drkId = deriveBytes(key, installationId, 'drk-id', undefined, drkIdLength);
    this.#key = key;
  }

  static generate(installationId: InstallationId): DrKey {
    return DrKey.fromBytes(installationId, randomFillSync(secretBytes(drKeyLength)));
  }

  /** Takes 32 bytes over and wipes them. Throws `RangeError` on another length. */
  static fromBytes(installationId: InstallationId, bytes: Uint8Array): DrKey {
    try {
      if (bytes.length !== drKeyLength) throw new RangeError(`a disaster recovery key has ${drKeyLength} bytes, not ${bytes.length}`);
      return new DrKey(installationId, createSecretKey(bytes));
    } finally {
      wipe(bytes);
    }
  }

  /** Takes an unwrapped slot's plaintext over and wipes it. `undefined` where its form is wrong. */
  static fromWrapPlaintext(installationId: InstallationId, plaintext: Uint8Array): DrKey | undefined {
    try {
      if (plaintext.length !== wrapPlaintextLength || !wrapPrefix.equals(plaintext.subarray(0, wrapPrefix.length))) return undefined;
      return DrKey.fromBytes(installationId, secretCopy(plaintext.subarray(wrapPrefix.length)));
    } finally {
      wipe(plaintext);
    }
  }

  /** What a DR slot wraps: 37 bytes, for the caller to wipe. */
  wrapPlaintext(): Uint8Array<ArrayBuffer> {
    const plaintext = secretBytes(wrapPlaintextLength);
    plaintext.set(wrapPrefix);
    this.copyInto(plaintext.subarray(wrapPrefix.length));
    return plaintext;
  }

  /** Writes the 32 bytes to where the caller seals and wipes them. */
  copyInto(room: Uint8Array): void {
    const bytes = this.#held().export();
    room.set(bytes);
    wipe(bytes);
  }

  /** Type key of bundles. */
  bundleKey(): KeyObject {
    return deriveKey(this.#held(), this.installationId, 'bundle');
  }

  /** Authenticates keyrings (drMac). */
  keyringDrMac(): KeyObject {
    return deriveKey(this.#held(), this.installationId, 'keyring-mac');
  }

  hasId(drkId: Uint8Array): boolean {
    return drkId.length === drkIdLength && timingSafeEqual(drkId, this.drkId);
  }

  get isHeld(): boolean {
    return this.#key !== undefined;
  }

  [Symbol.dispose](): void {
    this.#key = undefined;
  }

  #held(): KeyObject {
    if (this.#key === undefined) {
      throw new HoldfastError('locked', 'Failed to use the disaster recovery key: the installation is locked.', {
        fix: 'Run "holdfast unlock".',
      });
    }
    return this.#key;
  }
}
