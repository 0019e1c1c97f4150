import assert from 'node:assert/strict';
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { gcm, gcmsiv } from '@noble/ciphers/aes.js';
import * as fc from 'fast-check';
import { sealWithGcmSiv, openWithGcmSiv } from '../../../daemon/keys/gcmSiv.ts';
import { deriveBytes } from '../../../daemon/keys/keyDerivation.ts';
import { deriveWithScrypt } from '../../../daemon/keys/scryptWorker.ts';
import { uuidBytes } from '../../../protocol/ids.ts';
import { installationId, utf8 } from './support/keyrings.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const hexOf = (bytes: Uint8Array | ArrayBuffer): string => Buffer.from(new Uint8Array(bytes)).toString('hex');

const long = (from: number): Buffer => Buffer.from(Array.from({ length: 80 }, (_, index) => from + index));

/** RFC 5869, section 2, from HMAC alone. */
function hkdfByHand(key: Buffer, salt: Uint8Array, info: Uint8Array, length: number): Buffer {
  const extracted = createHmac('sha256', salt).update(key).digest();
  const blocks: Buffer[] = [];
  for (let counter = 1; blocks.length * 32 < length; counter += 1) {
    const previous = blocks.at(-1) ?? Buffer.alloc(0);
    blocks.push(createHmac('sha256', extracted).update(previous).update(info).update(Uint8Array.of(counter)).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

describe('the primitives', () => {
  it('C1: HKDF gives the vectors of RFC 5869, appendix A', () => {
    const derive = (key: Buffer, salt: Buffer, info: Buffer, length: number): string =>
      hexOf(hkdfSync('sha256', createSecretKey(key), salt, info, length));
    assert.equal(
      derive(Buffer.alloc(22, 0x0b), hex('000102030405060708090a0b0c'), hex('f0f1f2f3f4f5f6f7f8f9'), 42),
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
    assert.equal(
      derive(long(0x00), long(0x60), long(0xb0), 82),
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    );
    assert.equal(
      derive(Buffer.alloc(22, 0x0b), Buffer.alloc(0), Buffer.alloc(0), 42),
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });

  it('C1: the project’s derivation is HKDF by the page: salt, label, zero byte, context', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 32 }),
        fc.integer({ min: 1, max: 1024 }),
        (key, context, length) => {
          const info = Buffer.concat([Buffer.from('holdfast/v1/policy'), Buffer.of(0), context]);
          assert.equal(
            hexOf(deriveBytes(createSecretKey(key), installationId, 'policy', context, length)),
            hexOf(hkdfByHand(Buffer.from(key), uuidBytes(installationId), info, length)),
          );
        },
      ),
    );
  });

  it('C1: HMAC-SHA-256 gives the vectors of RFC 4231', () => {
    const cases: readonly (readonly [Buffer, Buffer, string])[] = [
      [Buffer.alloc(20, 0x0b), Buffer.from('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
      [
        Buffer.from('Jefe'),
        Buffer.from('what do ya want for nothing?'),
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      ],
      [Buffer.alloc(20, 0xaa), Buffer.alloc(50, 0xdd), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
      [
        Buffer.alloc(131, 0xaa),
        Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First'),
        '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
      ],
    ];
    for (const [key, data, tag] of cases) assert.equal(hexOf(createHmac('sha256', createSecretKey(key)).update(data).digest()), tag);
  });

  it('C1: scrypt gives the vectors of RFC 7914, section 12', () => {
    assert.equal(
      hexOf(deriveWithScrypt(utf8(''), utf8(''), { N: 16, r: 1, p: 1 }, 64)),
      '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906',
    );
    assert.equal(
      hexOf(deriveWithScrypt(utf8('password'), utf8('NaCl'), { N: 1024, r: 8, p: 16 }, 64)),
      'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
    );
    assert.equal(
      hexOf(deriveWithScrypt(utf8('pleaseletmein'), utf8('SodiumChloride'), { N: 16_384, r: 8, p: 1 }, 64)),
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    );
  });

  it('C1: GCM gives the published vectors, empty plaintext and additional data included', () => {
    const seal = (key: Buffer, nonce: Buffer, aad: Buffer, plaintext: Buffer): string => {
      const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce, { authTagLength: 16 });
      cipher.setAAD(aad);
      return hexOf(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
    };
    const none = Buffer.alloc(0);
    // NIST CAVP, gcmEncryptExtIV256: no plaintext, no additional data.
    const key = hex('b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4');
    assert.equal(seal(key, hex('516c33929df5a3284ff463d7'), none, none), 'bdc1ac884d332457a1d2664f168c76f0');
    // McGrew and Viega, The Galois/Counter Mode of Operation, test cases 13, 14 and 16.
    assert.equal(seal(Buffer.alloc(32), Buffer.alloc(12), none, none), '530f8afbc74536b9a963b4f1c4cb738b');
    assert.equal(
      seal(Buffer.alloc(32), Buffer.alloc(12), none, Buffer.alloc(16)),
      'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
    );
    assert.equal(
      seal(
        hex('feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'),
        hex('cafebabefacedbaddecaf888'),
        hex('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
        hex('d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'),
      ),
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b',
    );
  });

  it('C1: the runtime’s GCM agrees with an implementation in plain JavaScript', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 40 }), (plaintext, aad) => {
        const [key, nonce] = [randomBytes(32), randomBytes(12)];
        const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce, { authTagLength: 16 });
        cipher.setAAD(aad);
        const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
        assert.equal(hexOf(sealed), hexOf(gcm(key, nonce, aad).encrypt(plaintext)));
      }),
      { numRuns: 30 },
    );
  });

  it('C1: GCM-SIV gives vectors of RFC 8452, appendix C.2', () => {
    const key = hex('0100000000000000000000000000000000000000000000000000000000000000');
    const nonce = hex('030000000000000000000000');
    const cases: readonly (readonly [string, string, string])[] = [
      ['', '', '07f5f4169bbf55a8400cd47ea6fd400f'],
      ['0100000000000000', '', 'c2ef328e5c71c83b843122130f7364b761e0b97427e3df28'],
      ['010000000000000000000000', '', '9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e'],
      ['0200000000000000', '01', '1de22967237a813291213f267e3b452f02d01ae33e4ec854'],
    ];
    for (const [plaintext, aad, sealed] of cases) assert.equal(hexOf(gcmsiv(key, nonce, hex(aad)).encrypt(hex(plaintext))), sealed);
  });

  it('C3: a tag cut short is refused, although its bytes are right', () => {
    const tag = hex('530f8afbc74536b9a963b4f1c4cb738b');
    for (const length of [0, 4, 8, 12, 15]) {
      const decipher = createDecipheriv('aes-256-gcm', createSecretKey(Buffer.alloc(32)), Buffer.alloc(12), { authTagLength: 16 });
      assert.throws(() => decipher.setAuthTag(tag.subarray(0, length)), TypeError);
    }
    const key = randomBytes(32);
    const sealed = sealWithGcmSiv(key, utf8('context'), utf8('the plaintext'));
    for (let length = 0; length < sealed.length; length += 1) {
      assert.equal(openWithGcmSiv(key, utf8('context'), sealed.subarray(0, length)), undefined);
    }
    assert.equal(Buffer.from(openWithGcmSiv(key, utf8('context'), sealed) ?? []).toString(), 'the plaintext');
  });
});
