import assert from 'node:assert/strict';
import { HoldfastError } from '../../../protocol/errors.ts';
import { CatalogFolder, someLocation, someObject } from '../../support/catalog.ts';
import { allObjects, assertWhole } from '../../support/catalogTransactions.ts';

const location = someLocation();

describe('transactions of the catalog', () => {
  let folder: CatalogFolder;
  beforeEach(() => {
    folder = new CatalogFolder();
    const catalog = folder.open();
    catalog.locations.add(location);
    catalog.close();
  });
  afterEach(() => folder[Symbol.dispose]());

  it('X7: says that another process is using it where that one does not let go', () => {
    const holder = folder.open();
    const waiting = folder.open({ busyTimeout: 1 });
    holder.transaction(() => {
      holder.sequences.next('keyring');
      assert.throws(
        () => waiting.sequences.next('keyring'),
        (error) => HoldfastError.is(error, 'failed') && /another process/.test(error.message),
      );
    });
    assert.equal(waiting.sequences.next('keyring'), 2);
  });

  it('X4: refuses a transaction that the disk has no room for, whole, and goes on once there is room', () => {
    const small = folder.open({ maxPages: 60 });
    const written: number[] = [];
    assert.throws(
      () => {
        for (;;) {
          const taken = small.transaction(() => {
            const sequence = small.sequences.next('keyring');
            for (const part of ['a', 'b', 'c'])
              small.objects.record(someObject(location.locationId, `k/${sequence}/${part}`, { size: sequence }));
            return sequence;
          });
          written.push(taken);
        }
      },
      (error) => HoldfastError.is(error, 'diskFailed') && /full/.test(error.message) && error.fix !== undefined,
    );
    assert.ok(written.length > 3);
    assertWhole(small, location.locationId, written);
    small.close();
    const roomy = folder.open();
    assertWhole(roomy, location.locationId, written);
    assert.equal(roomy.sequences.next('keyring'), written.length + 1);
  });

  it('rolls back a transaction that throws, and refuses one that would wait', () => {
    const catalog = folder.open();
    const object = someObject(location.locationId, 'i/a');
    assert.throws(() =>
      catalog.transaction(() => {
        catalog.objects.record(object);
        catalog.transaction(() => catalog.objects.record({ ...object, objectKey: 'i/b' }));
        throw new HoldfastError('failed', 'Failed to test: on purpose.');
      }),
    );
    assert.throws(
      () =>
        catalog.transaction(() => {
          catalog.objects.record(object);
          return Promise.resolve();
        }),
      /cannot wait/,
    );
    assert.deepEqual(allObjects(catalog, location.locationId), []);
  });
});
