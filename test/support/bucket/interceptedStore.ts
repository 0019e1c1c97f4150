import type { VersionedStore } from './bucketStore.ts';

export type StoreVerb = 'put' | 'head' | 'get' | 'delete' | 'lockOf' | 'extend' | 'time';

/** Runs around each call: what it throws takes the place of the answer, whether `act` was called or not. */
export type Intercept = <Result>(verb: StoreVerb, key: string, act: () => Promise<Result>) => Promise<Result>;

/** The store, with something done around each call but listings. */
export function interceptedStore(store: VersionedStore, intercept: Intercept): VersionedStore {
  const { versions } = store;
  return {
    storeId: store.storeId,
    capabilities: store.capabilities,
    put: (key, body, options) => intercept('put', key, () => store.put(key, body, options)),
    head: (key, options) => intercept('head', key, () => store.head(key, options)),
    get: (key, options) => intercept('get', key, () => store.get(key, options)),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key, versionId, options) => intercept('delete', key, () => store.delete(key, versionId, options)),
    versions: {
      list: (prefix, options) => versions.list(prefix, options),
      lockOf: (key, versionId, options) => intercept('lockOf', key, () => versions.lockOf(key, versionId, options)),
      extend: (key, versionId, lock, options) => intercept('extend', key, () => versions.extend(key, versionId, lock, options)),
      time: (options) => intercept('time', '', () => versions.time(options)),
    },
  };
}
