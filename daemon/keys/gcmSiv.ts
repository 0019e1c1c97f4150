import { gcmsiv } from '@noble/ciphers/aes.js';
import { secretCopy, wipe } from './secretBytes.ts';

const tagLength = 16;
// Each key encryption key wraps one plaintext, since its salt is fresh (docs/format.md, Kind passphrase).
const zeroNonce = new Uint8Array(12);

/** AES-256-GCM-SIV (RFC 8452) with the zero nonce: ciphertext ‖ tag. `key` has 32 bytes; key and plaintext stay the caller's to wipe. */
export function sealWithGcmSiv(key: Uint8Array, additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  return withoutCopiesLeft(() => secretCopy(gcmsiv(key, zeroNonce, additionalData).encrypt(plaintext)));
}

/** The plaintext, for the caller to wipe; `undefined` where the tag does not hold. */
export function openWithGcmSiv(key: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (sealed.length < tagLength) return undefined;
  return withoutCopiesLeft(() => {
    const plaintext = tryToOpen(key, additionalData, sealed);
    if (plaintext === undefined) return undefined;
    const copy = secretCopy(plaintext);
    wipe(plaintext);
    return copy;
  });
}

function tryToOpen(key: Uint8Array, additionalData: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  try {
    return gcmsiv(key, zeroNonce, additionalData).decrypt(sealed);
  } catch {
    // The library has one way to say that the tag is wrong; lengths are checked before.
    return undefined;
  }
}

/**
 * The library copies what it authenticates with `Uint8Array.from` and leaves the copy, the plaintext, to be freed as it is. While it runs,
 * which is in one go, copies are made in room of ours and wiped at its end. The memory test of this room shows that it is needed.
 */
function withoutCopiesLeft<T>(run: () => T): T {
  const copies: Uint8Array[] = [];
  const keepTrack = (bytes: Uint8Array): Uint8Array => {
    const copy = secretCopy(bytes);
    copies.push(copy);
    return copy;
  };
  // `from` is inherited from %TypedArray%: to take the own one away is to have the inherited one back.
  Object.defineProperty(Uint8Array, 'from', { value: keepTrack, configurable: true });
  try {
    return run();
  } finally {
    Reflect.deleteProperty(Uint8Array, 'from');
    wipe(...copies);
  }
}
