import assert from 'node:assert/strict';
import { createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { CatalogSeal } from '../../../daemon/keys/catalogSeal.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { type InstallationId, idOf, uuidBytes } from '../../../protocol/ids.ts';

const installationId = idOf<InstallationId>('12345678-1234-4234-8234-123456789abc');
const rawKey = Buffer.alloc(32, 7);
const seal = new CatalogSeal(createSecretKey(rawKey), installationId);
const plaintext = Buffer.from('{"description":"before the move"}');
const isDamaged = (error: unknown): boolean => HoldfastError.is(error, 'catalogDamaged');

const lengthPrefixed = (text: string): Buffer => Buffer.concat([Buffer.from([text.length & 0xff, text.length >> 8]), Buffer.from(text)]);

describe('sealed cells', () => {
  it('C1: are what docs/format.md says, opened here step by step without the code of the program', () => {
    const sealed = Buffer.from(seal.seal('policies', 'definition', 'id-1', plaintext));
    assert.equal(sealed[0], 1);
    const salt = sealed.subarray(1, 33);
    // RFC 5869, written out: extract, then one block of expand.
    const pseudorandomKey = createHmac('sha256', uuidBytes(installationId)).update(rawKey).digest();
    const info = Buffer.concat([Buffer.from('holdfast/v1/cell'), Buffer.from([0]), salt]);
    const key = createHmac('sha256', pseudorandomKey)
      .update(info)
      .update(Buffer.from([1]))
      .digest();
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12), { authTagLength: 16 });
    decipher.setAAD(Buffer.concat(['policies', 'definition', 'id-1'].map(lengthPrefixed)));
    decipher.setAuthTag(sealed.subarray(-16));
    assert.deepEqual(Buffer.concat([decipher.update(sealed.subarray(33, -16)), decipher.final()]), plaintext);
  });

  it('give back what was sealed, nothing and much too', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.uint8Array({ maxLength: 5000 }), (table, column, primaryKey, bytes) => {
        assert.deepEqual(
          Buffer.from(seal.open(table, column, primaryKey, seal.seal(table, column, primaryKey, bytes))),
          Buffer.from(bytes),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('C2: never use a key twice: each write has a salt of its own, on cloned machines too', () => {
    const clone = new CatalogSeal(createSecretKey(rawKey), installationId);
    const salts = new Set<string>();
    for (let index = 0; index < 500; index += 1) {
      for (const each of [seal, clone]) salts.add(Buffer.from(each.seal('t', 'c', 'same row', plaintext)).toString('hex', 1, 33));
    }
    assert.equal(salts.size, 1000);
  });

  it('C5: are refused where any bit is flipped, cut or added', () => {
    const sealed = seal.seal('t', 'c', 'k', plaintext);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Uint8Array.from(sealed);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.throws(() => seal.open('t', 'c', 'k', flipped), isDamaged, `bit ${bit}`);
    }
    for (let length = 0; length < sealed.length; length += 1)
      assert.throws(() => seal.open('t', 'c', 'k', sealed.subarray(0, length)), isDamaged);
    assert.throws(() => seal.open('t', 'c', 'k', Buffer.concat([sealed, Buffer.of(0)])), isDamaged);
  });

  it('C7: open in no other table, column, row or installation, and under no other key', () => {
    const sealed = seal.seal('table', 'column', 'key', plaintext);
    for (const [table, column, primaryKey] of [
      ['tablecolumn', '', 'key'],
      ['tabl', 'ecolumn', 'key'],
      ['other', 'column', 'key'],
      ['table', 'other', 'key'],
      ['table', 'column', 'other'],
    ] as const) {
      assert.throws(() => seal.open(table, column, primaryKey, sealed), isDamaged);
    }
    const elsewhere = new CatalogSeal(createSecretKey(rawKey), idOf('00000000-1234-4234-8234-123456789abc'));
    assert.throws(() => elsewhere.open('table', 'column', 'key', sealed), isDamaged);
    assert.throws(
      () => new CatalogSeal(createSecretKey(randomBytes(32)), installationId).open('table', 'column', 'key', sealed),
      isDamaged,
    );
  });
});
