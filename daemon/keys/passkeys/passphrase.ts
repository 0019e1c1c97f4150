import { randomFillSync, randomUUID, timingSafeEqual } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type InstallationId, idOf, type SlotId } from '../../../protocol/ids.ts';
import { openWithGcmSiv, sealWithGcmSiv } from '../gcmSiv.ts';
import { MasterKey } from '../masterKey.ts';
import { areAcceptable, defaultScryptParameters, type ScryptParameters } from '../scryptParameters.ts';
import type { ScryptRunner } from '../scryptRunner.ts';
import { WipedBytes } from '../secretBytes.ts';
import { type PassphraseSlot, slotContext } from '../slot.ts';
import { acceptNewPassphrase, normalizePassphrase } from './passphraseText.ts';

const saltLength = 32;
const kekLength = 32;
const commitLength = 32;
/** kek ‖ commit. */
const passphraseKeyLength: number = kekLength + commitLength;

export interface WrapRequest {
  readonly masterKey: MasterKey;
  /** As it was typed or generated; stays the caller's to wipe. */
  readonly passphrase: Uint8Array;
  readonly scrypt: ScryptRunner;
  readonly createdAt: Date;
  /** `defaultScryptParameters` when left out. */
  readonly parameters?: ScryptParameters;
  readonly signal?: AbortSignal;
}

/**
 * A new slot that the passphrase opens, with a fresh id and salt. Throws `HoldfastError('badValue')` for a passphrase that may not be set,
 * the signal's reason, and what `ScryptRunner.derive` throws.
 */
export async function wrapWithPassphrase(request: WrapRequest): Promise<PassphraseSlot> {
  const { masterKey, scrypt, createdAt, signal } = request;
  const { N, r, p } = request.parameters ?? defaultScryptParameters;
  if (!areAcceptable({ N, r, p })) throw new RangeError('scrypt parameters outside what docs/format.md accepts');
  using passphrase = new WipedBytes(acceptNewPassphrase(request.passphrase));
  const salt = randomFillSync(Buffer.alloc(saltLength));
  using derived = new WipedBytes(await scrypt.derive(passphrase.bytes, salt, { N, r, p }, passphraseKeyLength, signal));
  const unsealed = {
    slotId: idOf<SlotId>(randomUUID()),
    kind: 'passphrase',
    keyEpoch: masterKey.keyEpoch,
    masterKeyId: Buffer.from(masterKey.masterKeyId).toString('base64'),
    reference: { N, r, p, salt: salt.toString('base64'), commit: Buffer.from(derived.bytes.subarray(kekLength)).toString('base64') },
    createdAt: createdAt.toISOString(),
  } as const;
  using plaintext = new WipedBytes(masterKey.wrapPlaintext());
  const kek = derived.bytes.subarray(0, kekLength);
  const wrapped = sealWithGcmSiv(kek, slotContext(masterKey.installationId, unsealed), plaintext.bytes);
  return { ...unsealed, wrapped: Buffer.from(wrapped).toString('base64') };
}

export interface UnwrapRequest {
  readonly installationId: InstallationId;
  readonly slot: PassphraseSlot;
  /** As it was typed; stays the caller's to wipe. */
  readonly passphrase: Uint8Array;
  readonly scrypt: ScryptRunner;
  readonly signal?: AbortSignal;
}

/**
 * The master key of a slot. A wrong form, commitment, tag or master key id all throw the same `HoldfastError('wrongSecret')`;
 * parameters outside docs/format.md throw `HoldfastError('damaged')` before anything is computed.
 */
export async function unwrapWithPassphrase(request: UnwrapRequest): Promise<MasterKey> {
  const { installationId, slot, scrypt, signal } = request;
  using derived = await derivePassphraseKey(slot, request.passphrase, scrypt, signal);
  const masterKey = derived === undefined ? undefined : openPassphraseSlot(installationId, slot, derived.bytes);
  if (masterKey === undefined) throw wrongPassphrase();
  return masterKey;
}

/** The one answer to a passphrase that does not open. */
export function wrongPassphrase(): HoldfastError {
  return new HoldfastError('wrongSecret', 'Failed to open the passkey: the passphrase is wrong.', {
    fix: 'Type the passphrase again, or use another passkey.',
  });
}

/** kek ‖ commit of a slot's parameters; `undefined` where the passphrase has no form that any slot could have been made with. */
export async function derivePassphraseKey(
  slot: PassphraseSlot,
  typed: Uint8Array,
  scrypt: ScryptRunner,
  signal?: AbortSignal,
): Promise<WipedBytes | undefined> {
  const { N, r, p, salt } = slot.reference;
  const saltBytes = Buffer.from(salt, 'base64');
  if (!areAcceptable({ N, r, p }) || saltBytes.length !== saltLength) {
    throw new HoldfastError('damaged', `Failed to open passkey slot ${slot.slotId}: its parameters are outside what the format accepts.`, {
      fix: 'Use another passkey.',
    });
  }
  const normalized = normalizePassphrase(typed);
  if (normalized === undefined) return undefined;
  using passphrase = new WipedBytes(normalized);
  return new WipedBytes(await scrypt.derive(passphrase.bytes, saltBytes, { N, r, p }, passphraseKeyLength, signal));
}

/** Opens a slot with the derived kek ‖ commit, which stays the caller's. The commitment comes first: one ciphertext opens under one key. */
export function openPassphraseSlot(installationId: InstallationId, slot: PassphraseSlot, derived: Uint8Array): MasterKey | undefined {
  const commit = Buffer.from(slot.reference.commit, 'base64');
  if (commit.length !== commitLength || derived.length !== passphraseKeyLength) return undefined;
  if (!timingSafeEqual(commit, derived.subarray(kekLength))) return undefined;
  const sealed = Buffer.from(slot.wrapped, 'base64');
  const plaintext = openWithGcmSiv(derived.subarray(0, kekLength), slotContext(installationId, slot), sealed);
  const masterKey = plaintext === undefined ? undefined : MasterKey.fromWrapPlaintext(installationId, plaintext);
  if (masterKey === undefined) return undefined;
  if (masterKey.keyEpoch === slot.keyEpoch && masterKey.hasId(Buffer.from(slot.masterKeyId, 'base64'))) return masterKey;
  masterKey[Symbol.dispose]();
  return undefined;
}
