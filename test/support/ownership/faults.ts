import type { ListedVersion, ObjectStore, VersionedObjects } from '../../../daemon/locations/objectStore.ts';
import type { Fault } from './machine.ts';

/** The versions of each key, newest first, are given otherwise. */
function listing(
  change: (versions: readonly ListedVersion[], prefix: string) => readonly ListedVersion[],
): (store: ObjectStore) => ObjectStore {
  return (store) => {
    const { versions } = store;
    if (versions === undefined) return store;
    const list: VersionedObjects['list'] = async function* (prefix, options) {
      for await (const page of versions.list(prefix, options)) {
        const byKey = Map.groupBy(page, ({ key }) => key);
        yield [...byKey.values()].flatMap((ofKey) => change(ofKey, prefix));
      }
    };
    return { ...store, versions: { ...versions, list } };
  };
}

/** After its put a machine sees of that key what it put alone, and nothing of others. */
const withoutCheck = (isBlindTo: (key: string, put: string) => boolean): ((store: ObjectStore) => ObjectStore) => {
  return (store) => {
    let put: { readonly key: string; readonly versionId: string | null } | undefined;
    const blind = listing((versions, prefix) => {
      // What is listed as a whole is looked at before the put.
      if (put === undefined || prefix.endsWith('/') || !isBlindTo(prefix, put.key)) return versions;
      return prefix === put.key ? versions.filter(({ versionId }) => versionId === put?.versionId) : [];
    })(store);
    return {
      ...blind,
      put: async (key, body, options) => {
        const result = await store.put(key, body, options);
        put = { key, versionId: result.versionId };
        return result;
      },
    };
  };
};

/** Ways to get it wrong, each of which a test must notice. */
export type FaultName =
  | 'noCheckAfterThePut'
  | 'noLookForAHigherTerm'
  | 'headInPlaceOfVersions'
  | 'newestCounts'
  | 'markersHide'
  | 'junkKeepsOut'
  | 'doesNotWait'
  | 'memoryGoesBack'
  | 'ownsWithoutItsTerm';

export const faults: Readonly<Record<FaultName, Fault>> = {
  noCheckAfterThePut: { store: withoutCheck((key, put) => key === put) },
  noLookForAHigherTerm: { store: withoutCheck((key, put) => key !== put) },
  headInPlaceOfVersions: { store: listing((versions) => versions.filter(({ isLatest, isDeleteMarker }) => isLatest && !isDeleteMarker)) },
  newestCounts: { store: listing((versions) => versions.toReversed()) },
  markersHide: { store: listing((versions) => (versions[0]?.isDeleteMarker === true ? [] : versions)) },
  junkKeepsOut: { store: (store) => ({ ...store, put: (key, body) => store.put(key, body) }) },
  doesNotWait: { isHasty: true },
  memoryGoesBack: {
    memories: (memories) => {
      memories.change((memory) => ({ ...memory, highest: memory.mine }));
      return memories;
    },
  },
  ownsWithoutItsTerm: {
    memories: (memories) => ({
      get: () => memories.get(),
      change: (change) => memories.change((memory) => ({ ...change(memory), setAside: null })),
    }),
  },
};
