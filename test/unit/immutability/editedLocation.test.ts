import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { locationProveLock } from '../../../protocol/methods/immutability.ts';
import { locationEdit, locationList } from '../../../protocol/methods/locations.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

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
});
