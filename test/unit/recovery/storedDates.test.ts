import assert from 'node:assert/strict';
import { markerBytes, markerName } from '../../../daemon/locations/marker.ts';
import type { ListedVersion, ObjectStore, VersionedObjects } from '../../../daemon/locations/objectStore.ts';
import { StoredDates } from '../../../daemon/recovery/storedDates.ts';
import { newId } from '../../support/ids.ts';
import { MemoryStore } from '../../support/memoryStore.ts';

const { signal } = new AbortController();
const at = (hours: number): Date => new Date(Date.UTC(2026, 0, 1, hours));

const refuse = (): Promise<never> => Promise.reject(new Error('not asked for'));

interface Version {
  readonly versionId: string;
  readonly body: Uint8Array;
  readonly lastModified: Date;
}

/** A store with these versions of its marker, newest first; nothing else is looked at. */
function storeWith(make: (store: ObjectStore) => readonly Version[]): ObjectStore {
  const base = new MemoryStore();
  const markers = make(base);
  const versions: VersionedObjects = {
    async *list(): AsyncGenerator<readonly ListedVersion[]> {
      yield await Promise.resolve(
        markers.map(({ versionId, body, lastModified }) => ({
          key: markerName,
          versionId,
          size: body.length,
          lastModified,
          isDeleteMarker: false,
          isLatest: false,
        })),
      );
    },
    lockOf: refuse,
    extend: refuse,
    time: refuse,
  };
  return {
    storeId: base.storeId,
    capabilities: base.capabilities,
    versions,
    put: refuse,
    head: refuse,
    delete: refuse,
    list: () => base.list(''),
    get: (key, { versionId } = {}) => {
      const found = markers.find((marker) => marker.versionId === versionId);
      if (found === undefined) return Promise.resolve(undefined);
      const { body, lastModified } = found;
      return Promise.resolve({ key, versionId: found.versionId, size: body.length, lastModified, lock: null, body, offset: 0 });
    },
  };
}

const markerOf = ({ storeId }: ObjectStore, createdAt: Date): Uint8Array =>
  markerBytes({ format: 'holdfast-store/1', storeId, createdAt: createdAt.toISOString() });

/** When a manifest was stored that the store dates to hour 50 and that claims hour 10, by its own clock, and hour 9 by the store's. */
async function storedAt(store: ObjectStore): Promise<readonly [withStoreTime: Date, without: Date]> {
  const dates = await StoredDates.of(store, signal);
  const claimed = { started: null, finished: at(10).toISOString(), storeTime: null };
  return [dates.storedAt(at(50), { ...claimed, storeTime: at(9).toISOString() }), dates.storedAt(at(50), claimed)];
}

describe('when manifests were stored', () => {
  it('R8: is what the store says where it keeps its dates, whatever a manifest claims', async () => {
    const store = storeWith((base) => [{ versionId: 'a', body: markerOf(base, at(0)), lastModified: at(0) }]);
    assert.deepEqual(await storedAt(store), [at(50), at(50)]);
  });

  it('F1: is what a manifest says where extensions move the dates, by store time if it has that, and never after the date', async () => {
    const store = storeWith((base) => [{ versionId: 'a', body: markerOf(base, at(0)), lastModified: at(48) }]);
    assert.deepEqual(await storedAt(store), [at(9), at(10)]);
    const dates = await StoredDates.of(store, signal);
    const claimed = { started: null, finished: at(60).toISOString(), storeTime: null };
    assert.deepEqual(dates.storedAt(at(50), claimed), at(50));
  });

  it('R8: is told by the oldest version of the marker that is one of this store: nobody can lay another below it', async () => {
    const store = storeWith((base) => [
      { versionId: 'above', body: markerOf(base, at(0)), lastModified: at(49) },
      { versionId: 'ours', body: markerOf(base, at(0)), lastModified: at(0) },
      {
        versionId: 'another store',
        body: markerBytes({ format: 'holdfast-store/1', storeId: newId(), createdAt: at(0).toISOString() }),
        lastModified: at(40),
      },
      { versionId: 'junk', body: new Uint8Array(10), lastModified: at(40) },
    ]);
    assert.deepEqual(await storedAt(store), [at(50), at(50)]);
  });

  it('is what a manifest says in a folder', async () => {
    assert.deepEqual((await storedAt(new MemoryStore()))[1], at(10));
  });
});
