import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { generatePassphrase } from '../../../protocol/generatedPassphrase.ts';
import { passphraseProblem, weakPassphraseWarning } from '../../../protocol/passphraseRule.ts';

const problemOf = (text: string): string | undefined => passphraseProblem(Buffer.from(text, 'utf8'));

describe('what a new passphrase must have', () => {
  it('is twelve characters, however many bytes each takes', () => {
    assert.equal(problemOf(''), 'short');
    assert.equal(problemOf('short'), 'short');
    assert.equal(problemOf('elevenchars'), 'short');
    assert.equal(problemOf('twelve chars'), undefined);
    assert.equal(problemOf('äöüßéèêñçø€'), 'short');
    assert.equal(problemOf('äöüßéèêñçø€x'), undefined);
  });

  it('is five that differ', () => {
    for (const weak of ['aaaaaaaaaaaa', '121212121212', '123412341234']) assert.equal(problemOf(weak), 'monotonous', weak);
    assert.equal(problemOf('123451234512'), undefined);
  });

  it('is what every generated one has', () => {
    for (let made = 0; made < 100; made += 1) assert.equal(problemOf(generatePassphrase((below) => randomInt(below))), undefined);
  });

  it('is said with the reason and a way out, and without the passphrase', () => {
    assert.match(
      weakPassphraseWarning(Buffer.from('short')) ?? '',
      /^This passphrase is weak: it has fewer than 12 characters, [^.]*\. Take several/,
    );
    assert.match(weakPassphraseWarning(Buffer.from('zzzzzzzzzzzz')) ?? '', /^[^z]*: it has fewer than 5 different characters, [^z]*$/);
    assert.equal(weakPassphraseWarning(Buffer.from('twelve chars')), undefined);
  });
});
