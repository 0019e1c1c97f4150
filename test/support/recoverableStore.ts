import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { compressCopy } from '../../daemon/catalog/copy/copyFrame.ts';
import { DrKey } from '../../daemon/keys/dr/drKey.ts';
import { DrPassphrase } from '../../daemon/keys/dr/drPassphrase.ts';
import { decodeKeyring, encodeKeyring } from '../../daemon/keys/keyring.ts';
import { keyringFolder, keyringName } from '../../daemon/keys/keyringName.ts';
import type { MasterKey } from '../../daemon/keys/masterKey.ts';
import { WorkerScryptRunner } from '../../daemon/keys/scryptRunner.ts';
import { BundleNames } from '../../daemon/repository/bundleName.ts';
import { newObjectId, systemEntropy } from '../../daemon/repository/entropy.ts';
import { sealBundle } from '../../daemon/repository/sealBundle.ts';
import { bundleWorker } from './bundledWorker.ts';

export interface StoreToRecover {
  readonly store: string;
  readonly masterKey: MasterKey;
  readonly drPassphrase: string;
  /** A file that is the catalog. */
  readonly catalogPath: string;
  readonly created: string;
}

/** Writes into the folder of a location what disaster recovery leaves there: a keyring of its key, and a bundle. Resolves to the bundle's id in hex. */
export async function makeRecoverable({ store, masterKey, drPassphrase, catalogPath, created }: StoreToRecover): Promise<string> {
  const { installationId, masterKeyId } = masterKey;
  const folder = path.join(store, keyringFolder(installationId));
  const newest = readdirSync(folder).toSorted().at(-1) ?? '';
  const { body, sequence, storeId } = decodeKeyring(readFileSync(path.join(folder, newest)), installationId);
  const passphrase = { installationId, passphrase: Buffer.from(drPassphrase), scrypt: new WorkerScryptRunner(bundleWorker()) };
  using derived = await DrPassphrase.deriveNew(passphrase);
  using drKey = DrKey.generate(installationId);
  const identity = { installationId, objectId: newObjectId(systemEntropy), sequence: sequence + 1, storeId };
  const keyring = encodeKeyring(identity, body, masterKey, drKey);
  writeFileSync(path.join(store, keyringName(identity)), keyring);

  const framePath = `${catalogPath}.zst`;
  const frame = await compressCopy(catalogPath, framePath);
  const { drkId } = drKey;
  const bundle = await sealBundle({
    identity: { installationId, masterKeyId, drkId, sequence: 1, storeId },
    facts: {
      created,
      machineId: '0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0ff',
      keyring,
      heads: { policies: {}, keyring: null, term: null },
      base: null,
      restorePoints: 5,
      audit: null,
    },
    catalog: { ...frame, read: () => createReadStream(framePath) },
    drSlot: derived.wrap(drKey, new Date(created)),
    bundleKey: drKey.bundleKey(),
    ownerKey: masterKey.ownerKey(),
    entropy: systemEntropy,
  });
  const name = new BundleNames(installationId, derived.nameKey()).nameOf(created, bundle.objectId);
  mkdirSync(path.dirname(path.join(store, name.key)), { recursive: true });
  writeFileSync(path.join(store, name.key), bundle.bytes);
  return Buffer.from(bundle.objectId).toString('hex');
}
