import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import { recordKnownKeyrings } from '../installation/knownKeyring.ts';
import { authenticKeyrings } from '../keys/authenticKeyrings.ts';
import { longestKeyring } from '../keys/keyring.ts';
import { keyringFolder } from '../keys/keyringName.ts';
import { KeyringSample } from '../keys/keyringSample.ts';
import type { MasterKey } from '../keys/masterKey.ts';
import type { ListedObject, ObjectStore } from '../locations/objectStore.ts';
import { parseObjectKey } from '../repository/names.ts';

export interface KeyringAdoption {
  readonly catalog: Catalog;
  readonly location: Pick<LocationRecord, 'locationId' | 'storeId'>;
  readonly installationId: InstallationId;
  readonly masterKey: MasterKey;
  readonly store: ObjectStore;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  /** In 0..1, 1 excluded. */
  readonly random?: () => number;
}

/**
 * Makes keyrings known that this installation wrote for a location and whose arrival the ledger does not have: a daemon was killed between put and record and a later keyring came first, the
 * location was removed and added again, or the catalog was rebuilt. What the catalog wrote counts by its bytes; of all others at most a thousand are read, each time others, so that planted
 * ones neither delay an audit nor hide one for good. One of a higher sequence than any that was given here is another machine's, and stays a finding. Resolves to how many there were. Rejects
 * as stores do.
 */
export async function adoptKeyrings(adoption: KeyringAdoption): Promise<number> {
  const { catalog, location, installationId, store, signal, now, random } = adoption;
  const { locationId } = location;
  const written: ListedObject[] = [];
  const upTo = catalog.sequences.last('keyring');
  const sample = new KeyringSample<ListedObject>({ installationId, upTo, ...(random === undefined ? {} : { random }) });
  for await (const page of store.list(keyringFolder(installationId), { signal })) {
    for (const listed of page) {
      const name = parseObjectKey(listed.key);
      if (name?.type !== 'keyring' || listed.size > longestKeyring || catalog.objects.get(locationId, listed.key) !== undefined) continue;
      if (catalog.keyrings.has(name.sequence, name.objectId)) written.push(listed);
      else sample.add(listed);
    }
  }
  const candidates = [...written, ...sample.chosen()].map((listed) => ({ ...listed, read: () => bytesOf(store, listed, signal) }));
  const own = await authenticKeyrings({ ...adoption, storeId: location.storeId, candidates });
  const known = own.map(({ candidate: { key, versionId }, keyring, bytes }) => ({ key, versionId, keyring, bytes }));
  recordKnownKeyrings(catalog, locationId, known, now());
  return known.length;
}

async function bytesOf(store: ObjectStore, { key, versionId }: ListedObject, signal: AbortSignal): Promise<Uint8Array> {
  const stored = await store.get(key, { versionId, length: longestKeyring + 1, signal });
  if (stored === undefined) throw HoldfastError.failedTo('objectMissing', `read keyring ${key}`, 'it is not there any more');
  return stored.body;
}
