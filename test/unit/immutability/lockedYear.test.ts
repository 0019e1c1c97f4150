import assert from 'node:assert/strict';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

/** HOLDFAST_YEAR_DAYS=365 asks for the whole year, which takes some minutes. */
const days = Number(process.env['HOLDFAST_YEAR_DAYS'] ?? 12);
const dayMs = 86_400_000;
const policies = ['one', 'two', 'three'] as const;

/** By the bucket: each object that a live restore point reaches is locked for the period. Gives how many there are. */
function assertInvariant(world: BucketDaemon): number {
  const { catalog, locationId, clock } = world;
  const [location] = catalog.locations.list();
  const keys = new Map<number, string>();
  for (const { number, objectKey } of catalog.objects.lockTimes(locationId)) keys.set(number, objectKey);
  const reached = new Set<string>();
  for (const { id } of catalog.restorePoints.keptAt(location?.storeId ?? assert.fail())) {
    const reach = catalog.reaches.of(id);
    assert.ok(reach !== undefined);
    for (const [first, last] of reach.runs) {
      for (let number = first; number <= last; number += 1) reached.add(keys.get(number) ?? assert.fail(`number ${number} is nobody's`));
    }
  }
  const period = (location?.protectionPeriodDays ?? 0) * dayMs;
  for (const key of reached) {
    const left = (world.lockedUntil(key) ?? 0) - clock.storeMs;
    assert.ok(left >= period, `${key} has ${left / dayMs} days on day ${(clock.storeMs - Date.UTC(2026, 0, 1)) / dayMs}`);
  }
  return reached.size;
}

describe('a year at an immutable location', function () {
  this.timeout(60_000 + days * 15_000);

  it(`F2: of three policies with daily backups, retention and collections, every live restore point is locked at any time and restores (${days} days)`, async () => {
    await using world = await BucketDaemon.ready({ protectionPeriod: 1 });
    for (const name of policies)
      await world.createPolicy(name, { keep: { latest: 3, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 } });
    let freed = 0;
    for (let day = 1; day <= days; day += 1) {
      for (const name of policies) {
        world.changeSource();
        await world.backUp(name);
      }
      for (let leap = 0; leap < 4; leap += 1) {
        await world.pass(6, 6);
        assert.ok(assertInvariant(world) > 0);
      }
      freed += (await world.collect()).freedObjects;
      // Off over a weekend, as is expected of a desktop.
      if (day % 7 === 5) {
        world.clock.sleep(3 * dayMs);
        assert.ok(assertInvariant(world) > 0);
      }
      if (day % 10 === 0) await world.restart();
    }
    const live = (await Promise.all(policies.map((name) => world.daemon.restorePoints(name)))).flat();
    assert.equal(live.length, Math.min(days, 3) * policies.length);
    for (const { id } of live) await world.assertRestores(id);
    assert.ok(freed > 0, 'what was retired went once its locks had ended');
  });
});
