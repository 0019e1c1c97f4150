import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import * as z from 'zod';
import { DrKey } from '../../../../daemon/keys/dr/drKey.ts';
import { DrPassphrase } from '../../../../daemon/keys/dr/drPassphrase.ts';
import { decodeDrSlot } from '../../../../daemon/keys/dr/drSlot.ts';
import { decodeKeyring, isAuthenticKeyring, isRecoveryKeyring } from '../../../../daemon/keys/keyring.ts';
import { MasterKey } from '../../../../daemon/keys/masterKey.ts';
import type { ScryptRunner } from '../../../../daemon/keys/scryptRunner.ts';
import { deriveWithScrypt } from '../../../../daemon/keys/scryptWorker.ts';
import { BundleNames, recoveryPrefix } from '../../../../daemon/repository/bundleName.ts';
import { bundleSourceOf, StoredBundle } from '../../../../daemon/repository/storedBundle.ts';
import { idOf, type InstallationId, type StoreId } from '../../../../protocol/ids.ts';
import { root } from '../../../support/cli.ts';
import { bytesOf } from '../../../support/sampleBundle.ts';
import { utf8 } from '../support/keyrings.ts';

/** Made by test/reader/make_vectors.py, which shares no line with the program. */
const file = path.join(root, 'test', 'reader', 'recovery_vectors.json');
const text = z.string();
const vectors = z
  .strictObject({
    installationId: text,
    storeId: text,
    masterKey: text,
    drPassphrase: text,
    kek: text,
    commit: text,
    nameKey: text,
    drk: text,
    drkId: text,
    bundleKey: text,
    keyringDrMac: text,
    slot: text,
    keyring: text,
    bundleName: text,
    bundle: text,
    catalog: text,
  })
  .parse(JSON.parse(readFileSync(file, 'utf8')));
const installationId = idOf<InstallationId>(vectors.installationId);
const hex = (hexText: string): Buffer => Buffer.from(hexText, 'hex');
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The real thing; its calls are kept. */
const derivations: string[] = [];
const scrypt: ScryptRunner = {
  derive: async (passphrase, salt, parameters, length) => {
    const derived = deriveWithScrypt(passphrase, salt, parameters, length);
    derivations.push(hexOf(derived));
    return await Promise.resolve(derived);
  },
};

describe('the vectors of recovery, by a second implementation', () => {
  let passphrase: DrPassphrase;
  before(async () => {
    passphrase = await DrPassphrase.derive({ installationId, passphrase: utf8(vectors.drPassphrase), scrypt });
  });

  it('C1 D8: one scrypt of the DR passphrase gives the same three keys', () => {
    assert.deepEqual(derivations, [vectors.kek + vectors.commit + vectors.nameKey]);
    assert.equal(hexOf(passphrase.nameKey().export()), vectors.nameKey);
  });

  it('C1: the recovery key gives the same id and the same keys', () => {
    using drKey = DrKey.fromBytes(installationId, hex(vectors.drk));
    assert.deepEqual(
      [hexOf(drKey.drkId), hexOf(drKey.bundleKey().export()), hexOf(drKey.keyringDrMac().export())],
      [vectors.drkId, vectors.bundleKey, vectors.keyringDrMac],
    );
  });

  it('C1 D4: the slot opens to the same recovery key, and the keyring is authentic under both keys', () => {
    using drKey = passphrase.open(decodeDrSlot(Buffer.from(vectors.slot), installationId));
    assert.equal(hexOf(drKey.wrapPlaintext().subarray(5)), vectors.drk);
    using masterKey = MasterKey.fromBytes(installationId, 1, hex(vectors.masterKey));
    const keyring = decodeKeyring(Buffer.from(vectors.keyring, 'base64'), installationId);
    assert.ok(isRecoveryKeyring(keyring, drKey) && isAuthenticKeyring(keyring, masterKey));
  });

  it('C1 D8: the bundle opens under its name, from the passphrase alone, and its owner’s tag holds', async () => {
    const name = new BundleNames(installationId, passphrase.nameKey()).read(recoveryPrefix(installationId) + vectors.bundleName);
    assert.ok(name !== undefined);
    const stored = await StoredBundle.read(bundleSourceOf(Buffer.from(vectors.bundle, 'base64')), 'a bundle');
    using drKey = passphrase.open(decodeDrSlot(stored.drSlot, installationId));
    const storeId = idOf<StoreId>(vectors.storeId);
    const opened = await stored.open(drKey.bundleKey(), { installationId, drkId: drKey.drkId, name, storeId });
    using masterKey = MasterKey.fromBytes(installationId, 1, hex(vectors.masterKey));
    opened.checkOwnerTag(masterKey.ownerKey());
    const { facts } = opened;
    assert.deepEqual([facts.restorePoints, facts.audit?.sequence, Buffer.from(facts.keyring).toString('base64')], [3, 5, vectors.keyring]);
    assert.equal(zstdDecompressSync(await bytesOf(opened.frame())).toString('base64'), vectors.catalog);
  });
});
