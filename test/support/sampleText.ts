import type { SeededRandom } from './random.ts';

const syllables = ['ba', 'con', 'de', 'fer', 'ga', 'hi', 'jo', 'ka', 'lo', 'min', 'no', 'per', 'qua', 're', 'sta', 'ti'];
const vocabulary = syllables.flatMap((a) => syllables.flatMap((b) => [`${a}${b}`, `${b}${a}${b}`, `${a}(${b});`]));

/** A whole number of `from` to `to`, both included. */
export function between(random: SeededRandom, from: number, to: number): number {
  return from + random.below(to - from + 1);
}

/** ASCII words with spaces and line breaks, frequent ones first: compresses about as source text does. */
export function sampleText(random: SeededRandom, length: number): Uint8Array<ArrayBuffer> {
  const text = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const word = vocabulary[Math.floor(random.next() ** 2 * vocabulary.length)] ?? 'x';
    at += text.write(`${word}${random.below(9) === 0 ? '\n' : ' '}`, at, 'latin1');
  }
  return new Uint8Array(text);
}
