import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Catalog } from '../../../daemon/catalog/catalog.ts';
import type { LockedObject } from '../../../daemon/catalog/objectLedger.ts';
import { idOf, type LocationId, type PolicyId, type RestorePointId } from '../../../protocol/ids.ts';
import { CatalogFolder, someLocation, someObject, timeAt } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';

function endingBefore(catalog: Catalog, locationId: LocationId, before: string, pageSize: number): readonly string[] {
  const found: string[] = [];
  let last: LockedObject | undefined;
  for (;;) {
    const page = catalog.objects.endingBefore(locationId, before, pageSize, last);
    found.push(...page.map(({ objectKey }) => objectKey));
    last = page.at(-1);
    if (page.length < pageSize) return found;
  }
}

describe('locks in the catalog', () => {
  it('are listed by their end, unread ones first, in pages of any size', () => {
    const dates = fc.array(fc.option(fc.integer({ min: 1, max: 50 })), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(dates, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 7 }), (ends, before, pageSize) => {
        using folder = new CatalogFolder();
        using catalog = folder.open();
        const location = someLocation();
        catalog.locations.add(location);
        for (const [index, end] of ends.entries()) {
          const lock = end === null ? { retainUntil: null, lockReadAt: null } : { retainUntil: timeAt(end), lockReadAt: timeAt(0) };
          catalog.objects.record(someObject(location.locationId, `i/${String(index).padStart(3, '0')}`, lock));
        }
        const expected = [...ends.entries()]
          .filter(([, end]) => end === null || end < before)
          .toSorted(([one, a], [other, b]) => (a ?? 0) - (b ?? 0) || one - other)
          .map(([index]) => `i/${String(index).padStart(3, '0')}`);
        assert.deepEqual(endingBefore(catalog, location.locationId, timeAt(before), pageSize), expected);
      }),
      { numRuns: 20 },
    );
  });

  it('leave out what is condemned or not there', () => {
    using folder = new CatalogFolder();
    using catalog = folder.open();
    const { locationId, ...location } = someLocation();
    catalog.locations.add({ locationId, ...location });
    for (const state of ['present', 'condemned', 'deleting', 'missing'] as const) {
      catalog.objects.record(someObject(locationId, `i/${state}`, { state }));
    }
    assert.deepEqual(endingBefore(catalog, locationId, timeAt(9), 10), ['i/present']);
  });

  it('number the objects of a location in the order in which they became known, and for good', () => {
    using folder = new CatalogFolder();
    using catalog = folder.open();
    const { locationId, ...location } = someLocation();
    catalog.locations.add({ locationId, ...location });
    for (const key of ['i/b', 'i/a', 'i/c']) catalog.objects.record(someObject(locationId, key));
    catalog.objects.record(someObject(locationId, 'i/b', { size: 7, lockReadAt: null }));
    const numbers = ['i/b', 'i/a', 'i/c'].map((key) => catalog.objects.get(locationId, key)?.number);
    assert.deepEqual(numbers, [1, 2, 3]);
    assert.equal(catalog.objects.get(locationId, 'i/b')?.size, 7);
  });

  it('go with their restore point, and with their location', () => {
    using folder = new CatalogFolder();
    using catalog = folder.open();
    const { locationId, ...location } = someLocation();
    catalog.locations.add({ locationId, ...location });
    const point = { restorePointId: idOf<RestorePointId>(newId()), locationId, policyId: idOf<PolicyId>(newId()) };
    catalog.reaches.record(point, [3, 1, 2, 9]);
    assert.deepEqual(
      [...(catalog.reaches.of(point.restorePointId)?.runs ?? [])],
      [
        [1, 3],
        [9, 9],
      ],
    );
    catalog.lockRuns.set(locationId, '{}');
    catalog.forgetLocation(locationId);
    assert.equal(catalog.reaches.of(point.restorePointId), undefined);
    assert.equal(catalog.lockRuns.get(locationId), undefined);
  });

  it('are listed by the folder of their keys, in the order of the keys and in pages of any size', () => {
    using folder = new CatalogFolder();
    using catalog = folder.open();
    const { locationId, ...location } = someLocation();
    catalog.locations.add({ locationId, ...location });
    for (const key of ['i/b', 'i-1/a', 'i/a/c', 'i/a-b', 'h/z', 'i0', 'i/z', 'j/a']) catalog.objects.record(someObject(locationId, key));
    for (const limit of [1, 2, 4, 9]) {
      const found: string[] = [];
      for (let page = catalog.objects.below(locationId, 'i/', '', limit); page.length > 0; ) {
        found.push(...page.map(({ objectKey }) => objectKey));
        page = catalog.objects.below(locationId, 'i/', found.at(-1) ?? '', limit);
      }
      assert.deepEqual(found, ['i/a-b', 'i/a/c', 'i/b', 'i/z']);
    }
  });

  it('keep when a finding was first seen, and forget what a whole audit has not met again', () => {
    using folder = new CatalogFolder();
    using catalog = folder.open();
    const { locationId, ...location } = someLocation();
    catalog.locations.add({ locationId, ...location });
    const finding = {
      locationId,
      kind: 'deleteMarker',
      objectKey: 'i/a',
      versionId: 'm',
      storeTime: timeAt(1),
      detail: '',
      expectedUntil: null,
    };
    assert.equal(catalog.tamperings.record({ ...finding, firstSeen: timeAt(2), lastSeen: timeAt(2) }), true);
    assert.equal(catalog.tamperings.record({ ...finding, firstSeen: timeAt(5), lastSeen: timeAt(5) }), false);
    assert.equal(
      catalog.tamperings.record({ ...finding, versionId: 'n', storeTime: null, firstSeen: timeAt(4), lastSeen: timeAt(4) }),
      true,
    );
    assert.equal(catalog.tamperings.earliest(locationId), timeAt(1));
    catalog.tamperings.forgetUnseenSince(locationId, timeAt(5));
    assert.deepEqual(
      catalog.tamperings
        .ofKind(locationId, 'deleteMarker', 10)
        .map(({ versionId, firstSeen, lastSeen }) => [versionId, firstSeen, lastSeen]),
      [['m', timeAt(2), timeAt(5)]],
    );
    assert.equal(catalog.tamperings.get(locationId, 'deleteMarker', 'i/a', 'm')?.firstSeen, timeAt(2));
    assert.deepEqual(
      ['deleteMarker', 'missingVersion'].map((kind) => catalog.tamperings.has(locationId, kind)),
      [true, false],
    );
    // The clock was set back meanwhile.
    catalog.tamperings.forgetUnseenSince(locationId, timeAt(3));
    assert.equal(catalog.tamperings.count(locationId), 0);
  });
});
