import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { parseObjectKey } from '../../../../daemon/repository/names.ts';
import { idOf, type RestorePointId } from '../../../../protocol/ids.ts';
import { restorePointRetire } from '../../../../protocol/methods/restorePoints.ts';
import type { Retention } from '../../../support/bucket/bucketVersion.ts';
import { BucketDaemon } from '../../../support/bucketDaemon.ts';

const yearMs = 365 * 86_400_000;

type Stored = ReadonlyMap<string, Uint8Array>;

/** Three restore points, of which the oldest is retired, with everything that lay in the bucket then. */
async function withRetired(): Promise<{
  readonly world: BucketDaemon;
  readonly newest: string;
  readonly stored: Stored;
  readonly retired: string;
}> {
  const world = await BucketDaemon.ready({ protectionPeriod: 2 });
  const oldest = await world.backUp();
  const retired = world.catalog.restorePoints.list({}).items[0]?.manifestKey ?? assert.fail();
  world.changeSource();
  await world.backUp();
  world.changeSource();
  const newest = await world.backUp();
  await world.daemon.call(restorePointRetire, { restorePoint: oldest, confirmed: true });
  return { world, newest, stored: storedIn(world), retired };
}

function storedIn({ bucket }: BucketDaemon): Stored {
  return new Map(
    [...bucket.entries()].flatMap(({ key, version }) => {
      const { body } = version;
      return parseObjectKey(key) === undefined || body === undefined ? [] : [[key, body] as const];
    }),
  );
}

/** As somebody with the daemon's credentials may: nobody can take it away again. */
function plant({ bucket, clock }: BucketDaemon, key: string, body: Uint8Array): void {
  const retention: Retention = { mode: 'COMPLIANCE', until: Math.floor((clock.storeMs + 100 * yearMs) / 1000) };
  bucket.put(key, body, { retention });
}

describe('what others plant into a location with locks', function () {
  this.timeout(60_000);

  it('R2 C5: junk with the names of restore points, locked for a century, stops no collection and is not deleted', async () => {
    const { world, newest, retired } = await withRetired();
    await using owned = world;
    const planted = ['ab', 'cd', 'ef'].map((id, at) =>
      retired.replace(/\d-(\d{8})t\d{6}z-[0-9a-f]{32}$/, `${at + 3}-$1t000000z-${id.repeat(16)}`),
    );
    for (const [at, key] of planted.entries()) plant(owned, key, randomBytes(at * 5000 + 1));
    await owned.pass(20 * 24, 10 * 24);
    await owned.collect();
    assert.equal(owned.bucket.history(retired).length, 0, 'what was retired is gone');
    for (const key of planted) assert.equal(owned.bucket.history(key).length, 1);
    await owned.assertRestores(newest);
  });

  it('R2 C8: a restore point that was collected and is put back without its data stops no collection and holds up no space', async () => {
    for (const kinds of [['manifest'], ['manifest', 'index']]) {
      const { world, newest, stored, retired } = await withRetired();
      await using owned = world;
      await owned.pass(20 * 24, 10 * 24);
      await owned.collect();
      assert.equal(owned.bucket.history(retired).length, 0);
      const gone = [...stored].filter(([key]) => owned.bucket.history(key).length === 0);
      for (const [key, body] of gone) if (kinds.includes(parseObjectKey(key)?.type ?? '')) plant(owned, key, body);
      const second = owned.catalog.restorePoints.list({}).items.find(({ id }) => id !== newest);
      const packs = storedIn(owned)
        .keys()
        .filter((key) => parseObjectKey(key)?.type === 'pack')
        .toArray();
      await owned.daemon.call(restorePointRetire, { restorePoint: second?.id ?? assert.fail(), confirmed: true });
      await owned.pass(20 * 24, 10 * 24);
      await owned.collect();
      assert.equal(owned.bucket.history(second?.manifestKey ?? '').length, 0);
      assert.ok(packs.some((key) => owned.bucket.history(key).length === 0));
      await owned.assertRestores(newest);
    }
  });

  it('R2 R8: what is planted under the names of packs, each with another lock, is counted in a bounded number of lines', async () => {
    const { world, retired } = await withRetired();
    await using owned = world;
    const packs = retired.slice(0, retired.indexOf('restore-points/'));
    for (let made = 0; made < 400; made += 1) {
      const id = randomBytes(16).toString('hex');
      const until = Math.floor((owned.clock.storeMs + yearMs) / 1000) + made * 120;
      owned.bucket.put(`${packs}packs/${id.slice(0, 2)}/${id}`, Buffer.alloc(1000), { retention: { mode: 'COMPLIANCE', until } });
    }
    await owned.pass(20 * 24, 10 * 24);
    const { waiting } = await owned.collect();
    assert.equal(waiting.length, 200);
    assert.ok(waiting.reduce((sum, { bytes }) => sum + bytes, 0) >= 400_000);
    assert.deepEqual(
      waiting.map(({ until }) => until),
      waiting.map(({ until }) => until).toSorted(),
    );
  });

  it('F3: a whole restore point that an older catalog does not know counts all the same, whatever junk lies beside it', async () => {
    const { world, retired } = await withRetired();
    await using owned = world;
    await owned.stop();
    const old = owned.newPath();
    cpSync(owned.state, old, { recursive: true });
    await owned.start();
    await owned.unlock();
    await owned.idle();
    owned.changeSource();
    const unknown = await owned.backUp();
    const runs = [...(owned.catalog.reaches.of(idOf<RestorePointId>(unknown))?.runs ?? [])];
    const needed = owned.catalog.objects
      .list({ locationId: owned.locationId, limit: 500 })
      .items.filter(({ number }) => runs.some(([first, last]) => number >= first && number <= last));
    assert.ok(needed.length > 2);
    await owned.stop();
    rmSync(owned.state, { recursive: true });
    cpSync(old, owned.state, { recursive: true });
    await owned.start();
    await owned.unlock();
    assert.equal(
      owned.catalog.restorePoints.list({}).items.some(({ id }) => id === unknown),
      false,
    );
    plant(owned, retired.replace(/[0-9a-f]{32}$/, 'ab'.repeat(16)), randomBytes(5000));
    await owned.pass(30 * 24, 10 * 24);
    await owned.collect();
    assert.equal(owned.bucket.history(retired).length, 0, 'something was collected');
    for (const { objectKey } of needed) assert.equal(owned.bucket.history(objectKey).length, 1, objectKey);
  });
});
