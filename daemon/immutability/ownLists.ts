import type { Catalog } from '../catalog/catalog.ts';
import type { KeyHolder } from '../installation/keyHolder.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { condemnedReadLength, openCondemnedList } from '../repository/condemnedList.ts';
import { condemnedListId, condemnedPrefix } from '../repository/names.ts';

export interface OwnListOptions {
  readonly catalog: Catalog;
  readonly keys: Pick<KeyHolder, 'masterKey' | 'policyKeysOfAllGenerations'>;
  readonly store: ObjectStore;
  readonly signal: AbortSignal;
}

/**
 * Whether what has the name of a list of condemned objects was signed by this installation, under any key that the policy has had: the name alone anybody can
 * give. Rejects with `locked` where no key is held, and as stores do.
 */
export async function isOwnCondemnedList(
  { catalog, keys, store, signal }: OwnListOptions,
  key: string,
  versionId: string,
): Promise<boolean> {
  const listId = condemnedListId(key);
  const { installationId } = keys.masterKey;
  const policy = catalog.policies
    .list({ includeDeleted: true })
    .find(({ policyId }) => key.startsWith(condemnedPrefix(installationId, policyId)));
  if (listId === undefined || policy === undefined) return false;
  const stored = await store.get(key, { versionId, length: condemnedReadLength, signal });
  if (stored === undefined) return false;
  const { storeId } = store;
  return keys
    .policyKeysOfAllGenerations(policy.policyId, policy.keyGeneration)
    .some(({ owner }) => owner !== undefined && openCondemnedList(stored.body, { storeId, listId }, owner) !== undefined);
}
