import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { locationCollectGarbage } from '../../../protocol/methods/garbage.ts';
import { auditDocument, immutabilityAudit } from '../../../protocol/methods/immutability.ts';
import { locationAdd, locationEdit } from '../../../protocol/methods/locations.ts';
import { restorePointRetire } from '../../../protocol/methods/restorePoints.ts';
import { interceptedStore } from '../../support/bucket/interceptedStore.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';
import { succeeded } from '../../support/drivenDaemon.ts';

async function findings(world: BucketDaemon): Promise<readonly string[]> {
  const { actionId } = await world.daemon.call(immutabilityAudit, { requestId: randomUUID(), location: 'later' });
  const { result } = await world.daemon.ended({ actionId });
  return auditDocument.parse(result).findings.map(({ kind, key }) => `${kind} ${key}`);
}

describe('what others put in the place of lists of condemned objects, where there are locks', function () {
  this.timeout(60_000);

  it('R2: is found by the audit, though it has their names, and read by no backup and no collection', async () => {
    await using world = await BucketDaemon.ready();
    const { daemon, bucket } = world;
    const spec = { kind: 's3', bucket: 'backups', region: bucket.region, prefix: 'other', credentials: { source: 'chain' } } as const;
    await daemon.call(locationAdd, { name: 'later', spec });
    await world.createPolicy('other', { location: 'later' });
    const retired = await world.backUp('other');
    world.changeSource();
    await world.backUp('other');
    await daemon.call(restorePointRetire, { restorePoint: retired, confirmed: true });
    const collect = async (): Promise<void> => {
      const started = await daemon.call(locationCollectGarbage, { requestId: randomUUID(), location: 'later', dryRun: false });
      succeeded(await daemon.ended(started));
    };
    await collect();
    const lists = [...bucket.entries()].filter(({ key }) => key.includes('/condemned/'));
    assert.equal(lists.length, 1, 'the location had no locks yet');
    const key = lists[0]?.key ?? '';
    const body = lists[0]?.version.body ?? new Uint8Array(0);
    await daemon.call(locationEdit, { location: 'later', protectionPeriodDays: 7 });
    await world.idle();
    assert.deepEqual(await findings(world), []);
    const planted = [randomBytes(100), body, body.subarray(1)].map((bytes) => {
      const at = key.slice(0, -32) + randomBytes(16).toString('hex');
      bucket.put(at, bytes);
      return at.slice('other/'.length);
    });
    const expected = planted.toSorted().map((at) => `unknownObject ${at}`);
    assert.deepEqual(await findings(world), expected);
    const read: string[] = [];
    world.wrap = (store) =>
      interceptedStore(store, async (verb, at, act) => {
        if (verb === 'get' && at.includes('/condemned/')) read.push(at);
        return await act();
      });
    world.changeSource();
    await world.backUp('other');
    await collect();
    assert.deepEqual(read, []);
    assert.deepEqual(await findings(world), expected);
    assert.deepEqual(read, [key.slice('other/'.length)], 'what was nobody’s is not read again');
  });
});
