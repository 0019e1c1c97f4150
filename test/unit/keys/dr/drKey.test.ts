import assert from 'node:assert/strict';
import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { CatalogSeal } from '../../../../daemon/keys/catalogSeal.ts';
import { openDrKeys, sealDrKeys } from '../../../../daemon/keys/dr/drCell.ts';
import { DrKey } from '../../../../daemon/keys/dr/drKey.ts';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { uuidBytes } from '../../../../protocol/ids.ts';
import { installationId } from '../support/keyrings.ts';

const raw = Buffer.alloc(32, 0x5a);
const place = { table: 'recovery', column: 'keys', primaryKey: '1' } as const;

function hexOf(key: KeyObject): string {
  return key.export().toString('hex');
}

function derived(label: string, length = 32): string {
  return Buffer.from(hkdfSync('sha256', raw, uuidBytes(installationId), Buffer.from(`holdfast/v1/${label}\0`), length)).toString('hex');
}

function isDamaged(error: unknown): boolean {
  return HoldfastError.is(error, 'catalogDamaged');
}

describe('the disaster recovery key', () => {
  it('C1: has the id and the keys of docs/format.md, Keys', () => {
    using drKey = DrKey.fromBytes(installationId, Buffer.from(raw));
    assert.equal(Buffer.from(drKey.drkId).toString('hex'), derived('drk-id', 16));
    assert.equal(hexOf(drKey.bundleKey()), derived('bundle'));
    assert.equal(hexOf(drKey.keyringDrMac()), derived('keyring-mac'));
    assert.ok(drKey.hasId(drKey.drkId) && !drKey.hasId(Buffer.alloc(16)) && !drKey.hasId(new Uint8Array(0)));
  });

  it('is random, takes its bytes over, and is of no use once disposed of', () => {
    const bytes = Buffer.from(raw);
    const drKey = DrKey.fromBytes(installationId, bytes);
    assert.deepEqual(bytes, Buffer.alloc(32));
    assert.notDeepEqual(DrKey.generate(installationId).drkId, DrKey.generate(installationId).drkId);
    drKey[Symbol.dispose]();
    assert.ok(!drKey.isHeld);
    for (const use of [() => drKey.bundleKey(), () => drKey.keyringDrMac(), () => drKey.wrapPlaintext()]) {
      assert.throws(use, (error) => HoldfastError.is(error, 'locked'));
    }
    for (const length of [0, 31, 33]) assert.throws(() => DrKey.fromBytes(installationId, Buffer.alloc(length)), RangeError);
  });

  it('is wrapped as its five letters and its bytes, and nothing else is taken for it', () => {
    using drKey = DrKey.fromBytes(installationId, Buffer.from(raw));
    const plaintext = Buffer.from(drKey.wrapPlaintext());
    assert.deepEqual(plaintext, Buffer.concat([Buffer.from('dr/v1'), raw]));
    const back = DrKey.fromWrapPlaintext(installationId, Buffer.from(plaintext));
    assert.deepEqual(back?.drkId, drKey.drkId);
    assert.equal(DrKey.fromWrapPlaintext(installationId, Buffer.concat([Buffer.from('mk/v1'), raw])), undefined);
    assert.equal(DrKey.fromWrapPlaintext(installationId, plaintext.subarray(0, 36)), undefined);
    assert.equal(DrKey.fromWrapPlaintext(installationId, Buffer.concat([plaintext, Buffer.of(0)])), undefined);
  });

  it('C5 C7: lies in the catalog in a sealed cell with the key of the names, which opens in its place alone, for its id alone', () => {
    using masterKey = MasterKey.generate(installationId);
    using drKey = DrKey.generate(installationId);
    const seal = new CatalogSeal(masterKey.catalogKey(), installationId);
    const nameKey = createSecretKey(randomBytes(32));
    const sealed = sealDrKeys(seal, place, { drKey, nameKey });
    const pinned = { installationId, drkId: drKey.drkId };
    const opened = openDrKeys(seal, place, sealed, pinned);
    assert.deepEqual(opened.drKey.wrapPlaintext(), drKey.wrapPlaintext());
    assert.equal(hexOf(opened.nameKey), hexOf(nameKey));
    assert.throws(() => openDrKeys(seal, { ...place, primaryKey: '2' }, sealed, pinned), isDamaged);
    assert.throws(
      () =>
        openDrKeys(
          seal,
          place,
          sealed.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
          pinned,
        ),
      isDamaged,
    );
    assert.throws(() => openDrKeys(seal, place, sealed, { ...pinned, drkId: Buffer.alloc(16) }), isDamaged);
    const short = seal.seal(place.table, place.column, place.primaryKey, new Uint8Array(32));
    assert.throws(() => openDrKeys(seal, place, short, pinned), isDamaged);
  });
});
