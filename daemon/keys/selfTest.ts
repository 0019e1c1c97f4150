import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync, scryptSync } from 'node:crypto';
import { gcmsiv } from '@noble/ciphers/aes.js';
import { HoldfastError } from '../../protocol/errors.ts';

/** One primitive that the program stands on, and whether this runtime does it right. */
export interface RuntimeCheck {
  readonly name: string;
  /** False or a throw: it does not. */
  readonly passes: () => boolean | Promise<boolean>;
}

/** What is checked at every start, on whatever runtime it is (docs/format.md, Keys). A few milliseconds in all. */
export const runtimeChecks: readonly RuntimeCheck[] = [
  { name: 'HKDF-SHA-256', passes: hkdfWorks },
  { name: 'HMAC-SHA-256', passes: hmacWorks },
  { name: 'AES-256-GCM', passes: gcmWorks },
  { name: 'AES-256-GCM with a 16-byte tag only', passes: gcmRefusesShortTags },
  { name: 'scrypt', passes: scryptWorks },
  { name: 'AES-256-GCM-SIV', passes: gcmSivWorks },
  { name: 'Zstandard', passes: zstdWorks },
  { name: 'SQLite', passes: sqliteWorks },
];

/** Throws `HoldfastError('unsupportedRuntime')` naming the first check that fails. */
export async function selfTest(checks: readonly RuntimeCheck[] = runtimeChecks): Promise<void> {
  for (const { name, passes } of checks) {
    let cause: unknown;
    try {
      // One after the other, so that the first failure is the one that is named.
      if (await passes()) continue;
    } catch (error) {
      cause = error;
    }
    throw new HoldfastError('unsupportedRuntime', `Failed to start: ${name} does not work in this runtime (${process.version}).`, {
      fix: 'Start it with Node 24 or a newer Visual Studio Code.',
      cause,
    });
  }
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

/** RFC 5869, appendix A.1. */
function hkdfWorks(): boolean {
  const key = createSecretKey(Buffer.alloc(22, 0x0b));
  const derived = hkdfSync('sha256', key, hex('000102030405060708090a0b0c'), hex('f0f1f2f3f4f5f6f7f8f9'), 42);
  return Buffer.from(derived).equals(hex('3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'));
}

/** RFC 4231, section 4.3. */
function hmacWorks(): boolean {
  const tag = createHmac('sha256', createSecretKey(Buffer.from('Jefe')))
    .update('what do ya want for nothing?')
    .digest();
  return tag.equals(hex('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'));
}

const zeroKey = Buffer.alloc(32);
const zeroNonce = Buffer.alloc(12);

/** GCM specification (McGrew and Viega), test cases 13 (empty plaintext) and 14. */
function gcmWorks(): boolean {
  const seal = (plaintext: Buffer): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', createSecretKey(zeroKey), zeroNonce, { authTagLength: 16 });
    return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
  };
  return (
    seal(Buffer.alloc(0)).equals(hex('530f8afbc74536b9a963b4f1c4cb738b')) &&
    seal(Buffer.alloc(16)).equals(hex('cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'))
  );
}

function gcmRefusesShortTags(): boolean {
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(zeroKey), zeroNonce, { authTagLength: 16 });
  try {
    decipher.setAuthTag(hex('530f8afbc74536b9a963b4f1'));
    decipher.final();
    return false;
  } catch {
    return true;
  }
}

/** RFC 7914, section 12, first vector. */
function scryptWorks(): boolean {
  const derived = scryptSync('', '', 64, { N: 16, r: 1, p: 1 });
  const expected =
    '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906';
  return derived.equals(hex(expected));
}

/** RFC 8452, appendix C.2: plaintext of 8 bytes. */
function gcmSivWorks(): boolean {
  const key = Buffer.alloc(32);
  key[0] = 1;
  const nonce = Buffer.alloc(12);
  nonce[0] = 3;
  const plaintext = hex('0100000000000000');
  const sealed = gcmsiv(key, nonce).encrypt(plaintext);
  return (
    Buffer.from(sealed).equals(hex('c2ef328e5c71c83b843122130f7364b761e0b97427e3df28')) &&
    plaintext.equals(Buffer.from(gcmsiv(key, nonce).decrypt(sealed)))
  );
}

/** RFC 8878, section 3: a frame of one raw block, and a round trip. */
async function zstdWorks(): Promise<boolean> {
  const { zstdCompressSync, zstdDecompressSync } = await import('node:zlib');
  const text = Buffer.from('holdfast '.repeat(64));
  const rawFrame = hex('28b52ffd2003190000616263');
  return zstdDecompressSync(rawFrame).toString() === 'abc' && zstdDecompressSync(zstdCompressSync(text)).equals(text);
}

async function sqliteWorks(): Promise<boolean> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(':memory:');
  try {
    database.exec('CREATE TABLE items (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT');
    const content = Uint8Array.of(0, 255, 128);
    database.prepare('INSERT INTO items VALUES (?, ?)').run('a', content);
    const found = database.prepare('SELECT content FROM items WHERE name = ?').get('a')?.['content'];
    return found instanceof Uint8Array && Buffer.from(content).equals(found);
  } finally {
    database.close();
  }
}
