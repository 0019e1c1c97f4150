import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import * as fc from 'fast-check';
import { acceptNewPassphrase, normalizePassphrase } from '../../../../daemon/keys/passkeys/passphraseText.ts';
import { generatePassphrase } from '../../../../protocol/generatedPassphrase.ts';
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
  it('may be set as it is', () => {
    const passphrase = utf8(generatePassphrase(() => 0));
    assert.deepEqual(acceptNewPassphrase(passphrase), passphrase);
  });

  it('C2: is another one each time', () => {
    const made = Array.from({ length: 200 }, () => generatePassphrase(randomInt));
    assert.equal(new Set(made).size, made.length);
  });
});
