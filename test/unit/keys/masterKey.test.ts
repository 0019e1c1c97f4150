import assert from 'node:assert/strict';
import { hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { MasterKey } from '../../../daemon/keys/masterKey.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type PolicyId, uuidBytes } from '../../../protocol/ids.ts';
import { installationId } from './support/keyrings.ts';

const policyId = idOf<PolicyId>('01234567-89ab-4cde-8f01-23456789abcd');
const raw = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
const salt = uuidBytes(installationId);

function expected(key: Uint8Array, label: string, context: readonly Uint8Array[] = [], length = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, Buffer.concat([Buffer.from(`holdfast/v1/${label}\0`), ...context]), length));
}

function bytesOf(key: KeyObject | undefined): Buffer {
  assert.ok(key !== undefined);
  return key.export();
}

describe('the master key', () => {
  it('C1: derives every key with the label and context of docs/format.md', () => {
    using masterKey = MasterKey.fromBytes(installationId, 1, Uint8Array.from(raw));
    const generation = Uint8Array.of(0x04, 0x03, 0x02, 0x01);
    const policyKey = expected(raw, 'policy', [uuidBytes(policyId), generation]);
    const keys = masterKey.policyKeys(policyId, 0x01020304);
    assert.deepEqual(Buffer.from(masterKey.masterKeyId), expected(raw, 'master-key-id', [], 16));
    assert.deepEqual(bytesOf(masterKey.catalogKey()), expected(raw, 'catalog'));
    assert.deepEqual(bytesOf(masterKey.ownershipKey()), expected(raw, 'ownership'));
    assert.deepEqual(bytesOf(masterKey.keyringMac()), expected(raw, 'keyring-mac'));
    assert.deepEqual(bytesOf(masterKey.ownerKey()), expected(raw, 'owner', [new Uint8Array(16)]));
    assert.deepEqual(bytesOf(masterKey.lockProofKey()), expected(raw, 'lock-proof'));
    assert.deepEqual(bytesOf(masterKey.policyKey(policyId, 0x01020304)), policyKey);
    assert.deepEqual(bytesOf(keys.owner), expected(raw, 'owner', [uuidBytes(policyId)]));
    assert.deepEqual(bytesOf(keys.pack), expected(policyKey, 'pack'));
    assert.deepEqual(bytesOf(keys.index), expected(policyKey, 'index'));
    assert.deepEqual(bytesOf(keys.manifest), expected(policyKey, 'manifest'));
    assert.deepEqual(bytesOf(keys.idData), expected(policyKey, 'id-data'));
    assert.deepEqual(bytesOf(keys.idTree), expected(policyKey, 'id-tree'));
    assert.deepEqual(bytesOf(keys.idList), expected(policyKey, 'id-list'));
    const gear = expected(expected(policyKey, 'chunker'), 'gear', [], 1024);
    assert.deepEqual(
      [...keys.gear],
      Array.from({ length: 256 }, (_, index) => gear.readUInt32LE(4 * index)),
    );
  });

  it('takes the bytes over: they are wiped, also where they are refused', () => {
    const bytes = Uint8Array.from(raw);
    MasterKey.fromBytes(installationId, 1, bytes)[Symbol.dispose]();
    const short = randomBytes(31);
    assert.throws(() => MasterKey.fromBytes(installationId, 1, short), RangeError);
    const noEpoch = randomBytes(32);
    assert.throws(() => MasterKey.fromBytes(installationId, 0, noEpoch), RangeError);
    for (const wiped of [bytes, short, noEpoch]) assert.ok(wiped.every((byte) => byte === 0));
  });

  it('gives 41 bytes to wrap, and comes back from them', () => {
    using masterKey = MasterKey.fromBytes(installationId, 0x01020304, Uint8Array.from(raw));
    const plaintext = masterKey.wrapPlaintext();
    assert.deepEqual(Buffer.from(plaintext), Buffer.concat([Buffer.from('mk/v1'), Buffer.of(4, 3, 2, 1), raw]));
    using back = MasterKey.fromWrapPlaintext(installationId, plaintext);
    assert.ok(back !== undefined);
    assert.equal(back.keyEpoch, 0x01020304);
    assert.ok(back.hasId(masterKey.masterKeyId));
    assert.ok(plaintext.every((byte) => byte === 0));
  });

  it('is not made of a plaintext of another form', () => {
    using masterKey = MasterKey.generate(installationId);
    const changed = (change: (plaintext: Uint8Array) => Uint8Array): MasterKey | undefined =>
      MasterKey.fromWrapPlaintext(installationId, change(masterKey.wrapPlaintext()));
    assert.equal(
      changed((plaintext) => plaintext.slice(0, 40)),
      undefined,
    );
    assert.equal(
      changed((plaintext) => Uint8Array.of(...plaintext, 0)),
      undefined,
    );
    assert.equal(
      changed((plaintext) => plaintext.fill(0x64, 0, 1)),
      undefined,
    );
    assert.equal(
      changed((plaintext) => plaintext.fill(0, 5, 9)),
      undefined,
    );
  });

  it('is made of fresh randomness, and its id depends on the installation', () => {
    using first = MasterKey.generate(installationId);
    using second = MasterKey.generate(installationId);
    assert.ok(!first.hasId(second.masterKeyId));
    using here = MasterKey.fromBytes(installationId, 1, Uint8Array.from(raw));
    using there = MasterKey.fromBytes(idOf('0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0fe'), 1, Uint8Array.from(raw));
    assert.ok(!here.hasId(there.masterKeyId));
  });

  it('refuses everything once disposed, its id excepted', () => {
    const masterKey = MasterKey.generate(installationId);
    masterKey[Symbol.dispose]();
    assert.equal(masterKey.isHeld, false);
    assert.equal(masterKey.masterKeyId.length, 16);
    for (const use of [() => masterKey.catalogKey(), () => masterKey.wrapPlaintext(), () => masterKey.policyKeys(policyId, 1)]) {
      assert.throws(use, (error) => HoldfastError.is(error, 'locked'));
    }
  });

  it('K5 K6: shows nothing of itself in JSON or when it is printed', async () => {
    const { inspect } = await import('node:util');
    using masterKey = MasterKey.fromBytes(installationId, 1, Uint8Array.from(raw));
    const shown = `${JSON.stringify(masterKey)} ${inspect(masterKey, { depth: 9, showHidden: true })}`;
    for (const form of [raw.toString('hex'), raw.toString('base64'), '1, 2, 3, 4', '01 02 03 04']) assert.ok(!shown.includes(form));
  });
});
