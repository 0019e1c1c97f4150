import assert from 'node:assert/strict';
import { alertList } from '../../../protocol/methods/alerts.ts';
import { sessionLock } from '../../../protocol/methods/session.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

const day = 86_400_000;

function leastLeft({ bucket, clock }: BucketDaemon): number {
  const left = [...bucket.entries()].flatMap(({ version }) =>
    version.retention === undefined ? [] : [version.retention.until * 1000 - clock.storeMs],
  );
  return Math.min(...left);
}

async function alertsOf({ daemon }: BucketDaemon): Promise<readonly string[]> {
  return (await daemon.call(alertList, { all: false })).items.map(({ kind }) => kind);
}

describe('a daemon that is locked', function () {
  this.timeout(60_000);

  it('F2: goes on extending with credentials of the chain', async () => {
    await using world = await BucketDaemon.ready({ protectionPeriod: 7 });
    await world.backUp();
    await world.daemon.call(sessionLock, {});
    await world.pass(30 * 24, 12);
    for (const { objectKey } of world.catalog.objects.list({ locationId: world.locationId, kind: 'pack' }).items) {
      assert.ok((world.lockedUntil(objectKey) ?? 0) >= world.clock.storeMs + 7 * day);
    }
    assert.ok(!(await alertsOf(world)).includes('lockedTooLong'));
  });

  it('R7: can not with credentials that are sealed, says so at once, and goes on as soon as it is unlocked', async () => {
    await using world = await BucketDaemon.ready({
      protectionPeriod: 7,
      keys: { accessKeyId: 'user', secretAccessKey: 'a secret of the store' },
    });
    await world.backUp();
    assert.ok(!(await alertsOf(world)).includes('lockedTooLong'));
    await world.daemon.call(sessionLock, {});
    await world.pass(1, 1);
    assert.ok((await alertsOf(world)).includes('lockedTooLong'));
    const before = leastLeft(world);
    await world.pass(3 * 24, 12);
    assert.equal(leastLeft(world), before - 3 * day);
    await world.unlock();
    await world.pass(1, 1);
    assert.ok(!(await alertsOf(world)).includes('lockedTooLong'));
    await world.pass(20 * 24, 12);
    for (const { objectKey } of world.catalog.objects.list({ locationId: world.locationId, kind: 'pack' }).items) {
      assert.ok((world.lockedUntil(objectKey) ?? 0) >= world.clock.storeMs + 7 * day);
    }
  });
});
