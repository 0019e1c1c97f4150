import assert from 'node:assert/strict';
import { lockPlan, lockTerms } from '../../../daemon/locks/lockPlan.ts';
import { parseObjectKey } from '../../../daemon/repository/names.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { idOf, type RestorePointId } from '../../../protocol/ids.ts';
import { versionIdOf } from '../../support/bucket/bucketVersion.ts';
import { interceptedStore } from '../../support/bucket/interceptedStore.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';
import { countCatalogWrites } from '../../support/crashPoints.ts';
import { succeeded } from '../../support/drivenDaemon.ts';
import { testSeed } from '../../support/mochaHooks.ts';

const day = 86_400_000;

/** Does `act` as the next manifest is about to be put. */
function atNextManifest({ bucket }: BucketDaemon, act: () => void): void {
  bucket.beforeCall = (verb, key) => {
    if (verb !== 'PutObject' || parseObjectKey(key)?.type !== 'manifest') return;
    bucket.beforeCall = () => undefined;
    act();
  };
}

function keysOf({ bucket }: BucketDaemon, type: 'pack' | 'index' | 'manifest'): readonly string[] {
  return [...bucket.entries()].map(({ key }) => key).filter((key) => parseObjectKey(key)?.type === type);
}

/** By somebody who may bypass governance. */
function deleteByForce({ bucket }: BucketDaemon, keys: readonly string[]): void {
  for (const key of keys)
    for (const version of bucket.history(key).toReversed()) bucket.deleteVersion(key, versionIdOf(version), { bypass: true });
}

