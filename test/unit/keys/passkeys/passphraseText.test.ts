import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { generatedWords, generatePassphrase } from '../../../../daemon/keys/passkeys/generatedPassphrase.ts';
import { acceptNewPassphrase, normalizePassphrase } from '../../../../daemon/keys/passkeys/passphraseText.ts';
import { passphraseWords } from '../../../../daemon/keys/passkeys/passphraseWords.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { utf8 } from '../support/keyrings.ts';

function refuses(typed: Uint8Array, cause: RegExp): void {
  assert.throws(
    () => acceptNewPassphrase(typed),
    (error) => HoldfastError.is(error, 'badValue') && cause.test(error.message),
  );
}

describe('a passphrase', () => {
  it('is normalised to NFC, so that both ways to type é are one', () => {
    assert.deepEqual(normalizePassphrase(utf8('cafe\u0301')), utf8('caf\u00e9'));
    assert.deepEqual(acceptNewPassphrase(utf8('caf\u00e9')), acceptNewPassphrase(utf8('cafe\u0301')));
  });

  it('is not trimmed or folded by a reader', () => {
    for (const text of [' a ', 'A', 'ｆｕｌｌ', 'ﬁ', 'a\tb', '\u0378']) assert.deepEqual(normalizePassphrase(utf8(text)), utf8(text));
  });

  it('M1: of any bytes is normalised to 1..1024 bytes in memory of its own, or has no form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (typed) => {
        const normalized = normalizePassphrase(typed);
        const text = Buffer.from(typed).toString();
        if (typed.length === 0 || !Buffer.from(text).equals(typed)) assert.equal(normalized, undefined);
        else assert.equal(Buffer.from(normalized ?? []).toString(), text.normalize('NFC'));
        assert.notEqual(normalized?.buffer, typed.buffer);
      }),
    );
  });

  it('has 1 to 1024 bytes after it was normalised', () => {
    assert.equal(acceptNewPassphrase(utf8('a'.repeat(1024))).length, 1024);
    assert.equal(acceptNewPassphrase(utf8('e\u0301'.repeat(512))).length, 1024);
    for (const typed of [utf8(''), utf8('a'.repeat(1025)), utf8('é'.repeat(513)), utf8('a'.repeat(10_000))]) {
      refuses(typed, /1 to 1024 bytes/);
      assert.equal(normalizePassphrase(typed), undefined);
    }
  });

  it('K6: is not in the error that refuses it', async () => {
    const { inspect } = await import('node:util');
    assert.throws(
      () => acceptNewPassphrase(utf8('canary-4711 ')),
      (error) => !inspect(error, { depth: 9, showHidden: true }).includes('canary-4711'),
    );
  });

  it('may not be set with control or unassigned characters, half surrogates, or a space at an end', () => {
    for (const text of ['a\nb', 'a\u0000', '\u007f', 'a\u0085b', 'a\u0378', 'x\uffff'])
      refuses(utf8(text), /control characters or unassigned/);
    for (const text of [' a', 'a ', '\u00a0a', 'a\u3000', ' ']) refuses(utf8(text), /begins or ends with a space/);
    refuses(Uint8Array.of(0x61, 0xed, 0xa0, 0x80), /UTF-8/);
    refuses(Uint8Array.of(0xc3), /UTF-8/);
    for (const text of ['a b', 'пароль из слов', '密碼', '🗝️ and words', 'ß']) assert.deepEqual(acceptNewPassphrase(utf8(text)), utf8(text));
  });
});

describe('a generated passphrase', () => {
  it('has at least 77 bits: words drawn evenly from a list of distinct ones', () => {
    assert.equal(new Set(passphraseWords).size, passphraseWords.length);
    assert.ok(generatedWords * Math.log2(passphraseWords.length) >= 77);
    assert.ok(passphraseWords.every((word) => /^[a-z]{3,8}$/.test(word)));
    const bounds: number[] = [];
    generatePassphrase((bound) => {
      bounds.push(bound);
      return 0;
    });
    assert.deepEqual(
      bounds,
      Array.from({ length: generatedWords }, () => passphraseWords.length),
    );
  });

  it('joins the words that were drawn with a hyphen, in bytes', () => {
    let next = 0;
    const drawn = [0, 1, 2047, 5, 1000, 7, 8];
    const passphrase = generatePassphrase(() => drawn[next++] ?? 0);
    assert.equal(Buffer.from(passphrase).toString('ascii'), drawn.map((index) => passphraseWords[index]).join('-'));
    assert.deepEqual(acceptNewPassphrase(passphrase), passphrase);
  });

  it('C2: is another one each time', () => {
    const made = Array.from({ length: 200 }, () => Buffer.from(generatePassphrase()).toString());
    assert.equal(new Set(made).size, made.length);
  });
});
