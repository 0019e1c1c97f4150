import assert from 'node:assert/strict';
import { createHash, createSecretKey } from 'node:crypto';
import * as fc from 'fast-check';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { decodeMigrationKeys, encodeMigrationKeys, policyKeysOfMigration } from '../../../../daemon/keys/migrationKeys.ts';
import { decodeImportData, encodeImportData, type ImportData, refuseExpired } from '../../../../daemon/recovery/migration/importData.ts';
import { decodeBase64, encodeBase64 } from '../../../../daemon/recovery/migration/secretBase64.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { newId } from '../../../support/ids.ts';

const masterKey = MasterKey.generate(newId());
const policyId = newId<ImportData['policyId']>();

function sample(changes: Partial<ImportData> = {}): ImportData {
  const { installationId, masterKeyId, keyEpoch } = masterKey;
  return {
    installationId,
    policyId,
    policy: 'wörk',
    storeId: newId(),
    location: { kind: 's3', bucket: 'backups', region: 'eu-west-1', endpoint: null, prefix: 'a/b', pathStyle: null },
    madeAt: '2026-01-02T03:04:05.678Z',
    expiresAt: null,
    keys: [1, 2].map((keyGeneration) => ({
      masterKeyId,
      keyEpoch,
      keyGeneration,
      policyKey: masterKey.policyKey(policyId, keyGeneration),
    })),
    ...changes,
  };
}

const problemOf = (text: Uint8Array): unknown => {
  try {
    decodeImportData(text);
  } catch (error) {
    assert.ok(HoldfastError.is(error, 'badValue', 'notInThisVersion'), String(error));
    assert.match(error.message, /^Failed to read the import data: [^\n]*\.$/);
    assert.match(error.fix ?? '', /^[A-Z][^\n]*\.$/);
    return error.details?.['problem'];
  }
  return undefined;
};

const plain = ({ keys, ...facts }: ImportData): unknown => ({
  ...facts,
  keys: keys.map(({ policyKey, masterKeyId, ...key }) => ({
    ...key,
    id: Buffer.from(masterKeyId).toString('hex'),
    policyKey: policyKey.export(),
  })),
});

/** With a payload changed before its checksum is made anew. */
function resealed(text: Uint8Array, change: (payload: Buffer) => Buffer): Buffer {
  const lines = Buffer.from(text).toString('ascii').split('\n');
  const payload = Buffer.from(lines.slice(1, -2).join(''), 'base64');
  const body = change(Buffer.from(payload.subarray(0, -32)));
  const whole = Buffer.concat([body, createHash('sha256').update('holdfast/import-data').update(body).digest()]);
  return Buffer.from([lines[0], whole.toString('base64'), lines.at(-2), ''].join('\n'));
}

