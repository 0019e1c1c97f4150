import assert from 'node:assert/strict';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import { immutabilityStatus } from '../../../protocol/methods/immutability.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

const minute = 60_000;
const day = 1440 * minute;

/** While no daemon runs the store's clock is set; the machine's is right. */
async function set(world: BucketDaemon, days: number): Promise<void> {
  await world.stop();
  world.clock.storeMs += days * day;
  world.clock.skewMs -= days * day;
  await world.start();
  await world.unlock();
  await world.idle();
}

/** The soonest end of a lock of what the next backup puts. */
async function nextLock(world: BucketDaemon): Promise<number> {
  const before = new Set([...world.bucket.entries()].map(({ key }) => key));
  world.changeSource();
  await world.backUp();
  const put = [...world.bucket.entries()].filter(({ key }) => !before.has(key) && parseObjectKey(key)?.type !== undefined);
  assert.ok(put.length > 1);
  return Math.min(...put.map(({ key }) => world.lockedUntil(key) ?? 0));
}

describe("a store's clock that is set while no daemon runs", function () {
  this.timeout(60_000);

  it('F1: shortens no lock that is asked for where it goes back', async () => {
    await using world = await BucketDaemon.ready();
    const longest = await nextLock(world);
    await set(world, -10);
    assert.ok((await nextLock(world)) > longest - minute, 'locks are as long as before');
  });

  it('F1: is followed as it goes on, and what it said while it was wrong is forgotten with the next whole run', async () => {
    await using world = await BucketDaemon.ready();
    const first = await nextLock(world);
    await set(world, 20);
    const ahead = await nextLock(world);
    assert.ok(ahead >= first + 20 * day);
    await set(world, -20);
    assert.ok((await nextLock(world)) > ahead - minute);
    await set(world, 0);
    assert.ok((await nextLock(world)) < first + day);
  });

  it('F1: makes no run of the monitor follow upon the other where it goes back by more than an interval under way', async () => {
    await using world = await BucketDaemon.ready();
    const longest = await nextLock(world);
    world.clock.storeMs -= 10 * day;
    world.clock.skewMs += 10 * day;
    await world.pass(60, 12);
    assert.ok((await nextLock(world)) > longest);
    const { locations } = await world.daemon.call(immutabilityStatus, {});
    assert.deepEqual(
      locations.map(({ isRefreshing }) => isRefreshing),
      [false],
    );
  });
});
