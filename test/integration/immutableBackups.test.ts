import assert from 'node:assert/strict';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { lockPlan, lockTerms, target } from '../../daemon/locks/lockPlan.ts';
import {
  auditDocument,
  backupDocument,
  garbageDocument,
  immutabilityDocument,
  locationDocument,
  restorePointDocument,
} from '../support/cliShapes.ts';
import { ImmutableScratch } from '../support/immutableScratch.ts';
import { testSeed } from '../support/mochaHooks.ts';
import { SeededRandom } from '../support/random.ts';
import { s3Client } from '../support/servers/s3Server.ts';
import type { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { sharedSeaweed } from '../support/servers/sharedServers.ts';

const day = 86_400_000;
const days = 7;
const shortestMs = 2 * day;

describe('immutable backups on SeaweedFS, by the built command line', function () {
  this.timeout(90_000);
  let server: SeaweedServer;
  let vault: ImmutableScratch;
  let point: string;
  let addedBytes: number;
  const began = new Date();
  const plan = lockPlan(lockTerms({ protectionPeriodDays: days, longestAbsenceDays: 4 }));

  /** What the audit says, and that its exit status fits. */
  const kinds = async (): Promise<readonly string[]> => {
    const result = await vault.audit();
    const { findings } = auditDocument.parse(result.json);
    assert.equal(result.status, findings.length === 0 ? 0 : 5, result.stdout);
    return [...new Set(findings.map(({ kind }) => kind))].toSorted();
  };
  const tampering = async (): Promise<boolean> => {
    const alert = (await vault.alerts()).find(({ kind }) => kind === 'tampering');
    if (alert === undefined) return false;
    assert.match(alert.message, /^Somebody tampered with store since \d{4}-.+\.$/);
    assert.ok(Date.parse(alert.safeUntil ?? '') > Date.now() + shortestMs, JSON.stringify(alert));
    assert.match(alert.fix ?? '', /revoke/);
    return true;
  };
  /** What the attacker has laid over ours is taken away again by the owner: all that was not there before. */
  const cure = async (before: readonly { readonly versionId: string }[]): Promise<void> => {
    const good = new Set(before.map(({ versionId }) => versionId));
    const client = s3Client(vault.bucket.endpoint);
    try {
      for (const { key: Key, versionId: VersionId } of await vault.held())
        if (!good.has(VersionId)) await client.send(new DeleteObjectCommand({ Bucket: vault.bucket.name, Key, VersionId }));
    } finally {
      client.destroy();
    }
  };

  before(async function (this: Mocha.Context) {
    server = await sharedSeaweed(this);
    vault = new ImmutableScratch({ bucket: await server.createBucket(), protectionPeriodDays: days });
    const random = new SeededRandom(testSeed());
    for (let index = 0; index < 20; index += 1) vault.write(`file ${index}`, random.bytes(20_000 + index));
    await vault.setUp();
    const done = await vault.backedUp();
    point = done.restorePointId ?? '';
    ({ addedBytes } = done);
  });
  after(() => vault[Symbol.asyncDispose]());

  it('R5: all that a backup puts, the marker and the keyring are locked in compliance mode for what the plan says, as the store itself tells', async () => {
    const held = await vault.held();
    const ours = held.filter(({ key }) => !key.includes('/canaries/'));
    assert.ok(ours.length >= 5, JSON.stringify(held));
    const least = target(plan, began).getTime();
    for (const { key, mode, until } of ours) {
      assert.equal(mode, 'COMPLIANCE', key);
      assert.ok((until?.getTime() ?? 0) >= least, `${key} is locked until ${String(until)}`);
      assert.ok((until?.getTime() ?? 0) <= target(plan, new Date()).getTime() + 5000, key);
    }
    const soonest = Math.min(...ours.map(({ until }) => until?.getTime() ?? 0));
    const [listed] = await vault.scratch.json(z.array(restorePointDocument), ['restore-point', 'list']);
    assert.ok(Date.parse(listed?.protectedUntil ?? '') >= soonest, JSON.stringify(listed));
    const status = await vault.scratch.json(immutabilityDocument, ['immutability', 'status']);
    assert.equal(Date.parse(status.safeUntil ?? ''), soonest - days * day);
    assert.equal(status.objects, ours.length);
    const [location] = await vault.scratch.json(z.array(locationDocument), ['location', 'list']);
    assert.deepEqual([location?.immutable, location?.lockProof?.verdict], [true, 'enforced']);
    assert.deepEqual(await vault.restoreDifferences(point), []);
    assert.deepEqual(await kinds(), []);
  });

  it('a second run with nothing new puts little', async () => {
    const before = (await vault.held()).length;
    const again = await vault.scratch.json(backupDocument, ['backup', 'files']);
    assert.ok(again.addedBytes < addedBytes / 4, `${again.addedBytes} of ${addedBytes} bytes`);
    assert.ok((await vault.held()).length - before <= 2);
  });

  it('R1: delete markers over every key are found since when they came, and all is restored; when they are gone the alert is', async () => {
    const good = await vault.held();
    using hand = vault.hand();
    const { done, refused } = await hand.hideAll();
    assert.deepEqual([done > 0, refused], [true, 0]);
    assert.deepEqual(await kinds(), ['deleteMarker']);
    assert.equal(await tampering(), true);
    assert.deepEqual(await vault.restoreDifferences(point), []);
    await cure(good);
    assert.deepEqual(await kinds(), []);
    assert.equal(await tampering(), false);
  });

  it('R2: garbage over every key is found, and all is restored', async () => {
    const good = await vault.held();
    using hand = vault.hand();
    await hand.overwriteAll();
    assert.deepEqual(await kinds(), ['foreignVersion']);
    assert.equal(await tampering(), true);
    assert.deepEqual(await vault.restoreDifferences(point), []);
    vault.write('written after the attack', 'new');
    const next = await vault.backUp();
    assert.deepEqual(await vault.restoreDifferences(next), []);
    await cure([...good, ...(await vault.held()).filter(({ mode }) => mode !== null)]);
    assert.deepEqual(await kinds(), []);
  });

  it('R5: nothing that is locked can be deleted, shortened or downgraded, the marker neither', async () => {
    const ours = (await vault.held()).filter(({ key }) => !key.includes('/canaries/'));
    using hand = vault.hand();
    for (const act of [
      () => hand.deleteAllVersions(),
      () => hand.shortenAll(),
      () => hand.downgradeAll(),
      () => hand.deleteAllVersions(),
    ]) {
      const { refused } = await act();
      assert.ok(refused >= ours.length, `${refused} of ${ours.length} were refused`);
    }
    const after = new Map((await vault.held()).map((version) => [version.versionId, version]));
    for (const version of ours) assert.deepEqual(after.get(version.versionId), version);
    assert.deepEqual(await kinds(), []);
    const restorePoints = await vault.scratch.json(z.array(restorePointDocument), ['restore-point', 'list']);
    assert.deepEqual(await vault.restoreDifferences(restorePoints[0]?.id ?? ''), []);
  });

  it('what is retired is held until its lock ends: garbage collection frees nothing before', async () => {
    const before = (await vault.held()).filter(({ key }) => key.includes('/packs/'));
    for (const { id } of await vault.scratch.json(z.array(restorePointDocument), ['restore-point', 'list'])) {
      const { status, stdout, stderr } = await vault.scratch.cli(['restore-point', 'retire', id, '--yes']);
      assert.equal(status, 0, stderr);
      assert.match(`${stdout}${stderr}`, /; its space is held until \d{4}-\d\d-\d\d/);
    }
    const collected = await vault.scratch.json(garbageDocument, ['location', 'collect-garbage', 'store']);
    assert.equal(collected.freedBytes, 0);
    const after = new Set((await vault.held()).map(({ versionId }) => versionId));
    assert.deepEqual(
      before.filter(({ versionId }) => !after.has(versionId)),
      [],
    );
  });

  it('R8: locks of a hundred years are told as such, and backups and restores go on', async () => {
    using hand = vault.hand();
    vault.write('before the century', 'x');
    const restorePoint = await vault.backUp();
    const { done, refused } = await hand.lockForACentury();
    assert.deepEqual([done > 0, refused], [true, 0]);
    assert.deepEqual(await kinds(), ['prolongedLock']);
    assert.equal(await tampering(), true);
    const refreshed = await vault.scratch.json(z.looseObject({ extended: z.int() }), ['immutability', 'refresh']);
    assert.equal(refreshed.extended, 0);
    assert.deepEqual(await vault.restoreDifferences(restorePoint), []);
    vault.write('after it', 'y');
    assert.deepEqual(await vault.restoreDifferences(await vault.backUp()), []);
    const longest = target(plan, new Date()).getTime() + 5000;
    const own = (await vault.held()).filter(({ until }) => until !== null && until.getTime() < Date.now() + 3650 * day);
    assert.ok(own.length > 0 && own.every(({ until }) => (until?.getTime() ?? 0) <= longest));
  });
});
