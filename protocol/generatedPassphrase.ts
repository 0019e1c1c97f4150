import { passphraseWords } from './passphraseWords.ts';

/** 7 words of 11 bits each: 77 bits, the least that docs/format.md allows for a generated passphrase. */
export const generatedWords = 7;

/**
 * A passphrase of seven lower-case words joined by hyphens. It is made by the client, because secrets travel from the client to the daemon
 * and never back. `random` gives a whole number from 0 up to and without its argument, uniform and from a cryptographic source.
 */
export function generatePassphrase(random: (below: number) => number): string {
  const words = passphraseWords();
  return Array.from({ length: generatedWords }, () => {
    const word = words[random(words.length)];
    if (word === undefined) throw new RangeError('the source of random numbers gave one out of range');
    return word;
  }).join('-');
}
