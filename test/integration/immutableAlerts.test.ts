import assert from 'node:assert/strict';
import {
  DeleteBucketEncryptionCommand,
  DeleteBucketLifecycleCommand,
  PutObjectLockConfigurationCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { errorDocument } from '../support/cliShapes.ts';
import type { AlertDocument } from '../support/cliShapes.ts';
import { ImmutableScratch } from '../support/immutableScratch.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { type S3Identity, s3Client } from '../support/servers/s3Server.ts';
import type { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';

const day = 86_400_000;

describe('alerts about locks on SeaweedFS, by the built command line', function () {
  this.timeout(90_000);
  let server: SeaweedServer;
  let vault: ImmutableScratch;
  const worker: S3Identity = {
    name: 'alerts-worker',
    accessKeyId: 'ALERTSWORKER',
    secretAccessKey: 'alerts-worker-secret',
    actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'],
  };
  const random = new SeededRandom(testSeed());

  const refresh = async (): Promise<number | null> => (await vault.scratch.cli(['immutability', 'refresh'])).status;
  const find = async (kind: string): Promise<AlertDocument | undefined> => (await vault.alerts()).find((alert) => alert.kind === kind);
  /** It is open and has all that an alert has to say. */
  const raised = async (kind: string, message: RegExp): Promise<void> => {
    const alert = await find(kind);
    assert.ok(alert !== undefined, `${kind} is not among ${JSON.stringify(await vault.alerts())}`);
    assert.match(alert.message, message);
    assert.equal(alert.subject, 'store');
    assert.ok(Math.abs(Date.now() - Date.parse(alert.since)) < 90_000, alert.since);
    assert.ok(Date.parse(alert.safeUntil ?? '') > Date.now() + day, String(alert.safeUntil));
    assert.match(alert.fix ?? '', /^\S[^\n]*\.$/);
  };
  const resolved = async (kind: string): Promise<void> => assert.equal(await find(kind), undefined);
  const asOwner = async (act: (client: S3Client, bucket: string) => Promise<unknown>): Promise<void> => {
    const client = s3Client(vault.bucket.endpoint);
    try {
      await act(client, vault.bucket.name);
    } finally {
      client.destroy();
    }
  };

  before(async function (this: Mocha.Context) {
    server = await sharedSeaweed(this);
    await server.setIdentities([worker]);
    vault = new ImmutableScratch({ bucket: await server.createBucket(), identity: worker });
    vault.write('file', random.bytes(50_000));
    await vault.setUp();
    await vault.backUp();
    assert.deepEqual(await vault.alerts(), []);
  });
  after(() => vault[Symbol.asyncDispose]());

  it('R3: a lifecycle rule that comes is told, and is not any more once it is gone', async () => {
    using hand = vault.hand();
    await hand.setLifecycle(7);
    assert.equal(await refresh(), 0);
    await raised('locationCriteria', /^store is not what was validated: Lifecycle rule cleanup is new: /);
    await asOwner(async (client, Bucket) => await client.send(new DeleteBucketLifecycleCommand({ Bucket })));
    assert.equal(await refresh(), 0);
    await resolved('locationCriteria');
  });

  it('R4: another default encryption is told, and a backup is refused or comes under none', async () => {
    using hand = vault.hand();
    await hand.changeDefaultEncryption();
    assert.equal(await refresh(), 0);
    await raised('locationCriteria', /^store is not what was validated: The bucket encrypts with aws:kms /);
    vault.write('file', random.bytes(50_000));
    const result = await vault.scratch.cli(['backup', 'files', '--json']);
    assert.equal(result.status, 1);
    assert.equal(errorDocument.parse(result.json).error.code, 'storeFailed');
    await asOwner(async (client, Bucket) => await client.send(new DeleteBucketEncryptionCommand({ Bucket })));
    assert.equal(await refresh(), 0);
    await resolved('locationCriteria');
    assert.deepEqual(await vault.restoreDifferences(await vault.backUp()), []);
  });

  it('R8: a default retention is told', async () => {
    using hand = vault.hand();
    await hand.setDefaultRetention();
    assert.equal(await refresh(), 0);
    await raised(
      'locationCriteria',
      /^store is not what was validated: The bucket locks what is put without a lock of its own for 36500 days/,
    );
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' as const };
    await asOwner(async (client, Bucket) => await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration })));
    assert.equal(await refresh(), 0);
    await resolved('locationCriteria');
  });

  it('S8 S10: credentials that may not extend any more are told with the objects that are short, and all is extended when they may', async () => {
    await server.setIdentities([{ ...worker, actions: ['Read', 'List'] }]);
    const edited = await vault.scratch.cli(['location', 'edit', 'store', '--protection-period', '14']);
    assert.equal(edited.status, 0, edited.stderr);
    assert.equal(await refresh(), 1);
    await raised('refreshFailed', /^\d+ locks? at store could not be extended: .+[0-9a-f]{32}/);
    await server.setIdentities([worker]);
    assert.equal(await refresh(), 0);
    await resolved('refreshFailed');
    const least = Date.now() + 14 * day;
    for (const { key, until } of await vault.held())
      if (!key.includes('/canaries/')) assert.ok((until?.getTime() ?? 0) > least, `${key} ${String(until)}`);
  });

  it('S8: keys that are revoked in mid-run stop it with one sentence and lose nothing, and with new ones all goes on', async () => {
    for (let index = 0; index < 6; index += 1) vault.write(`big ${index}`, random.bytes(4 << 20));
    const before = (await vault.held()).length;
    const running = vault.scratch.startCli(['backup', 'files', '--json']);
    const ended = new AbortController();
    void running.done.finally(() => ended.abort());
    while (!ended.signal.aborted && (await vault.held()).length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    const renewed = { ...worker, accessKeyId: 'ALERTSWORKER2' };
    await server.setIdentities([renewed]);
    const result = await running.done;
    if (result.status !== 0) {
      assert.equal(result.status, 1);
      const { error } = errorDocument.parse(result.json);
      assert.equal(error.code, 'storeRefused');
      assert.match(error.message, /^Failed to [^\n]+\.$/);
    }
    assert.equal(await refresh(), 1);
    await raised('refreshFailed', /^The locks at store could not be extended\.$/);
    const edited = await vault.scratch.cli(['location', 'edit', 'store', '--credentials-file', vault.keysFile(renewed)]);
    assert.equal(edited.status, 0, `${edited.stdout}${edited.stderr}`);
    assert.equal(await refresh(), 0);
    await resolved('refreshFailed');
    assert.deepEqual(await vault.restoreDifferences(await vault.backUp()), []);
    await server.setIdentities([worker]);
    assert.equal((await vault.scratch.cli(['location', 'edit', 'store', '--credentials-file', vault.keysFile(worker)])).status, 0);
  });

  it('a locked daemon that can not reach its sealed keys says so at once, and is silent again when it is unlocked', async () => {
    assert.equal((await vault.scratch.cli(['lock'])).status, 0);
    await raised('lockedTooLong', /^The daemon is locked and the credentials of store are sealed: its locks are not extended\.$/);
    assert.equal((await vault.scratch.cli(['unlock', '--passphrase-file', vault.scratch.passphraseFile])).status, 0);
    await resolved('lockedTooLong');
  });
});
