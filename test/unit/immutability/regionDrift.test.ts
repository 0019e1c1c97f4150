import assert from 'node:assert/strict';
import { alertList } from '../../../protocol/methods/alerts.ts';
import { locationValidate } from '../../../protocol/methods/locations.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

describe('a location whose bucket is in another region than when it was added', () => {
  it('R3: tells so after the next runs with both regions and a way out, fails its validation, and is silent once it is as it was', async function () {
    this.timeout(60_000);
    await using world = await BucketDaemon.ready();
    const { region } = world.bucket;
    const told = async (): Promise<readonly (readonly [string, string, string | null])[]> =>
      (await world.daemon.call(alertList, { all: false })).items
        .filter(({ kind }) => kind === 'locationCriteria')
        .map(({ severity, message, fix }) => [severity, message, fix]);
    const regionCheck = async (): Promise<string | undefined> =>
      (await world.daemon.call(locationValidate, { location: 'store' })).checks.find(({ check }) => check === 'region')?.result;
    await world.pass(9 * 24, 24);
    assert.deepEqual(await told(), []);
    Object.assign(world.bucket, { region: 'us-east-1' });
    await world.pass(9 * 24, 24);
    const [alert] = await told();
    assert.equal(alert?.[0], 'error');
    assert.ok(alert[1].includes('us-east-1') && alert[1].includes(region), alert[1]);
    assert.ok(alert[2] !== null && alert[2] !== '');
    assert.equal(await regionCheck(), 'fail');
    assert.equal((await told()).length, 1, 'a validation that fails makes nothing of it the new normal');
    Object.assign(world.bucket, { region });
    await world.pass(9 * 24, 24);
    assert.deepEqual(await told(), []);
    assert.equal(await regionCheck(), 'pass');
  });
});
