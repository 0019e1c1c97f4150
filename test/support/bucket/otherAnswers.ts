import type { LockUntil, VersionedObjects } from '../../../daemon/locations/objectStore.ts';
import type { VersionedStore } from './bucketStore.ts';

/** The store, whose listings of versions are others. */
export function listing(store: VersionedStore, list: VersionedObjects['list']): VersionedStore {
  return {
    storeId: store.storeId,
    capabilities: store.capabilities,
    put: (key, body, options) => store.put(key, body, options),
    head: (key, options) => store.head(key, options),
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key, versionId, options) => store.delete(key, versionId, options),
    versions: {
      list,
      lockOf: (key, versionId, options) => store.versions.lockOf(key, versionId, options),
      extend: (key, versionId, lock, options) => store.versions.extend(key, versionId, lock, options),
      time: (options) => store.versions.time(options),
    },
  };
}

/** The store, whose answers about locks pass somebody's hands. */
export function lockAnswers(
  store: VersionedStore,
  answer: (held: LockUntil | null, key: string) => Promise<LockUntil | null>,
): VersionedStore {
  const listed = listing(store, (prefix, options) => store.versions.list(prefix, options));
  const lockOf: VersionedObjects['lockOf'] = async (key, versionId, options) =>
    await answer(await store.versions.lockOf(key, versionId, options), key);
  return { ...listed, versions: { ...listed.versions, lockOf } };
}
