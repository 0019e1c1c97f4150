import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { Catalog } from '../../../daemon/catalog/catalog.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Page } from '../../../protocol/method.ts';
import { CatalogFolder, someAction, someLocation, someObject, somePoint, somePolicy, timeAt } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';

const isBadValue = (error: unknown): boolean => HoldfastError.is(error, 'badValue');

function everyPage<Item>(list: (after: { readonly after?: string }) => Page<Item>, limit: number): readonly Item[] {
  const items: Item[] = [];
  for (let after: { readonly after?: string } = {}; ; ) {
    const page = list(after);
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    if (page.next === null) return items;
    assert.equal(page.items.length, limit, 'only the last page is short');
    assert.ok(items.length < 1000, 'the list never ends');
    after = { after: page.next };
  }
}

describe('lists of the catalog, page by page', () => {
  let folder: CatalogFolder;
  let catalog: Catalog;
  const location = someLocation();
  const [first, second] = [somePolicy(location.locationId), somePolicy(location.locationId, { name: 'second' })];

  before(() => {
    folder = new CatalogFolder();
    catalog = folder.open();
    catalog.transaction(() => {
      catalog.locations.add(location);
      for (const policy of [first, second]) catalog.policies.add(policy);
      // Many start in the same second, and the clock was set back once.
      for (let index = 0; index < 60; index += 1) {
        const policyId = index % 3 === 0 ? second.policyId : first.policyId;
        const state = index % 5 === 0 ? 'retired' : 'live';
        catalog.restorePoints.add(somePoint(policyId, index + 1, { startedAt: timeAt(((index >> 3) * 17) % 60), state }));
        catalog.objects.record(someObject(location.locationId, `i/${String(index * 7919).padStart(8, '0')}`));
        catalog.actions.insert(someAction({ queuedAt: timeAt(index >> 2) }), newId());
      }
    });
  });
  after(() => folder[Symbol.dispose]());

  it('give each row once and in order, whatever the size of a page', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), (limit) => {
        const all = everyPage((after) => catalog.restorePoints.list({ ...after, limit, includeRetired: true }), limit);
        assert.equal(new Set(all.map(({ id }) => id)).size, 60);
        const starts = all.map(({ startedAt }) => startedAt);
        assert.deepEqual(starts, starts.toSorted().toReversed());

        const ofOne = everyPage((after) => catalog.restorePoints.list({ ...after, limit, policyId: first.policyId }), limit);
        assert.equal(ofOne.length, 32);
        const sequences = ofOne.map(({ sequence }) => sequence);
        assert.deepEqual(
          sequences,
          sequences.toSorted((left, right) => right - left),
        );

        const objects = everyPage((after) => catalog.objects.list({ ...after, limit, locationId: location.locationId }), limit);
        const keys = objects.map(({ objectKey }) => objectKey);
        assert.equal(new Set(keys).size, 60);
        assert.deepEqual(keys, keys.toSorted());

        const actions = everyPage((after) => catalog.actions.list({ ...after, limit }), limit);
        assert.equal(new Set(actions.map(({ actionId }) => actionId)).size, 60);
      }),
      { numRuns: 15 },
    );
  });

  it('take restore points from a time on', () => {
    const since = timeAt(17);
    const { items } = catalog.restorePoints.list({ since });
    assert.ok(items.length > 0 && items.every(({ startedAt }) => startedAt >= since));
    assert.equal(catalog.restorePoints.list({ since: timeAt(9999) }).items.length, 0);
  });

  it('go on where they were when rows come and go between pages', () => {
    const page = catalog.actions.list({ limit: 10 });
    catalog.actions.insert(someAction({ queuedAt: timeAt(1000) }), newId());
    const next = catalog.actions.list({ limit: 10, after: page.next ?? '' });
    const seen = new Set(page.items.map(({ actionId }) => actionId));
    assert.ok(next.items.every(({ actionId }) => !seen.has(actionId)));
  });

  it('M1: refuse a cursor that they did not give', () => {
    const ofObjects = catalog.objects.list({ locationId: location.locationId, limit: 1 }).next ?? '';
    const cursors = [
      '',
      'x',
      '[]',
      'bnVsbA',
      ofObjects,
      Buffer.from('[{"a":1},2]').toString('base64url'),
      Buffer.from('["a"]').toString('base64url'),
    ];
    for (const after of cursors) assert.throws(() => catalog.restorePoints.list({ after }), isBadValue, after);
    assert.throws(() => catalog.actions.list({ after: Buffer.from('[1,2]').toString('base64url') }), isBadValue);
    fc.assert(fc.property(fc.string(), (after) => assert.throws(() => catalog.restorePoints.list({ after }), isBadValue)));
  });
});
