import assert from 'node:assert/strict';
import * as z from 'zod';
import { type Location, location } from '../../../protocol/methods/locations.ts';
import type { MadeBucket } from '../../support/servers/s3Server.ts';
import { sharedSeaweed } from '../../support/servers/sharedServers.ts';
import { eventually } from './eventually.ts';
import { hostForSuite } from './host.ts';
import type { Workbench } from './workbench.ts';

const anything = z.unknown();
/** A real server is looked at before anything is saved. */
const workLimit = 60_000;

describe('Edit Location on a real store', () => {
  const host = hostForSuite();
  let bucket: MadeBucket;
  let workbench: Workbench;

  const vault = async (): Promise<Location> => {
    const all = await host.scratch.json(z.array(location), ['location', 'list']);
    return all.find(({ name }) => name === 'vault') ?? assert.fail('there is no location vault');
  };

  before(async function (this: Mocha.Context) {
    this.timeout(120_000);
    bucket = await (await sharedSeaweed(this)).createBucket();
    await host.scratch.setUp();
    const env = { AWS_ACCESS_KEY_ID: bucket.accessKeyId, AWS_SECRET_ACCESS_KEY: bucket.secretAccessKey };
    const adding = ['location', 'add', 's3', 'vault', '--bucket', bucket.name, '--region', 'us-east-1', '--endpoint', bucket.endpoint];
    await host.scratch.json(anything, [...adding, '--protection-period', '1'], { env });
    workbench = await host.openWindow({ height: 860 });
    await workbench.openContainer();
    await workbench.view('Locations').expand();
  });

  it('finds the same bucket at another address, with the keys that are sealed, and asks for nothing that it knows', async () => {
    const { quickPick, inputBox } = workbench;
    const endpoint = bucket.endpoint.replace('127.0.0.1', 'localhost');
    assert.notEqual(endpoint, bucket.endpoint);
    await (await workbench.view('Locations').row('vault').openMenu()).choose('Edit Location…');
    await quickPick.waitFor(/Edit Location vault/);
    await workbench.screenshot('form-edit-location');
    await quickPick.choose(/^Where the bucket is/);
    await quickPick.choose('Another S3 store');
    await eventually(async () => assert.equal(await inputBox.value(), bucket.endpoint));
    await inputBox.enter(endpoint);
    for (const value of [bucket.name, 'us-east-1', '']) {
      await eventually(async () => assert.equal(await inputBox.value(), value));
      await inputBox.accept();
    }
    await eventually(async () => assert.equal((await vault()).s3?.endpoint, endpoint), workLimit);
    assert.deepEqual((await vault()).s3?.credentials, { source: 'sealed' });
    await host.scratch.json(anything, ['location', 'validate', 'vault']);
  });

  it('changes nothing where new keys do not open it, shows why, and takes the right ones after Back', async () => {
    const { quickPick, inputBox } = workbench;
    await workbench.runCommand('holdfast.editLocation');
    await quickPick.choose(/^vault/);
    await quickPick.choose('Credentials');
    await quickPick.choose('Type keys');
    await inputBox.answer(/Access key ID/, bucket.accessKeyId);
    await inputBox.answer(/Secret access key/, 'not-the-secret-of-this-key');
    await eventually(async () => assert.match(await inputBox.message(), /Session token of temporary keys/));
    assert.ok(await inputBox.isSecret());
    await inputBox.accept();
    await quickPick.option('Try Again').waitFor({ timeout: workLimit });
    await workbench.screenshot('form-edit-location-failed');
    await host.scratch.json(anything, ['location', 'validate', 'vault']);
    await quickPick.back();
    await eventually(async () => assert.match(await inputBox.message(), /Session token/));
    await inputBox.back();
    await eventually(async () => assert.equal(await inputBox.value(), 'not-the-secret-of-this-key'));
    await inputBox.enter(bucket.secretAccessKey);
    await eventually(async () => assert.match(await inputBox.message(), /Session token/));
    await inputBox.accept();
    await workbench.page.locator('.statusbar').getByText('Changed the location vault').waitFor({ timeout: workLimit });
    await host.scratch.json(anything, ['location', 'validate', 'vault']);
  });

  it('leads to the protection period too', async () => {
    const { quickPick } = workbench;
    await workbench.runCommand('holdfast.editLocation');
    await quickPick.choose(/^vault/);
    await quickPick.choose(/^Protection period/);
    await quickPick.waitFor(/Protection Period of vault/);
    await quickPick.choose('7 days');
    await quickPick.choose('Protect for 7 days');
    await eventually(async () => assert.equal((await vault()).protectionPeriodDays, 7), workLimit);
  });
});
