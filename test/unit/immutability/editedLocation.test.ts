import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { immutabilityStatus, locationProveLock } from '../../../protocol/methods/immutability.ts';
import { locationAdd, locationEdit, locationList, type S3Spec } from '../../../protocol/methods/locations.ts';
import { restorePointList } from '../../../protocol/methods/restorePoints.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { liars } from '../../support/bucket/behaviour.ts';
import { interceptedStore } from '../../support/bucket/interceptedStore.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

/** Beside what is there already. */
const specOf = ({ bucket: { region } }: BucketDaemon): S3Spec => ({
  kind: 's3',
  bucket: 'backups',
  region,
  prefix: 'other',
  credentials: { source: 'chain' },
});

describe('a location that is edited', function () {
  this.timeout(60_000);

  it('S7: is not called immutable by a proof of its old address or keys, until a new one', async () => {
    await using world = await BucketDaemon.ready({ keys: { accessKeyId: 'user', secretAccessKey: 'a secret of the store' } });
    const { daemon } = world;
    const prove = async (): Promise<void> => {
      const { actionId } = await daemon.call(locationProveLock, { requestId: randomUUID(), location: 'store' });
      assert.equal((await daemon.ended({ actionId })).error, null);
    };
    const isImmutable = async (): Promise<boolean | undefined> => (await daemon.call(locationList, {})).items[0]?.immutable;
    await prove();
    assert.equal(await isImmutable(), true);
    await daemon.call(locationEdit, { location: 'store', protectionPeriodDays: 31 });
    assert.equal(await isImmutable(), true, 'a period is no other lock');
    const keys = daemon.secret(JSON.stringify({ accessKeyId: 'other', secretAccessKey: 'another secret of the store' }));
    const { location, checks } = await daemon.call(locationEdit, { location: 'store', keys });
    assert.deepEqual([location?.immutable, location?.lockProof], [false, null], JSON.stringify(checks));
    await prove();
    assert.equal(await isImmutable(), true);
  });

  it('S7: is not called immutable by a proof that was under way when its keys were changed', async () => {
    await using world = await BucketDaemon.ready({ keys: { accessKeyId: 'user', secretAccessKey: 'a secret of the store' } });
    const { daemon } = world;
    await world.idle();
    world.catalog.locations.change(world.locationId, { lockProof: null });
    let edited: Promise<unknown> | undefined;
    world.wrap = (store) =>
      interceptedStore(store, async (verb, key, act) => {
        if (verb === 'put' && key.includes('/canaries/') && edited === undefined) {
          const keys = daemon.secret(JSON.stringify({ accessKeyId: 'other', secretAccessKey: 'another secret of the store' }));
          edited = daemon.call(locationEdit, { location: 'store', keys });
          await edited;
        }
        return await act();
      });
    const { actionId } = await daemon.call(locationProveLock, { requestId: randomUUID(), location: 'store' });
    const { error } = await daemon.ended({ actionId });
    assert.ok(edited !== undefined);
    assert.match(error?.message ?? '', /was changed meanwhile/);
    const [location] = (await daemon.call(locationList, {})).items;
    assert.deepEqual([location?.immutable, location?.lockProof], [false, null]);
  });

  it('S10: keeps its lock mode: no store takes another one for what is locked, so that none of it could be extended any more', async () => {
    for (const [lockMode, other] of [
      ['governance', 'compliance'],
      ['compliance', 'governance'],
    ] as const) {
      await using world = await BucketDaemon.ready({ lockMode });
      const { daemon } = world;
      await assert.rejects(daemon.call(locationEdit, { location: 'store', lockMode: other }), (error) =>
        HoldfastError.is(error, 'refusedByRule'),
      );
      await daemon.call(locationEdit, { location: 'store', lockMode });
      assert.equal((await daemon.call(locationList, {})).items[0]?.lockMode, lockMode);
    }
  });

  it('keeps no sealed keys once its credentials come from elsewhere', async () => {
    await using world = await BucketDaemon.ready({ keys: { accessKeyId: 'user', secretAccessKey: 'a secret of the store' } });
    const spec = { kind: 's3', bucket: 'backups', region: world.bucket.region } as const;
    const { location } = await world.daemon.call(locationEdit, { location: 'store', spec: { ...spec, credentials: { source: 'chain' } } });
    assert.equal(location?.s3?.credentials.source, 'chain');
    assert.equal(world.catalog.locations.get(world.locationId)?.credentials, null);
    const again = world.daemon.call(locationEdit, { location: 'store', spec: { ...spec, credentials: { source: 'sealed' } } });
    await assert.rejects(again, (error) => HoldfastError.is(error, 'badValue'), 'there are none to go back to');
  });
});

describe('a location whose store was shown to keep no locks', function () {
  this.timeout(60_000);

  it('S7 R5: is given no date until which anything would be safe, whatever the store says of its locks', async () => {
    for (const [lockMode, liar, verdict] of [
      ['compliance', 'doesNotEnforce', 'notEnforced'],
      ['governance', undefined, 'bypassable'],
    ] as const) {
      await using world = await BucketDaemon.ready({ lockMode, ...(liar === undefined ? {} : { bucket: { behaviour: liars[liar] } }) });
      const { daemon } = world;
      await world.backUp();
      const dates = async (): Promise<readonly unknown[]> => [
        (await daemon.call(locationList, {})).items[0]?.safeUntil,
        (await daemon.call(immutabilityStatus, {})).safeUntil,
        (await daemon.call(restorePointList, { includeRetired: false })).items[0]?.protectedUntil,
      ];
      world.catalog.locations.change(world.locationId, { lockProof: null });
      for (const date of await dates()) assert.equal(typeof date, 'string', 'what the store says, before it was tried');
      const { actionId } = await daemon.call(locationProveLock, { requestId: randomUUID(), location: 'store' });
      await daemon.ended({ actionId });
      const [location] = (await daemon.call(locationList, {})).items;
      assert.deepEqual([location?.immutable, location?.lockProof?.verdict], [false, verdict]);
      assert.deepEqual(await dates(), [null, null, null]);
    }
  });
});

describe('a location that is added', function () {
  this.timeout(60_000);

  const added = { name: 'other', protectionPeriodDays: 7, lockMode: 'governance' } as const;

  it('is told what its own lock mode is worth', async () => {
    await using world = await BucketDaemon.ready();
    const { checks } = await world.daemon.call(locationAdd, { ...added, spec: specOf(world) });
    const mode = checks.find(({ check }) => check === 'mode');
    assert.equal(mode?.result, 'warn');
    assert.match(mode.detail, /governance mode/);
  });

  it('is not there where its keyring could not be brought to it, and can be added again', async () => {
    await using world = await BucketDaemon.ready();
    const { daemon } = world;
    const params = { ...added, spec: specOf(world) };
    world.wrap = (store) =>
      interceptedStore(store, async (verb, key, act) => {
        if (verb === 'put') throw HoldfastError.failedTo('storeUnreachable', `put object ${key}`, 'the connection was cut');
        return await act();
      });
    await assert.rejects(daemon.call(locationAdd, params), (error) => HoldfastError.is(error, 'storeUnreachable'));
    const names = async (): Promise<readonly string[]> => (await daemon.call(locationList, {})).items.map(({ name }) => name);
    assert.deepEqual(await names(), ['store']);
    world.wrap = (store) => store;
    assert.equal((await daemon.call(locationAdd, params)).location?.name, 'other');
    assert.deepEqual(await names(), ['other', 'store']);
  });
});
