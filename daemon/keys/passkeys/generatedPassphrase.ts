import { randomInt } from 'node:crypto';
import { secretBytes } from '../secretBytes.ts';
import { passphraseWords } from './passphraseWords.ts';

/** Seven words of eleven bits each: 77 bits (docs/format.md, passphrase). */
export const generatedWords = 7;

const separator = 0x2d;

/**
 * A passphrase of lower-case words joined by `-`, in ASCII, for the caller to show once and wipe. It is written as bytes from the start,
 * because a string cannot be wiped. `pick(bound)` is an even choice of 0..bound - 1; left out, the runtime's own randomness.
 */
export function generatePassphrase(pick: (bound: number) => number = randomInt): Uint8Array<ArrayBuffer> {
  const words = Array.from({ length: generatedWords }, () => passphraseWords[pick(passphraseWords.length)] ?? '');
  const passphrase = secretBytes(words.reduce((length, word) => length + word.length, generatedWords - 1));
  passphrase.fill(separator);
  let at = 0;
  for (const word of words) {
    for (let index = 0; index < word.length; index += 1) passphrase[at + index] = word.charCodeAt(index);
    at += word.length + 1;
  }
  return passphrase;
}
