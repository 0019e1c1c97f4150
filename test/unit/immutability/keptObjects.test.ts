import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { KeptObjects } from '../../../daemon/immutability/keptObjects.ts';
import { LockFigures } from '../../../daemon/immutability/lockFigures.ts';
import { safeUntil } from '../../../daemon/locks/lockPlan.ts';
import type { ActionId, PolicyId, RestorePointId } from '../../../protocol/ids.ts';
import { someAction, somePolicy } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';
import { LockBench } from '../../support/lockBench.ts';

const states = ['present', 'present', 'present', 'condemned', 'deleting', 'missing'] as const;

const world = fc.record({
  objects: fc.array(
    fc.record({
      days: fc.integer({ min: 1, max: 60 }),
      state: fc.constantFrom(...states),
      isSecond: fc.boolean(),
      isRead: fc.constantFrom(true, true, true, false),
      /** How many days longer the bucket holds it than the ledger knows: a run that was killed. */
      ahead: fc.constantFrom(0, 0, 5),
      isPinned: fc.constantFrom(false, false, false, true),
      isMarker: fc.constantFrom(false, false, false, false, false, true),
    }),
    { minLength: 1, maxLength: 30 },
  ),
  points: fc.array(
    fc.record({
      reach: fc.array(fc.nat(40), { maxLength: 12 }),
      isKnown: fc.constantFrom(true, true, true, true, false),
      isSecond: fc.boolean(),
      state: fc.constantFrom('live' as const, 'live' as const, 'damaged' as const, 'retired' as const),
      pinned: fc.constantFrom(false, false, true),
    }),
    { maxLength: 6 },
  ),
});

describe('what is kept locked, and until when it is safe', () => {
  it('R7 F2: is what a naive look at every restore point says, and never later than the bucket itself does (property)', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ objects, points }) => {
        await using bench = new LockBench();
        const { catalog, locationId, location } = bench;
        const second: PolicyId = newId();
        catalog.policies.add(somePolicy(locationId, { policyId: second, name: 'second' }));
        const actionId: ActionId = newId();
        catalog.actions.insert(someAction({ actionId }), newId());
        const rows = objects.map(({ days, state, isSecond, isRead, ahead, isPinned, isMarker }) => {
          const row = bench.put(bench.in(days + ahead), {
            state,
            policyId: isMarker ? null : isSecond ? second : bench.policyId,
            kind: isMarker ? 'marker' : 'pack',
            ...(isRead ? { retainUntil: new Date(bench.in(days)).toISOString() } : { retainUntil: null, lockReadAt: null }),
          });
          if (isPinned) catalog.runPins.pin({ actionId, locationId, objectKey: row.objectKey, reason: 'upload' });
          return row;
        });
        const made = points.map(({ reach, isKnown, isSecond, state, pinned }, sequence) => {
          const numbers = [...new Set(reach.map((at) => rows[at % rows.length]?.number ?? 1))];
          const policyId = isSecond ? second : bench.policyId;
          const id: RestorePointId = bench.point(isKnown ? numbers : undefined, { state, pinned, policyId, sequence: sequence + 1 });
          return { id, numbers, isKnown, policyId, isKept: state !== 'retired' || pinned };
        });
        const isPromised = (row: (typeof rows)[number]): boolean =>
          row.kind === 'marker' ||
          made.some(
            (point) =>
              point.isKept &&
              (point.isKnown ? point.numbers.includes(row.number) : row.policyId === point.policyId && row.state === 'present'),
          );
        const kept = new KeptObjects(catalog, location);
        const figures = new LockFigures(catalog);
        const { shortest, objects: counted } = figures.of(location);
        for (const [index, row] of rows.entries()) {
          assert.equal(kept.isPromised(row), isPromised(row));
          assert.equal(kept.has(row), isPromised(row) || objects[index]?.isPinned === true);
        }
        const promised = rows.filter(isPromised);
        assert.equal(counted, promised.length);
        const real = (row: (typeof rows)[number]): Date | null =>
          row.state === 'present' || row.state === 'condemned' ? new Date(bench.lockedUntil(row.objectKey) ?? 0) : null;
        const told = shortest === null ? null : safeUntil(bench.plan, [shortest.retainUntil]);
        const bucketSays = safeUntil(bench.plan, promised.map(real));
        assert.equal(told === null, bucketSays === null);
        assert.ok((told?.getTime() ?? 0) <= (bucketSays?.getTime() ?? 0), 'safe until');
        for (const { id, numbers, isKnown } of made) {
          const until = figures.protectedUntil(location, id);
          const held = numbers.flatMap((number) => rows.filter((row) => row.number === number)).map(real);
          const least = Math.min(...held.map((date) => date?.getTime() ?? 0));
          if (until !== null) assert.ok(isKnown && until.getTime() <= least, 'protected until');
          const isWhole =
            numbers.length > 0 &&
            numbers.every((number) => rows.some((row) => row.number === number && row.retainUntil !== null && real(row) !== null));
          assert.equal(until !== null, isKnown && isWhole);
        }
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);
});
