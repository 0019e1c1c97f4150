import { createSecretKey, type KeyObject, randomUUID, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type InstallationId, type SlotId } from '../../../protocol/ids.ts';
import { openWithGcmSiv, sealWithGcmSiv } from '../gcmSiv.ts';
import { acceptNewPassphrase, normalizePassphrase } from '../passkeys/passphraseText.ts';
import type { ScryptRunner } from '../scryptRunner.ts';
import { WipedBytes } from '../secretBytes.ts';
import { contextOfSlot } from '../slot.ts';
import { DrKey } from './drKey.ts';
import { drSalt, drScryptParameters } from './drScrypt.ts';
import { type DrSlot, encodeDrSlot } from './drSlot.ts';

const kekEnd = 32;
const commitEnd = 64;
/** kek ‖ commit ‖ nameKey. */
const derivedLength = 96;

export interface DrPassphraseRequest {
  readonly installationId: InstallationId;
  /** As it was typed or generated; stays the caller's to wipe. */
  readonly passphrase: Uint8Array;
  readonly scrypt: ScryptRunner;
  readonly signal?: AbortSignal;
}

/**
 * What one scrypt makes of a DR passphrase (docs/format.md, The disaster recovery key): it opens the slot of any bundle and authenticates the names of all, at
 * no further cost. Its owner disposes of it.
 */
export class DrPassphrase implements Disposable {
  readonly installationId: InstallationId;
  readonly #derived: WipedBytes;

  private constructor(installationId: InstallationId, derived: WipedBytes) {
    this.installationId = installationId;
    this.#derived = derived;
  }

  /** Of a passphrase that is there already. Throws `wrongSecret` where no slot could have been made with it; what `ScryptRunner.derive` throws. */
  static async derive(request: DrPassphraseRequest): Promise<DrPassphrase> {
    const normalized = normalizePassphrase(request.passphrase);
    if (normalized === undefined) throw wrongDrPassphrase();
    return await DrPassphrase.#of(request, normalized);
  }

  /** Of one that is to be set. Throws `badValue` where it may not be set; what `ScryptRunner.derive` throws. */
  static async deriveNew(request: DrPassphraseRequest): Promise<DrPassphrase> {
    return await DrPassphrase.#of(request, acceptNewPassphrase(request.passphrase));
  }

  static async #of({ installationId, scrypt, signal }: DrPassphraseRequest, normalized: Uint8Array<ArrayBuffer>): Promise<DrPassphrase> {
    using passphrase = new WipedBytes(normalized);
    const derived = await scrypt.derive(passphrase.bytes, drSalt(installationId), drScryptParameters, derivedLength, signal);
    return new DrPassphrase(installationId, new WipedBytes(derived));
  }

  /** HMAC key of the names of bundles. */
  nameKey(): KeyObject {
    return createSecretKey(this.#derived.bytes.subarray(commitEnd));
  }

  /** A new slot for the key, as the bytes that every bundle carries. */
  wrap(drKey: DrKey, createdAt: Date): Uint8Array<ArrayBuffer> {
    if (drKey.installationId !== this.installationId) throw new RangeError('a key of another installation');
    const unsealed = {
      slotId: idOf<SlotId>(randomUUID()),
      kind: 'drPassphrase',
      drkId: Buffer.from(drKey.drkId).toString('base64'),
      reference: {
        ...drScryptParameters,
        salt: drSalt(this.installationId).toString('base64'),
        commit: Buffer.from(this.#derived.bytes.subarray(kekEnd, commitEnd)).toString('base64'),
      },
      createdAt: createdAt.toISOString(),
    } as const;
    using plaintext = new WipedBytes(drKey.wrapPlaintext());
    const wrapped = sealWithGcmSiv(this.#derived.bytes.subarray(0, kekEnd), this.#contextOf(unsealed), plaintext.bytes);
    return encodeDrSlot({ ...unsealed, wrapped: Buffer.from(wrapped).toString('base64') }, this.installationId);
  }

  /**
   * The key of a slot, for the caller to dispose of; `undefined` where commitment, tag, form or key id is another. Costs no derivation, so that the slots of any
   * number of bundles can be tried.
   */
  tryToOpen(slot: DrSlot): DrKey | undefined {
    const { bytes } = this.#derived;
    const commit = Buffer.from(slot.reference.commit, 'base64');
    // One ciphertext opens under one key.
    if (commit.length !== commitEnd - kekEnd || !timingSafeEqual(commit, bytes.subarray(kekEnd, commitEnd))) return undefined;
    const plaintext = openWithGcmSiv(bytes.subarray(0, kekEnd), this.#contextOf(slot), Buffer.from(slot.wrapped, 'base64'));
    const drKey = plaintext === undefined ? undefined : DrKey.fromWrapPlaintext(this.installationId, plaintext);
    if (drKey === undefined || drKey.hasId(Buffer.from(slot.drkId, 'base64'))) return drKey;
    drKey[Symbol.dispose]();
    return undefined;
  }

  /** As `tryToOpen`. Throws the one `wrongSecret` there is. */
  open(slot: DrSlot): DrKey {
    const drKey = this.tryToOpen(slot);
    if (drKey === undefined) throw wrongDrPassphrase();
    return drKey;
  }

  [Symbol.dispose](): void {
    this.#derived[Symbol.dispose]();
  }

  #contextOf({ slotId, kind, drkId, reference }: Omit<DrSlot, 'wrapped'>): Uint8Array<ArrayBuffer> {
    return contextOfSlot({ installationId: this.installationId, keyId: drkId, slotId, kind, scrypt: reference });
  }
}

/** The one answer to a DR passphrase that does not open, whatever was wrong. */
export function wrongDrPassphrase(): HoldfastError {
  return new HoldfastError('wrongSecret', 'Failed to open the disaster recovery key: the DR passphrase is wrong.', {
    fix: 'Type the DR passphrase again. It is not the passphrase of a passkey.',
  });
}
