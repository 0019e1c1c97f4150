import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../../../daemon/catalog/catalog.ts';
import { openCatalog } from '../../../daemon/catalog/openCatalog.ts';
import { KeptObjects } from '../../../daemon/immutability/keptObjects.ts';
import { LockFigures } from '../../../daemon/immutability/lockFigures.ts';
import type { ReachedNumbers } from '../../../daemon/catalog/reachStore.ts';
import { idOf, type LocationId, type RestorePointId } from '../../../protocol/ids.ts';
import { recoveryImportStored } from '../../../protocol/methods/recovery.ts';
import { restorePointRetire } from '../../../protocol/methods/restorePoints.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { sessionLock } from '../../../protocol/methods/session.ts';
import { bucketConnection } from '../../support/bucket/bucketConnection.ts';
import { interceptedStore } from '../../support/bucket/interceptedStore.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';
import { succeeded } from '../../support/drivenDaemon.ts';
import { InProcessDaemon } from '../../support/inProcessDaemon.ts';
import { FakeScrypt } from '../keys/support/fakeScrypt.ts';

const pointId = (id: string): RestorePointId => idOf<RestorePointId>(id);

function locationOf(catalog: Catalog): ReturnType<Catalog['locations']['list']>[number] {
  const [location] = catalog.locations.list();
  assert.ok(location !== undefined);
  return location;
}

/** The keys of the objects that a restore point reaches; `undefined` where nobody knows. */
function keysOf(catalog: Catalog, locationId: LocationId, reach: ReachedNumbers | undefined): readonly string[] | undefined {
  if (reach === undefined) return undefined;
  const byNumber = new Map([...catalog.objects.lockTimes(locationId)].map(({ number, objectKey }) => [number, objectKey]));
  const keys: string[] = [];
  for (const [first, last] of reach.runs) for (let number = first; number <= last; number += 1) keys.push(byNumber.get(number) ?? '?');
  return keys.toSorted();
}

function reachOf(catalog: Catalog, id: string): readonly string[] | undefined {
  return keysOf(catalog, locationOf(catalog).locationId, catalog.reaches.of(pointId(id)));
}

/** Until every restore point's reach is known. */
async function known(catalog: Catalog, points: readonly string[]): Promise<void> {
  while (points.some((id) => catalog.reaches.of(pointId(id)) === undefined))
    await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Restore points that share some and differ in more: a folder that stays, one file that goes, one that comes. */
async function threePoints(made: BucketDaemon): Promise<readonly string[]> {
  mkdirSync(path.join(made.source, 'stays'));
  writeFileSync(path.join(made.source, 'stays', 'file'), made.random.bytes(5000));
  const points: string[] = [];
  for (let at = 0; at < 3; at += 1) {
    writeFileSync(path.join(made.source, `only ${at}`), made.random.bytes(40_000));
    if (at > 0) rmSync(path.join(made.source, `only ${at - 1}`));
    points.push(await made.backUp());
  }
  return points;
}

describe('survey of what restore points reach', function () {
  this.timeout(60_000);

  it('finds out within a minute what their runs knew, and says until when each is protected', async () => {
    await using made = await BucketDaemon.ready();
    const points = await threePoints(made);
    const { catalog } = made;
    const before = points.map((id) => reachOf(catalog, id));
    assert.equal(new Set(before.map((keys) => JSON.stringify(keys))).size, 3);
    const location = locationOf(catalog);
    for (const id of points) catalog.reaches.forget(pointId(id));
    assert.equal(new LockFigures(catalog).protectedUntil(location, pointId(points[0] ?? '')), null);
    made.clock.leap(61_000);
    await known(catalog, points);
    assert.deepEqual(
      points.map((id) => reachOf(catalog, id)),
      before,
    );
    for (const id of points) assert.ok(new LockFigures(catalog).protectedUntil(location, pointId(id)) !== null);
  });

  it('S5: leaves unknown what can not be read, keeps all of its policy, and finds out the rest; what was cut short goes on after an unlock', async () => {
    await using made = await BucketDaemon.ready();
    const [first = '', second = '', third = ''] = await threePoints(made);
    const { catalog } = made;
    const before = reachOf(catalog, third);
    for (const id of [first, second, third]) catalog.reaches.forget(pointId(id));
    await made.daemon.call(sessionLock, {});
    made.clock.leap(61_000);
    assert.deepEqual(
      [first, second, third].map((id) => reachOf(catalog, id)),
      [undefined, undefined, undefined],
      'nothing is read while the daemon is locked',
    );
    const manifest = catalog.restorePoints.get(pointId(second))?.manifestKey ?? '';
    made.wrap = (store) =>
      interceptedStore(store, async (verb, key, act) => {
        if (verb === 'get' && key === manifest) throw new HoldfastError('objectMissing', 'Failed to read: it is gone.');
        return await act();
      });
    await made.unlock();
    made.clock.leap(61_000);
    await known(catalog, [first, third]);
    assert.deepEqual([reachOf(catalog, second), reachOf(catalog, third)], [undefined, before]);
    const kept = new KeptObjects(catalog, locationOf(catalog));
    const objects = [...catalog.objects.lockTimes(locationOf(catalog).locationId)].filter(({ kind }) => kind === 'pack');
    assert.ok(objects.length > 0 && objects.every((object) => kept.has(object)));
  });

  it('X8: after an import, what only a retired restore point needs is not extended any more, and all else is', async () => {
    await using made = await BucketDaemon.ready();
    const points = await threePoints(made);
    const before = points.map((id) => reachOf(made.catalog, id));
    const gone = path.join(made.folder, 'rescued');
    await made.stop();
    let catalog: Catalog | undefined;
    await using rescued = await InProcessDaemon.start(gone, {
      scrypt: new FakeScrypt(),
      wallClock: made.clock.wall,
      timers: made.clock,
      clocks: made.clock.read,
      connectS3: (options) => Promise.resolve(bucketConnection(made.bucket, options, (store) => store)),
      openCatalog: (file) => (catalog = openCatalog(file)),
    });
    const spec = { kind: 's3', bucket: 'backups', region: made.bucket.region, credentials: { source: 'chain' } } as const;
    const passphrase = rescued.secret('the passphrase');
    const started = await rescued.call(recoveryImportStored, {
      requestId: randomUUID(),
      spec,
      locationName: 'store',
      passphrase,
      tries: 8,
    });
    succeeded(await rescued.ended(started));
    assert.ok(catalog !== undefined);
    made.clock.leap(61_000);
    await known(catalog, points);
    const [first = '', second = '', third = ''] = points;
    assert.deepEqual(
      points.map((id) => reachOf(catalog ?? assert.fail(), id)),
      before,
    );
    await rescued.call(restorePointRetire, { restorePoint: second, confirmed: true });
    const needed = new Set([first, third].flatMap((id) => reachOf(catalog ?? assert.fail(), id) ?? []));
    const unneeded = (before[1] ?? []).filter((key) => !needed.has(key));
    assert.deepEqual(
      [unneeded.some((key) => key.includes('/packs/')), unneeded.some((key) => key.includes('/restore-points/'))],
      [true, true],
    );
    // Two months: every lock that is kept was extended by then.
    for (let day = 0; day < 60; day += 1) {
      made.clock.leap(86_400_000);
      for (let turn = 0; turn < 50; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    for (const key of needed) assert.ok((made.lockedUntil(key) ?? 0) > made.clock.storeMs, `${key} is locked no more`);
    for (const key of unneeded) assert.ok((made.lockedUntil(key) ?? 0) < made.clock.storeMs, `${key} was extended`);
  });
});