describe('backups at a location with locks', function () {
  this.timeout(60_000);

  it('S9: a manifest that the gate refuses after its put stays locked: the run goes on without it, and so do all later ones', async () => {
    await using world = await BucketDaemon.ready({ lockMode: 'governance' });
    await world.backUp();
    world.changeSource();
    const packs = keysOf(world, 'pack');
    atNextManifest(world, () => deleteByForce(world, packs));
    const second = await world.backUp();
    await world.assertRestores(second);
    world.changeSource();
    const third = await world.backUp();
    await world.assertRestores(third);
    const listed = await world.daemon.restorePoints('files');
    assert.deepEqual([listed[0]?.id, listed[1]?.id, listed.length], [third, second, 3]);
    const sequences = keysOf(world, 'manifest')
      .map((key) => parseObjectKey(key))
      .flatMap((name) => (name?.type === 'manifest' ? [name.sequence] : []));
    assert.deepEqual(sequences, [1, 2, 3, 4], 'the one that was withdrawn keeps its sequence for itself');
  });

  it('X1 S3: a daemon that dies at any write to the bucket, before or after it was done, loses nothing and locks all that it takes over', async () => {
    for (let at = 1; ; at += 1) {
      let wasReached = false;
      for (const moment of ['before', 'after'] as const) {
        await using world = await BucketDaemon.ready();
        await world.backUp();
        world.changeSource();
        let writes = 0;
        world.wrap = (store) =>
          interceptedStore(store, async (verb, key, act) => {
            if (verb !== 'put' && verb !== 'extend' && verb !== 'delete') return await act();
            writes += 1;
            if (writes < at) return await act();
            wasReached = true;
            if (writes === at && moment === 'after') await act();
            throw new HoldfastError('storeUnreachable', `The daemon died at ${verb} ${key}.`);
          });
        const started = await world.daemon.startBackup();
        const { state } = await world.daemon.ended(started);
        assert.equal(state, wasReached ? 'failed' : 'complete');
        world.wrap = (store) => store;
        await world.restart();
        const next = await world.backUp();
        await world.assertRestores(next);
        const listed = await world.daemon.restorePoints('files');
        assert.equal(listed[0]?.id, next);
        for (const { id } of listed) {
          succeeded(await world.daemon.verify(id));
          assertKept(world, id);
        }
        assert.equal(new Set(listed.map(({ sequence }) => sequence)).size, listed.length);
      }
      if (!wasReached) return;
    }
  });

  it('X1: where a transaction of the catalog around the acknowledgement fails, the next run takes over what it put, with what it reaches', async () => {
    let adopted = 0;
    for (let at = 1; at <= 3; at += 1) {
      await using world = await BucketDaemon.ready();
      await world.backUp();
      world.changeSource();
      let isArmed = false;
      let writes = 0;
      atNextManifest(world, () => {
        isArmed = true;
      });
      {
        using counting = countCatalogWrites((step) => {
          if (isArmed && step === 'commit') writes += 1;
          if (writes !== at) return;
          isArmed = false;
          writes += 1;
          throw new Error('the disk is gone for a moment');
        });
        void counting;
        await world.daemon.ended(await world.daemon.startBackup());
      }
      await world.restart();
      world.changeSource();
      const next = await world.backUp();
      await world.assertRestores(next);
      const listed = await world.daemon.restorePoints('files');
      for (const { id } of listed) {
        succeeded(await world.daemon.verify(id));
        assertKept(world, id);
      }
      adopted += listed.length === 3 ? 1 : 0;
    }
    assert.ok(adopted > 0);
  });

  it(`X1: a daemon that can write its catalog no more ends its backup, and the next one takes over what it put (seed ${testSeed()})`, async () => {
    let wasReached = true;
    // Each run writes some fifteen times: every fourth is tried, and which ones is up to the seed.
    for (let at = 1 + (Math.abs(testSeed()) % 4); wasReached; at += 4) {
      await using world = await BucketDaemon.ready();
      await world.backUp();
      world.changeSource();
      wasReached = false;
      let ended = 'never started';
      {
        let writes = 0;
        using counting = countCatalogWrites(() => {
          writes += 1;
          if (writes < at) return;
          wasReached = true;
          throw new Error('the disk is gone');
        });
        void counting;
        const started = await world.daemon.startBackup().catch((error: unknown) => assert.ok(HoldfastError.is(error)));
        if (started !== undefined) ended = (await world.daemon.ended(started)).state;
      }
      await world.restart();
      // The write that is refused may be the note of the end: what was acknowledged by then is complete.
      if (ended === 'complete') assert.equal((await world.daemon.restorePoints('files')).length, 2);
      else assert.ok(wasReached && ['failed', 'never started'].includes(ended), ended);
      world.changeSource();
      const next = await world.backUp();
      await world.assertRestores(next);
      for (const { id } of await world.daemon.restorePoints('files')) {
        succeeded(await world.daemon.verify(id));
        assertKept(world, id);
      }
    }
  });

  it('S9 F1: uploads that last for sixty days are kept locked all the while, and acknowledged with locks that last', async () => {
    await using world = await BucketDaemon.ready({ protectionPeriod: 7 });
    await world.backUp();
    world.changeSource();
    const reached = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let isHeldUp = false;
    world.wrap = (store) =>
      interceptedStore(store, async (verb, key, act) => {
        // The gate's first look, once everything but the manifest is put.
        if (verb === 'lockOf' && parseObjectKey(key)?.type === 'pack' && !isHeldUp) {
          isHeldUp = true;
          reached.resolve();
          await release.promise;
        }
        return await act();
      });
    const started = await world.daemon.startBackup();
    await reached.promise;
    const put = keysOf(world, 'pack');
    assert.ok(put.length >= 3);
    for (let passed = 0; passed < 60 * 24; passed += 6) {
      await world.pass(6, 6);
      for (const key of put) assert.ok((world.lockedUntil(key) ?? 0) >= world.clock.storeMs + 7 * day, `${key} after ${passed} hours`);
    }
    release.resolve();
    succeeded(await world.daemon.ended(started));
    const [newest] = await world.daemon.restorePoints('files');
    assertKept(world, newest?.id ?? '');
  });
});

/** By the bucket: everything that a restore point reaches is locked for the period and the reserve, and the catalog knows what that is. */
function assertKept(world: BucketDaemon, restorePoint: string): void {
  const { catalog, locationId, clock } = world;
  const reach = catalog.reaches.of(idOf<RestorePointId>(restorePoint));
  assert.ok(reach !== undefined, 'what it reaches is known');
  const numbers = new Set([...reach.runs].flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_value, at) => first + at)));
  const rows = catalog.objects.list({ locationId, limit: 1000 }).items.filter(({ number }) => numbers.has(number));
  assert.deepEqual(new Set(rows.map(({ kind }) => kind)), new Set(['pack', 'index', 'manifest']));
  const period = catalog.locations.get(locationId)?.protectionPeriodDays ?? 0;
  const { reserve, protectionPeriod } = lockPlan(lockTerms({ protectionPeriodDays: period, longestAbsenceDays: 4 }));
  for (const { objectKey, retainUntil, state } of rows) {
    const until = world.lockedUntil(objectKey) ?? 0;
    assert.equal(state, 'present');
    assert.ok(until >= clock.storeMs + protectionPeriod + reserve, objectKey);
    assert.ok(retainUntil !== null && Date.parse(retainUntil) <= until);
  }
}
