import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { BundleRecord } from '../../../../daemon/catalog/bundleStore.ts';
import { unneededBundles } from '../../../../daemon/recovery/bundles/sweepBundles.ts';
import type { LocationId } from '../../../../protocol/ids.ts';
import { newId } from '../../../support/ids.ts';

const dayMs = 86_400_000;
const now = new Date('2026-03-01T00:00:00.000Z');
const locationId = newId<LocationId>();

function bundle(sequence: number, daysAgo: number, base: string | null = null, isWhole = 1): BundleRecord {
  return {
    bundleId: String(sequence),
    locationId,
    objectKey: `key/${sequence}`,
    drkId: new Uint8Array(16),
    sequence,
    created: new Date(now.getTime() - daysAgo * dayMs).toISOString(),
    base,
    copyId: `copy ${sequence}`,
    keyringKey: 'keyring',
    restorePoints: 0,
    isWhole,
  };
}

const ids = (bundles: readonly BundleRecord[]): readonly string[] => bundles.map(({ bundleId }) => bundleId);

describe('bundles that nobody needs any more', () => {
  it('R6: are those before the last one from before the protection period, deltas before what they build on', () => {
    const all = [bundle(1, 12), bundle(2, 11.5, '1'), bundle(3, 11), bundle(4, 10.5), bundle(5, 3), bundle(6, 1, '5')];
    assert.deepEqual(ids(unneededBundles(all, now, 10, true)), ['3', '2', '1']);
    assert.deepEqual(ids(unneededBundles(all, now, 10, false)), ['4', '3', '2', '1']);
  });

  it('are none that a bundle within it builds on', () => {
    assert.deepEqual(ids(unneededBundles([bundle(1, 12), bundle(2, 11), bundle(3, 9, '1')], now, 10, false)), ['2']);
  });

  it('are none that are under way', () => {
    assert.deepEqual(unneededBundles([bundle(1, 30, null, 0), bundle(2, 1)], now, 10, true), []);
  });

  it('R6: leave, whatever there was, a bundle with its base for each time of the protection period that had one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ daysAgo: fc.double({ min: 0, max: 20, noNaN: true }), isDelta: fc.boolean() }), { maxLength: 30 }),
        fc.double({ min: 0, max: 10, noNaN: true }),
        (made, wanted) => {
          const all: BundleRecord[] = [];
          for (const [index, { daysAgo, isDelta }] of made.toSorted((a, b) => b.daysAgo - a.daysAgo).entries()) {
            const base = isDelta ? all.findLast((one) => one.base === null) : undefined;
            all.push(bundle(index + 1, daysAgo, base?.bundleId ?? null));
          }
          const gone = new Set(ids(unneededBundles(all, now, 10, true)));
          const left = all.filter(({ bundleId }) => !gone.has(bundleId));
          const at = new Date(now.getTime() - wanted * dayMs).toISOString();
          const lastBefore = (bundles: readonly BundleRecord[]): string | undefined =>
            bundles.findLast(({ created }) => created <= at)?.bundleId;
          assert.equal(lastBefore(left), lastBefore(all));
          for (const { base } of left) assert.ok(base === null || !gone.has(base));
        },
      ),
    );
  });
});
