import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseObjectKey } from '../../../../daemon/repository/names.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { restorePointRetire } from '../../../../protocol/methods/restorePoints.ts';
import type { VersionedStore } from '../../../support/bucket/bucketStore.ts';
import { interceptedStore } from '../../../support/bucket/interceptedStore.ts';
import { versionIdOf } from '../../../support/bucket/bucketVersion.ts';
import { BucketDaemon } from '../../../support/bucketDaemon.ts';
import { succeeded } from '../../../support/drivenDaemon.ts';

const day = 86_400_000;

/** Two restore points of which the older one is retired, with the daemon away until its locks have ended; what only the older one needed is to go. */
async function withGarbage(): Promise<{ readonly world: BucketDaemon; readonly newest: string }> {
  const world = await BucketDaemon.ready({ protectionPeriod: 2 });
  const oldest = await world.backUp();
  world.changeSource();
  const newest = await world.backUp();
  await world.daemon.call(restorePointRetire, { restorePoint: oldest, confirmed: true });
  return { world, newest };
}

function keysOf({ bucket }: BucketDaemon): readonly string[] {
  return [...bucket.entries()].map(({ key }) => key).filter((key) => parseObjectKey(key) !== undefined);
}

describe('garbage collection at a location with locks', function () {
  this.timeout(60_000);

  it('R6: retires what is locked, says how long its space is held, deletes nothing before, and by version id afterwards', async () => {
    const { world, newest } = await withGarbage();
    await using owned = world;
    const before = keysOf(owned);
    world.bucket.resetCalls();
    const first = await world.collect();
    assert.deepEqual([first.freedObjects, world.bucket.calls('DeleteObjectVersion')], [0, 0], 'nothing that is locked is even tried');
    assert.ok(first.waiting.length > 0 && first.waiting.every(({ until }) => Date.parse(until) > world.clock.storeMs));
    assert.deepEqual(keysOf(world), before);
    const { locationId } = world;
    assert.equal(world.catalog.objects.list({ locationId, state: 'condemned' }).items.length, 0, 'until then a backup may find it again');
    const ends = Math.max(...first.waiting.map(({ until }) => Date.parse(until)));
    await world.pass((ends - world.clock.storeMs) / 3_600_000 + 1, 12);
    await world.collect();
    const after = keysOf(world);
    assert.ok(after.length < before.length);
    assert.equal(world.bucket.calls('BypassGovernanceRetention'), 0);
    for (const { version } of world.bucket.entries()) assert.equal(version.isDeleteMarker, false);
    await world.assertRestores(newest);
    world.changeSource();
    await world.assertRestores(await world.backUp());
  });

  it('F3: what somebody locked anew between the look and the delete waits for the end of that lock, and the collection ends well', async () => {
    const { world, newest } = await withGarbage();
    await using owned = world;
    await owned.pass(20 * 24, 12);
    const until = Math.floor((world.clock.storeMs + 10 * day) / 1000);
    const locked: string[] = [];
    world.wrap = (store) =>
      interceptedStore(store, async (verb, key, act) => {
        if (verb === 'delete') {
          locked.push(key);
          for (const version of world.bucket.history(key)) {
            world.bucket.setRetention(key, versionIdOf(version), { mode: 'COMPLIANCE', until });
          }
        }
        return await act();
      });
    const held = await world.collect();
    assert.ok(locked.length > 0);
    assert.equal(held.freedObjects, 0);
    assert.ok(held.waiting.some((waiting) => Math.abs(Date.parse(waiting.until) - until * 1000) <= 60_000));
    world.wrap = (store) => store;
    for (const key of locked) assert.equal(world.bucket.history(key).length, 1);
    world.bucket.resetCalls();
    assert.equal((await world.collect()).freedObjects, 0);
    assert.equal(world.bucket.calls('DeleteObjectVersion'), 0);
    await world.pass(11 * 24, 12);
    await world.collect();
    for (const key of locked) assert.equal(world.bucket.history(key).length, 0);
    await world.assertRestores(newest);
  });

  it('F3: what a retired restore point reaches waits for the lock of its manifest: none lies in the store whose data is gone', async () => {
    const { world, newest } = await withGarbage();
    await using owned = world;
    const before = keysOf(owned);
    const points = world.catalog.restorePoints.list({ includeRetired: true }).items;
    const manifestKey = points.find(({ state }) => state === 'retired')?.manifestKey ?? '';
    const until = Math.floor((world.clock.storeMs + 40 * day) / 1000);
    for (const version of world.bucket.history(manifestKey)) {
      world.bucket.setRetention(manifestKey, versionIdOf(version), { mode: 'COMPLIANCE', until });
    }
    await world.pass(20 * 24, 12);
    const { waiting } = await world.collect();
    assert.deepEqual(keysOf(world), before);
    assert.ok(waiting.length > 0 && waiting.every((one) => Math.abs(Date.parse(one.until) - until * 1000) <= 60_000));
    await world.pass(21 * 24, 12);
    await world.collect();
    assert.ok(!keysOf(world).includes(manifestKey));
    assert.ok(keysOf(world).length < before.length - 1);
    assert.equal(world.catalog.restorePoints.list({ includeRetired: true }).items.length, 1);
    await world.assertRestores(newest);
  });

  it('X1 F3: a collection that dies at any of its deletes is finished by the next, and nothing that is live goes', async () => {
    for (const [at, moment] of [
      [1, 'before'],
      [1, 'after'],
      [2, 'after'],
    ] as const) {
      const { world, newest } = await withGarbage();
      await using owned = world;
      // The daemon collects by itself as well: not in these days.
      owned.wrap = withoutDeletes;
      await world.pass(20 * 24, 12);
      let deletes = 0;
      world.wrap = (store) =>
        interceptedStore(store, async (verb, _key, act) => {
          if (verb !== 'delete') return await act();
          deletes += 1;
          if (deletes < at) return await act();
          if (moment === 'after') await act();
          throw new HoldfastError('storeUnreachable', 'The daemon died.');
        });
      await assert.rejects(world.collect());
      world.wrap = (store) => store;
      await world.restart();
      await world.collect();
      await world.assertRestores(newest);
      world.changeSource();
      await world.assertRestores(await world.backUp());
      assert.equal(world.catalog.objects.list({ locationId: world.locationId, state: 'deleting' }).items.length, 0);
    }
  });

  it('F3: what a backup has found again is not deleted under it, although its lock has ended', async () => {
    await using world = await BucketDaemon.ready({ protectionPeriod: 2 });
    const file = path.join(world.source, 'again');
    const write = (text: string): void => {
      for (const name of readdirSync(world.source)) rmSync(path.join(world.source, name));
      writeFileSync(file, text.repeat(1000));
    };
    write('the first ');
    const oldest = await world.backUp();
    const packs = keysOf(world).filter((key) => parseObjectKey(key)?.type === 'pack');
    write('the second ');
    await world.backUp();
    await world.daemon.call(restorePointRetire, { restorePoint: oldest, confirmed: true });
    // The collections of these days condemn nothing, so that all can still be found when the first content is back.
    world.wrap = (store) =>
      interceptedStore(store, async (verb, _key, act) => {
        if (verb === 'get') throw new HoldfastError('storeUnreachable', 'Not now.');
        return await act();
      });
    await world.pass(20 * 24, 12);
    write('the first ');
    const reached = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let isHeldUp = false;
    world.wrap = (store) =>
      interceptedStore(store, async (verb, key, act) => {
        // The gate is about to extend: what was found again is pinned, and its lock is still the old one.
        if (verb === 'extend' && packs.includes(key) && !isHeldUp) {
          isHeldUp = true;
          reached.resolve();
          await release.promise;
        }
        return await act();
      });
    const started = await world.daemon.startBackup();
    await reached.promise;
    const pinned = packs.filter((key) => world.catalog.runPins.isPinned(world.locationId, key));
    assert.ok(pinned.length > 0);
    await world.collect();
    for (const key of pinned) assert.equal(world.bucket.history(key).length, 1, 'it is pinned');
    release.resolve();
    succeeded(await world.daemon.ended(started));
    const [newest] = await world.daemon.restorePoints('files');
    await world.assertRestores(newest?.id ?? '');
  });
});

/** No collection comes to its end. */
function withoutDeletes(store: VersionedStore): VersionedStore {
  return interceptedStore(store, async (verb, _key, act) => {
    if (verb === 'delete') throw new HoldfastError('storeUnreachable', 'Not now.');
    return await act();
  });
}
