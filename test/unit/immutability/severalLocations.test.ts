import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { ActionWithResult } from '../../../protocol/methods/actions.ts';
import { auditDocument, immutabilityAudit } from '../../../protocol/methods/immutability.ts';
import { locationAdd } from '../../../protocol/methods/locations.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { AttackersHand } from '../../support/bucket/attackersHand.ts';
import { listing } from '../../support/bucket/otherAnswers.ts';
import { BucketDaemon } from '../../support/bucketDaemon.ts';

describe('an audit of all immutable locations', function () {
  this.timeout(60_000);

  it('R2: finds what was done at one although the first is away, and tells of that where nothing else is wrong', async () => {
    await using world = await BucketDaemon.ready();
    const { daemon, bucket } = world;
    const spec = { kind: 's3', bucket: 'backups', region: bucket.region, prefix: 'first', credentials: { source: 'chain' } } as const;
    const { location } = await daemon.call(locationAdd, { name: 'a first one', spec, protectionPeriodDays: 30 });
    assert.ok(location !== null);
    await world.backUp();
    await world.idle();
    const { storeId } = location;
    const audit = async (): Promise<ActionWithResult> =>
      await daemon.ended(await daemon.call(immutabilityAudit, { requestId: randomUUID() }));
    assert.equal((await audit()).error, null);
    world.wrap = (store) => (store.storeId === storeId ? listing(store, away) : store);
    assert.equal((await audit()).error?.code, 'storeUnreachable');
    assert.ok(new AttackersHand(bucket, { prefix: `${world.catalog.installation.get()?.installationId}/` }).hideAll().done > 0);
    const audited = await audit();
    assert.equal(audited.error?.code, 'tampered');
    const { findings } = auditDocument.parse(audited.result);
    assert.ok(findings.length > 0 && findings.every((finding) => finding.location === 'store'));
  });
});

function away(): never {
  throw HoldfastError.failedTo('storeUnreachable', 'list versions', 'nothing answers');
}
