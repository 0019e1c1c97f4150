import { gcmsiv } from '@noble/ciphers/aes.js';
import { overwriteYoungHeap } from './forgetKeys.ts';
import { secretCopy, wipe } from './secretBytes.ts';

const tagLength = 16;
// Each key encryption key wraps one plaintext, since its salt is fresh (docs/format.md, passphrase).
const zeroNonce = new Uint8Array(12);

/**
 * AES-256-GCM-SIV (RFC 8452) with the zero nonce: ciphertext ‖ tag. `key` has 32 bytes; key and plaintext stay the caller's to wipe.
 * What the library copies of them is overwritten.
 */
export function sealWithGcmSiv(key: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(gcmsiv(key, zeroNonce, additionalData).encrypt(plaintext));
  } finally {
    overwriteYoungHeap();
  }
}

/** The plaintext, for the caller to wipe; `undefined` where the tag does not hold. */
export function openWithGcmSiv(key: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (sealed.length < tagLength) return undefined;
  try {
    const plaintext = tryToOpen(key, additionalData, sealed);
    if (plaintext === undefined) return undefined;
    const copy = secretCopy(plaintext);
    wipe(plaintext);
    return copy;
  } finally {
    overwriteYoungHeap();
  }
}

function tryToOpen(key: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return gcmsiv(key, zeroNonce, additionalData).decrypt(sealed);
  } catch {
    // The library has one way to say that the tag is wrong; lengths are checked before.
    return undefined;
  }
}