describe('Import data', () => {
  it('gives back what was put in, whatever mail and terminals did to its white space', () => {
    const data = sample();
    const { text, fingerprint } = encodeImportData(data);
    const asText = text.toString('ascii');
    assert.match(asText, /^-----BEGIN HOLDFAST IMPORT DATA-----\n(?:[A-Za-z0-9+/=]{1,64}\n)+-----END HOLDFAST IMPORT DATA-----\n$/);
    assert.match(fingerprint, /^[0-9a-f]{4}(?:-[0-9a-f]{4}){4}$/);
    for (const shown of [asText, asText.replaceAll('\n', '\r\n'), `\n  ${asText.replaceAll('\n', '\n  ')}`, asText.replaceAll('\n', ' ')]) {
      const read = decodeImportData(Buffer.from(shown));
      assert.deepEqual(plain(read.data), plain(data));
      assert.equal(read.fingerprint, fingerprint);
    }
  });

  it('names one altered character as altered, wherever it is', () => {
    const { text } = encodeImportData(sample());
    for (let at = 0; at < text.length - 1; at += 1) {
      const before = text[at] ?? 0;
      if (before === 0x0a || before === 0x20) continue;
      for (const after of [before === 0x41 ? 0x42 : 0x41, 0x2d, 0x3d]) {
        if (after === before) continue;
        const changed = Buffer.from(text);
        changed[at] = after;
        assert.equal(problemOf(changed), 'altered', `character ${at}`);
      }
    }
  });

  it('names what was cut as cut, at either end, and anything else as no import data', () => {
    const { text } = encodeImportData(sample());
    for (let length = 40; length < text.length - 4; length += 7) assert.equal(problemOf(text.subarray(0, length)), 'cut', String(length));
    for (let start = 4; start < text.length - 40; start += 7) assert.equal(problemOf(text.subarray(start)), 'cut', String(start));
    for (const other of ['', 'hello', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n']) {
      assert.equal(problemOf(Buffer.from(other)), 'no');
    }
    // A line that got lost in the middle is found by the checksum.
    const lines = text.toString('ascii').split('\n');
    assert.equal(problemOf(Buffer.from(lines.toSpliced(3, 1).join('\n'))), 'altered');
  });

  it('names another version, and refuses what does not keep to the format although its checksum fits', () => {
    const { text } = encodeImportData(sample());
    const later = resealed(text, (payload) => {
      payload.writeUInt32LE(2, 4);
      return payload;
    });
    assert.equal(problemOf(later), 'version');
    const withMember = (name: string): Buffer =>
      resealed(text, (payload) => {
        const length = payload.readUInt32LE(8);
        const json = Buffer.from(payload.toString('utf8', 12, 12 + length).replace('{', `{"${name}":1,`));
        const head = Buffer.from(payload.subarray(0, 12));
        head.writeUInt32LE(json.length, 8);
        return Buffer.concat([head, json, payload.subarray(12 + length)]);
      });
    assert.equal(problemOf(withMember('credentials')), 'malformed');
    assert.equal(problemOf(withMember('x-later')), undefined);
    assert.equal(problemOf(resealed(text, (payload) => payload.subarray(0, -1))), 'malformed');
    assert.equal(problemOf(resealed(text, (payload) => Buffer.concat([payload, payload.subarray(-56)]))), 'malformed');
    assert.equal(problemOf(resealed(text, (payload) => payload.subarray(0, 12 + payload.readUInt32LE(8)))), 'malformed');
  });

  it('says when it has expired, and not a moment before', () => {
    const expiresAt = '2026-02-01T00:00:00.000Z';
    refuseExpired({ expiresAt: null }, new Date('2100-01-01T00:00:00.000Z'));
    refuseExpired({ expiresAt }, new Date(expiresAt));
    assert.throws(() => refuseExpired({ expiresAt }, new Date('2026-02-01T00:00:00.001Z')), {
      code: 'refusedByRule',
      details: { problem: 'expired', expiresAt },
    });
  });

  it('holds no key but those of the one policy: nothing of another policy, and not the tag of the owner', () => {
    const data = sample();
    const { text } = encodeImportData(data);
    const payload = Buffer.from(text.toString('ascii').split('\n').slice(1, -2).join(''), 'base64');
    const other = masterKey.policyKey(newId(), 1);
    for (const key of [other, masterKey.ownerKey(policyId), masterKey.catalogKey(), masterKey.keyringMac(), masterKey.ownershipKey()]) {
      assert.equal(payload.includes(key.export()), false);
    }
    const [newest, oldest] = policyKeysOfMigration(data, data.keys);
    assert.deepEqual([newest?.keyGeneration, oldest?.keyGeneration, newest?.owner], [2, 1, undefined]);
    const wanted = masterKey.policyKeys(policyId, 1);
    for (const name of ['pack', 'index', 'manifest', 'idData', 'idTree', 'idList'] as const)
      assert.ok(oldest?.[name].equals(wanted[name]), name);
  });

  it('refuses rows of keys that are none', () => {
    const [key] = sample().keys;
    assert.ok(key !== undefined);
    assert.equal(decodeMigrationKeys(new Uint8Array(0)), undefined);
    assert.equal(decodeMigrationKeys(new Uint8Array(55)), undefined);
    assert.equal(decodeMigrationKeys(encodeMigrationKeys([key, key])), undefined);
    assert.equal(decodeMigrationKeys(encodeMigrationKeys([{ ...key, keyGeneration: 0 }])), undefined);
    assert.equal(decodeMigrationKeys(encodeMigrationKeys([{ ...key, keyEpoch: 0 }])), undefined);
    const same = decodeMigrationKeys(encodeMigrationKeys([{ ...key, policyKey: createSecretKey(Buffer.alloc(32, 7)) }]));
    assert.deepEqual(same?.[0]?.policyKey.export(), Buffer.alloc(32, 7));
  });
});

describe('Base64 from bytes to bytes', () => {
  it('is that of RFC 4648, and takes nothing that is not canonical', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const encoded = encodeBase64(bytes);
        assert.equal(Buffer.from(encoded).toString('ascii'), Buffer.from(bytes).toString('base64'));
        assert.deepEqual(decodeBase64(encoded), bytes);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('A', 'Q', 'g', '+', '/', '=', 'é', ' '), maxLength: 12 }), (text) => {
        const bytes = Buffer.from(text, 'latin1');
        const decoded = Buffer.from(text, 'base64');
        const isCanonical = decoded.toString('base64') === text;
        assert.deepEqual(decodeBase64(bytes), isCanonical ? Uint8Array.from(decoded) : undefined);
      }),
    );
  });
});
