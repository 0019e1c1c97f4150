import assert from 'node:assert/strict';
import { getCiphers, getCurves, getHashes } from 'node:crypto';
import os from 'node:os';
import { root } from '../support/cli.ts';
import { importsOf, keptFiles, sourcesBelow, withoutComments } from './sourceFiles.ts';

const longestFile = 600;

describe('house rules', () => {
  const kept = keptFiles();
  const sources = kept.filter(({ path }) => /\.(ts|mjs)$/.test(path));

  it(`has no source file above ${longestFile} lines`, () => {
    const long = sources.map(({ path, text }) => [path, text.split('\n').length - 1] as const).filter(([, lines]) => lines > longestFile);
    assert.deepEqual(long, []);
  });

  it('has no default export', () => {
    const found = sources.filter(({ text }) => /^export\s+default\b|^export\s*\{[^}]*\bas\s+default\b/m.test(withoutComments(text)));
    assert.deepEqual(
      found.map(({ path }) => path),
      [],
    );
  });

  it('switches no rule off in a comment', () => {
    // In two parts, or this file would find itself.
    const pattern = new RegExp(['@ts-(ignore|expect-error|nocheck', 'oxlint-disable', 'eslint-disable', 'biome-ignore)'].join('|'));
    assert.deepEqual(
      sources.filter(({ path, text }) => !/^(test\/architecture|wasm)\//.test(path) && pattern.test(text)).map(({ path }) => path),
      [],
    );
  });

  it('keeps paths of the machine it runs on out of every file', () => {
    const places = [root, os.homedir()].map((folder) => `${RegExp.escape(folder)}/`);
    const pattern = new RegExp(`(?<![\\w.~-])(?:${places.join('|')})`);
    const found = kept.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 160)}`] : [])),
    );
    assert.deepEqual(found, []);
  });

  it('names the address of no registry', () => {
    const pattern = /registry\.[a-z0-9-]+\.|npmjs\.(?:org|com)|pypi\.(?:org|python)|index-url|"resolved":\s*"http/;
    const found = kept.flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 160)}`] : [])),
    );
    assert.deepEqual(
      found.filter((line) => !line.startsWith('test/architecture/')),
      [],
    );
  });
});

describe('cryptography', () => {
  const product = sourcesBelow('protocol', 'client', 'cli', 'extension', 'daemon');
  const facts = importsOf(product);
  /** What both OpenSSL and BoringSSL have, and docs/format.md names. */
  const algorithms: ReadonlySet<string> = new Set(['aes-256-gcm', 'sha256']);
  const functions: ReadonlySet<string> = new Set([
    'createCipheriv',
    'createDecipheriv',
    'createHash',
    'createHmac',
    'createSecretKey',
    'hash',
    'hkdf',
    'hkdfSync',
    'randomBytes',
    'randomFill',
    'randomFillSync',
    'randomInt',
    'randomUUID',
    'scrypt',
    'scryptSync',
    'timingSafeEqual',
    'CipherGCM',
    'DecipherGCM',
    'Hash',
    'Hmac',
    'KeyObject',
    // Reads a file of authorities; what checks with them is TLS.
    'X509Certificate',
  ]);

  it('names no algorithm but AES-256-GCM and SHA-256 in any source', () => {
    const known = new Set(
      [...getCiphers(), ...getHashes(), ...getCurves(), 'rsa', 'rsa-pss', 'dsa', 'ec', 'ed25519', 'ed448', 'x25519', 'x448'].map((name) =>
        name.toLowerCase(),
      ),
    );
    const users = new Set(facts.filter(({ to }) => to === 'node:crypto').map(({ from }) => from));
    assert.ok(users.size > 3);
    const found = product
      .filter(({ path }) => users.has(path))
      .flatMap(({ path, text }) =>
        [...withoutComments(text).matchAll(/'([\w./-]{2,40})'|"([\w./-]{2,40})"|`([\w./-]{2,40})`/g)]
          .map(([, single, double, back]) => single ?? double ?? back ?? '')
          .filter((name) => known.has(name.toLowerCase()) && !algorithms.has(name.toLowerCase()))
          .map((name) => `${path}: ${name}`),
      );
    assert.deepEqual(found, []);
  });

  it('takes from node:crypto only functions of the list, by name', () => {
    const taken = facts.filter(({ to }) => to === 'node:crypto' || to === 'crypto');
    assert.deepEqual(
      taken.flatMap(({ from, to, names }) =>
        to === 'crypto' || names.length === 0
          ? [`${from}: all of ${to}`]
          : names.filter((name) => !functions.has(name)).map((name) => `${from}: ${name}`),
      ),
      [],
    );
  });

  it('reaches cryptography by no other way: no Web Crypto, and of @noble/ciphers only AES-GCM-SIV', () => {
    const web = product.filter(({ text }) =>
      /\bwebcrypto\b|\bcrypto\.(subtle|getRandomValues)\b|getBuiltinModule|process\.binding/.test(withoutComments(text)),
    );
    assert.deepEqual(
      web.map(({ path }) => path),
      [],
    );
    const noble = facts.filter(({ to }) => to.startsWith('@noble/'));
    assert.deepEqual(
      noble
        .filter(({ to, names }) => to !== '@noble/ciphers/aes.js' || names.some((name) => name !== 'gcmsiv'))
        .map(({ from, to, names }) => `${from}: ${names.join(', ')} of ${to}`),
      [],
    );
  });

  it('C3: opens no cipher without a tag length of 16', () => {
    const broken = product.flatMap(({ path, text }) => {
      const code = withoutComments(text);
      const calls = [...code.matchAll(/\bcreate(?:C|Dec)ipheriv\(([^()]*(?:\([^()]*\)[^()]*)*)\)/g)];
      const isBound = /\bauthTagLength: (?:16|tagLength|tagBytes)\b/.test(code);
      return calls.filter(([, list = '']) => !isBound || list.split(',').length < 4).map(([call]) => `${path}: ${call}`);
    });
    assert.deepEqual(broken, []);
  });
});
