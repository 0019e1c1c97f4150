import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { gcmsiv } from '@noble/ciphers/aes.js';
import * as fc from 'fast-check';
import { openWithGcmSiv, sealWithGcmSiv } from '../../../daemon/keys/gcmSiv.ts';
import { utf8 } from './support/keyrings.ts';

const bytes = fc.uint8Array({ maxLength: 80 });

describe('GCM-SIV', () => {
  it('C1: seals with the zero nonce, and opens what it sealed', () => {
    fc.assert(
      fc.property(bytes, bytes, (plaintext, additionalData) => {
        const key = randomBytes(32);
        const sealed = sealWithGcmSiv(key, additionalData, plaintext);
        assert.deepEqual(sealed, Uint8Array.from(gcmsiv(key, new Uint8Array(12), additionalData).encrypt(plaintext)));
        assert.deepEqual(openWithGcmSiv(key, additionalData, sealed), plaintext);
      }),
      { numRuns: 30 },
    );
  });

  it('C5 C7: opens nothing that was flipped, or sealed with other data or under another key', () => {
    const key = randomBytes(32);
    const sealed = sealWithGcmSiv(key, utf8('context'), utf8('plaintext'));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = sealed.with(bit >> 3, (sealed[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
      assert.equal(openWithGcmSiv(key, utf8('context'), flipped), undefined);
    }
    assert.equal(openWithGcmSiv(key, utf8('contexT'), sealed), undefined);
    assert.equal(openWithGcmSiv(randomBytes(32), utf8('context'), sealed), undefined);
  });

  it('leaves the runtime’s own copying as it was, after a failure too', () => {
    const before: unknown = Reflect.get(Uint8Array, 'from');
    const key = randomBytes(32);
    openWithGcmSiv(key, utf8(''), sealWithGcmSiv(key, utf8(''), utf8('plaintext')));
    openWithGcmSiv(key, utf8(''), randomBytes(40));
    assert.throws(() => sealWithGcmSiv(randomBytes(31), utf8(''), utf8('plaintext')));
    assert.equal(Reflect.get(Uint8Array, 'from'), before);
    assert.equal(Object.hasOwn(Uint8Array, 'from'), false);
  });
});
