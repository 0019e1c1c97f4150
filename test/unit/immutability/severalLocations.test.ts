import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import { auditDocument, immutabilityAudit, immutabilityStatus } from '../../../protocol/methods/immutability.ts';
import { type Location, locationAdd } from '../../../protocol/methods/locations.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { AttackersHand } from '../../support/bucket/attackersHand.ts';
import { listing } from '../../support/bucket/otherAnswers.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

describe('an audit of all immutable locations', function () {
  this.timeout(60_000);

  it('R2: finds what was done at one although the first is away, and tells of that where nothing else is wrong', async () => {
    await using world = await BucketDaemon.ready();
    const { storeId } = await withAnother(world);
    assert.equal((await audit(world)).error, null);
    world.wrap = (store) => (store.storeId === storeId ? listing(store, away) : store);
    assert.equal((await audit(world)).error?.code, 'storeUnreachable');
    assert.ok(new AttackersHand(world.bucket, { prefix: `${world.catalog.installation.get()?.installationId}/` }).hideAll().done > 0);
    const audited = await audit(world);
    assert.equal(audited.error?.code, 'tampered');
    const { findings } = auditDocument.parse(audited.result);
    assert.ok(findings.length > 0 && findings.every((finding) => finding.location === 'store'));
  });

  it('R2: counts as the daily audit of each location that it came through, and is told as the last one there', async () => {
    await using world = await BucketDaemon.ready();
    const { storeId } = await withAnother(world);
    await world.pass(22, 1);
    assert.deepEqual(scheduled(world), []);
    world.wrap = (store) => (store.storeId === storeId ? listing(store, away) : store);
    assert.equal((await audit(world)).error?.code, 'storeUnreachable');
    const auditedAt = world.clock.wall().toISOString();
    const { locations } = await world.daemon.call(immutabilityStatus, {});
    assert.deepEqual(
      locations.map(({ location, lastAudit }) => [location, lastAudit]),
      [
        ['a first one', null],
        ['store', auditedAt],
      ],
    );
    world.wrap = (store) => store;
    await world.pass(20, 1);
    assert.deepEqual(scheduled(world), ['a first one']);
    await world.pass(6, 1);
    assert.deepEqual(scheduled(world), ['a first one', 'store']);
  });
});

async function withAnother(world: BucketDaemon): Promise<Location> {
  const spec = { kind: 's3', bucket: 'backups', region: world.bucket.region, prefix: 'first', credentials: { source: 'chain' } } as const;
  const { location } = await world.daemon.call(locationAdd, { name: 'a first one', spec, protectionPeriodDays: 30 });
  assert.ok(location !== null);
  await world.backUp();
  await world.idle();
  return location;
}

/** Of all, as a user asks for it. */
async function audit({ daemon }: BucketDaemon): Promise<ActionWithResult> {
  return await daemon.ended(await daemon.call(immutabilityAudit, { requestId: randomUUID() }));
}

/** Where audits were made by themselves, the first one first. */
function scheduled({ catalog }: BucketDaemon): readonly string[] {
  return catalog.actions
    .list({ limit: 500 })
    .items.filter(({ kind, startedBy }) => kind === 'auditLocks' && startedBy === 'schedule')
    .map(({ subject }) => subject)
    .toReversed();
}

function away(): never {
  throw HoldfastError.failedTo('storeUnreachable', 'list versions', 'nothing answers');
}
