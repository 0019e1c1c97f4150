import assert from 'node:assert/strict';
import { generatedWords, generatePassphrase } from '../../../protocol/generatedPassphrase.ts';
import { passphraseWords } from '../../../protocol/passphraseWords.ts';

describe('generated passphrases', () => {
  it('have at least 77 bits: every word is its own, lower-case ASCII and equally likely', () => {
    const words = passphraseWords();
    assert.equal(new Set(words).size, words.length);
    for (const word of words) assert.match(word, /^[a-z]{3,8}$/);
    assert.ok(Math.log2(words.length) * generatedWords >= 77);
  });

  it('are made of what the source of random numbers picks', () => {
    const words = passphraseWords();
    let next = 0;
    const passphrase = generatePassphrase((below) => {
      assert.equal(below, words.length);
      next += 1;
      return next * 100;
    });
    assert.equal(passphrase, [100, 200, 300, 400, 500, 600, 700].map((index) => words[index]).join('-'));
  });

  it('are not made of a source that goes out of range', () => {
    assert.throws(() => generatePassphrase((below) => below), RangeError);
  });
});
