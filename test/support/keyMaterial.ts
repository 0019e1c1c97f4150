import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeKeyring } from '../../daemon/keys/keyring.ts';
import type { MasterKey } from '../../daemon/keys/masterKey.ts';
import { unwrapWithPassphrase } from '../../daemon/keys/passkeys/passphrase.ts';
import { WorkerScryptRunner } from '../../daemon/keys/scryptRunner.ts';
import { idOf, type InstallationId, type PolicyId } from '../../protocol/ids.ts';
import { HoldfastError } from '../../protocol/errors.ts';
import { bundleWorker } from './bundledWorker.ts';
import { formsOf } from './processMemory.ts';

/** Opens the newest keyring of a store with a passphrase, as whoever recovers would. */
export async function masterKeyOf(store: string, passphrase: string): Promise<MasterKey> {
  const [name = ''] = readdirSync(store).filter((entry) => /^[0-9a-f-]{36}$/.test(entry));
  const installationId = idOf<InstallationId>(name);
  const folder = path.join(store, name, 'keyring');
  const newest = readdirSync(folder)
    .filter((entry) => !entry.startsWith('.'))
    .toSorted()
    .at(-1);
  const { slots } = decodeKeyring(readFileSync(path.join(folder, newest ?? '')), installationId).body;
  const scrypt = new WorkerScryptRunner(bundleWorker());
  for (const slot of slots) {
    if (slot.kind !== 'passphrase') continue;
    try {
      return await unwrapWithPassphrase({ installationId, slot, passphrase: Buffer.from(passphrase), scrypt });
    } catch (error) {
      if (!HoldfastError.is(error, 'wrongSecret')) throw error;
    }
  }
  throw new Error('no slot opens');
}

/** The master key and all that is derived from it for one policy, in every form in which they could lie about. */
export function formsOfKeys(masterKey: MasterKey, policyId: PolicyId): ReadonlyMap<string, Buffer> {
  const { pack, index, manifest, idData, idTree, idList } = masterKey.policyKeys(policyId, 1);
  const derived = {
    'catalog key': masterKey.catalogKey(),
    'ownership key': masterKey.ownershipKey(),
    'keyring MAC key': masterKey.keyringMac(),
    'owner key': masterKey.ownerKey(),
    'owner key of the policy': masterKey.ownerKey(policyId),
    'policy key': masterKey.policyKey(policyId, 1),
    'pack key': pack,
    'index key': index,
    'manifest key': manifest,
    'data id key': idData,
    'tree id key': idTree,
    'list id key': idList,
  };
  return new Map([
    ...formsOf('master key', masterKey.wrapPlaintext().subarray(9)),
    ...Object.entries(derived).flatMap(([name, key]) => [...formsOf(name, key.export())]),
  ]);
}

/** Which of the forms occur in the bytes. */
export function formsIn(bytes: Buffer, forms: ReadonlyMap<string, Buffer>): readonly string[] {
  return [...forms].filter(([, form]) => bytes.includes(form)).map(([name]) => name);
}
