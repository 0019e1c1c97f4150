import assert from 'node:assert/strict';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { DrPassphrase } from '../../daemon/keys/dr/drPassphrase.ts';
import { decodeDrSlot } from '../../daemon/keys/dr/drSlot.ts';
import { WorkerScryptRunner } from '../../daemon/keys/scryptRunner.ts';
import { BundleNames } from '../../daemon/repository/bundleName.ts';
import { hexOf } from '../../daemon/repository/bytes.ts';
import { bundleSourceOf, StoredBundle } from '../../daemon/repository/storedBundle.ts';
import { idOf, type InstallationId } from '../../protocol/ids.ts';
import { bundleDocument, recoveryStatusDocument } from '../../protocol/methods/disasterRecovery.ts';
import { bundleWorker } from '../support/bundledWorker.ts';
import { type HeldVersion, ImmutableScratch } from '../support/immutableScratch.ts';
import { s3Client } from '../support/servers/s3Server.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';

const enabled = z.looseObject({ drPassphrase: z.string() });

describe('bundles of disaster recovery on SeaweedFS, by the built command line', function () {
  this.timeout(90_000);
  let vault: ImmutableScratch;

  before(async function (this: Mocha.Context) {
    const server = await sharedSeaweed(this);
    vault = new ImmutableScratch({ bucket: await server.createBucket() });
    vault.write('file', 'content');
    await vault.setUp();
    await vault.backUp();
  });
  after(() => vault[Symbol.asyncDispose]());

  const bundles = async (): Promise<readonly HeldVersion[]> => (await vault.held()).filter(({ key }) => key.includes('/recovery/'));

  it('R5 R6: are locked in compliance mode, opened by the DR passphrase alone, and none to any audit', async () => {
    const { drPassphrase } = await vault.scratch.json(enabled, ['dr', 'enable', '--location', 'store']);
    const delta = await vault.scratch.json(bundleDocument, ['dr', 'backup']);
    assert.equal(delta.kind, 'delta');
    const held = await bundles();
    assert.equal(held.length, 2);
    for (const { mode, until } of held)
      assert.deepEqual([mode, (until?.getTime() ?? 0) > Date.now() + 7 * 86_400_000], ['COMPLIANCE', true]);
    assert.ok(held.some(({ until }) => until?.getTime() === Date.parse(delta.lockedUntil ?? '')));

    const [prefix = '', installation = ''] = held[0]?.key.split('/') ?? [];
    const installationId = idOf<InstallationId>(installation);
    using passphrase = await DrPassphrase.derive({
      installationId,
      passphrase: Buffer.from(drPassphrase),
      scrypt: new WorkerScryptRunner(bundleWorker()),
    });
    const names = new BundleNames(installationId, passphrase.nameKey());
    const found: string[] = [];
    const client = s3Client(vault.bucket.endpoint);
    try {
      for (const { key, versionId } of held) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: vault.bucket.name, Key: key, VersionId: versionId }));
        const bytes = (await Body?.transformToByteArray()) ?? assert.fail(key);
        const stored = await StoredBundle.read(bundleSourceOf(bytes), key);
        using drKey = passphrase.open(decodeDrSlot(stored.drSlot, installationId));
        const name = names.read(key.slice(prefix.length + 1)) ?? assert.fail(key);
        const opened = await stored.open(drKey.bundleKey(), { installationId, drkId: drKey.drkId, name });
        for await (const piece of opened.frame()) assert.ok(piece.length > 0);
        assert.equal(opened.facts.restorePoints, 1);
        found.push(hexOf(opened.header.objectId));
      }
    } finally {
      client.destroy();
    }
    assert.ok(found.includes(delta.bundleId));
    const audit = await vault.audit();
    assert.equal(audit.status, 0, audit.stdout);
    const status = await vault.scratch.json(recoveryStatusDocument, ['dr', 'status']);
    assert.deepEqual([status.validTimes, status.problems], [2, []]);
  });
});
