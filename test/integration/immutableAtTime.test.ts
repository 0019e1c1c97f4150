import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { markerBytes, markerName } from '../../daemon/locations/marker.ts';
import { idOf, type StoreId } from '../../protocol/ids.ts';
import { importDocument, restorePointDocument } from '../support/cliShapes.ts';
import { ScratchState } from '../support/daemon.ts';
import { ImmutableScratch } from '../support/immutableScratch.ts';
import { s3Client } from '../support/servers/s3Server.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';

const second = 1000;
const day = 86_400 * second;

describe('a location on SeaweedFS as it was at a time, by the built command line', function () {
  this.timeout(90_000);

  it('F1 X8: brings back what was there by then, although extensions of locks have given all of it later dates', async function () {
    const server = await sharedSeaweed(this);
    const bucket = await server.createBucket();
    await using vault = new ImmutableScratch({ bucket, protectionPeriodDays: 7 });
    const client = s3Client(bucket.endpoint);
    try {
      // A location of yesterday.
      const marker = {
        format: 'holdfast-store/1' as const,
        storeId: idOf<StoreId>(randomUUID()),
        createdAt: new Date(Date.now() - day).toISOString(),
      };
      await client.send(new PutObjectCommand({ Bucket: bucket.name, Key: `vault/${markerName}`, Body: markerBytes(marker) }));
      await vault.setUp();
      vault.write('file', 'first');
      const first = await vault.backUp();
      // A store tells its time in whole seconds, and a restore point takes the later bound of it.
      await restoredFor(2 * second, vault, first);
      const then = new Date();
      await restoredFor(2 * second, vault, first);
      vault.write('file', 'second');
      const later = await vault.backUp();
      const edited = await vault.scratch.cli(['location', 'edit', 'store', '--protection-period', '30']);
      assert.equal(edited.status, 0, edited.stderr);
      await vault.scratch.json(z.looseObject({}), ['immutability', 'refresh']);
      const manifest = (await vault.held()).find(({ key }) => key.includes('/restore-points/0000000000000001-'));
      const { LastModified: moved } = await client.send(
        new HeadObjectCommand({ Bucket: bucket.name, Key: manifest?.key ?? '', VersionId: manifest?.versionId }),
      );
      assert.ok((moved?.getTime() ?? 0) > then.getTime(), 'the extension has moved its date');
      const spec = path.join(vault.scratch.folder, 'spec.json');
      const { name, region, endpoint } = bucket;
      writeFileSync(spec, JSON.stringify({ kind: 's3', bucket: name, region, endpoint, prefix: 'vault' }));
      const imported = async (...more: readonly string[]): Promise<readonly string[]> => {
        await using rescued = new ScratchState();
        const { accessKeyId, secretAccessKey } = vault.identity;
        const env = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
        const args = ['import-stored', '--location-spec', spec, '--passphrase-file', rescued.passphraseFile, ...more];
        assert.deepEqual((await rescued.json(importDocument, args, { env })).damaged, []);
        return (await rescued.json(z.array(restorePointDocument), ['restore-point', 'list'])).map(({ id }) => id).toSorted();
      };
      const keyrings = async (): Promise<readonly (Date | null)[]> =>
        (await vault.held()).flatMap(({ key, until }) => (key.includes('/keyring/') ? [until] : []));
      const before = await keyrings();
      assert.deepEqual(await imported(), [first, later].toSorted());
      // One that the import has put, locked from its put by the period that the restore points were made under.
      const locks = await keyrings();
      assert.deepEqual(
        [locks.length, locks.filter((until) => (until?.getTime() ?? 0) > Date.now() + 7 * day).length],
        [before.length + 1, locks.length],
      );
      assert.deepEqual(await imported('--at', then.toISOString()), [first]);
    } finally {
      client.destroy();
    }
  });
});

/** Restores for so many milliseconds, once at least. */
async function restoredFor(length: number, vault: ImmutableScratch, id: string): Promise<void> {
  const end = Date.now() + length;
  do assert.deepEqual(await vault.restoreDifferences(id), []);
  while (Date.now() < end);
}
