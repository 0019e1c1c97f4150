import assert from 'node:assert/strict';
import type { LockUntil } from '../../../daemon/locations/objectStore.ts';
import { AuditedBucket } from '../../support/auditedBucket.ts';
import { each, found, handOn, keysOf } from '../../support/auditFindings.ts';
import { lockAnswers } from '../../support/bucket/otherAnswers.ts';

const day = 86_400_000;
const bytes = (digit: string): Uint8Array => Buffer.from(digit.repeat(32), 'hex');

describe('the audit of locks', () => {
  it('R5: finds each lock that was shortened, tells the ledger, and goes on finding it until the lock is as long as it was', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance' });
    const before = audited.until;
    // Of what nobody needs as well: it is locked, and nobody extends it.
    const objects = [...audited.backUp(4), audited.put()];
    handOn(audited).shortenAll();
    const shortened = new Date(Math.ceil(audited.bucket.now / 1000) * 1000 + 60_000).toISOString();
    const first = await audited.audit();
    assert.deepEqual(found(first), each('shortenedLock', keysOf(objects)));
    assert.match(first.findings[0]?.detail ?? '', new RegExp(`ends ${shortened}.*${before.toISOString()}`));
    for (const { objectKey } of objects) assert.equal(audited.row(objectKey).retainUntil, shortened);
    audited.bucket.pass(day);
    assert.deepEqual((await audited.audit()).findings, first.findings);
    audited.bucket.pass(day);
    for (const { objectKey, versionId } of objects) {
      await audited.store.versions.extend(objectKey, versionId ?? '', { mode: 'governance', until: before });
    }
    assert.deepEqual(found(await audited.audit()), []);
    for (const { objectKey } of objects) assert.equal(audited.row(objectKey).retainUntil, before.toISOString());
  });

  it('R5 S7: finds each lock that the store does not hold, so that the monitor makes it anew', async () => {
    using audited = new AuditedBucket({ behaviour: { keepsLocks: false } });
    const objects = audited.backUp(3);
    const first = await audited.audit();
    assert.deepEqual(found(first), each('missingLock', keysOf(objects)));
    for (const { objectKey } of objects) {
      const { retainUntil, lockReadAt } = audited.row(objectKey);
      assert.deepEqual([retainUntil, lockReadAt], [null, null]);
    }
    audited.bucket.pass(day);
    assert.deepEqual((await audited.audit()).findings, first.findings);
    // What should have been locked until then is not missed afterwards.
    audited.bucket.pass(60 * day);
    assert.deepEqual(found(await audited.audit()), []);
  });

  it('R8: finds each lock that was made much longer, and reads it no more', async () => {
    using audited = new AuditedBucket();
    audited.fill(300);
    handOn(audited).lockForACentury();
    const first = await audited.audit({ isThorough: true });
    const keys = keysOf(audited.catalog.objects.below(audited.location.locationId, audited.prefix, '', 300));
    assert.deepEqual(found(first), each('prolongedLock', keys));
    audited.bucket.pass(day);
    const second = await audited.audit({ random: () => 0.999_999 });
    assert.deepEqual([second.findings, second.locksRead], [first.findings, 0]);
  });

  it('takes no extension for one, nor the longer locks of a longer period of before', async () => {
    using audited = new AuditedBucket({ protectionPeriodDays: 7 });
    const long = new Date(audited.bucket.now + 300 * day);
    const extended = audited.put();
    await audited.store.versions.extend(extended.objectKey, extended.versionId ?? '', {
      mode: 'compliance',
      until: new Date(audited.bucket.now + 40 * day),
    });
    const old = audited.put();
    await audited.store.versions.extend(old.objectKey, old.versionId ?? '', { mode: 'compliance', until: long });
    audited.catalog.objects.change(audited.location.locationId, old.objectKey, { retainUntil: long.toISOString() });
    const result = await audited.audit();
    assert.deepEqual([found(result), result.locksRead], [[], 2]);
    assert.equal(audited.row(extended.objectKey).retainUntil, new Date(audited.bucket.now + 40 * day).toISOString());
  });

  it('asks twice before it reports a lock', async () => {
    using audited = new AuditedBucket();
    const { store } = audited;
    audited.backUp(2);
    const asked = new Set<string>();
    const result = await audited.audit({
      store: lockAnswers(store, async (held, key) => {
        const isFirst = !asked.has(key);
        asked.add(key);
        return isFirst ? null : held;
      }),
    });
    assert.deepEqual([found(result), result.locksRead], [[], 6]);
  });

  it('never writes down an older lock than the monitor has written meanwhile', async () => {
    for (const isShortened of [false, true]) {
      using audited = new AuditedBucket({ lockMode: 'governance' });
      const { catalog, location, store } = audited;
      const { objectKey, versionId } = audited.put();
      if (isShortened) handOn(audited).shortenAll();
      audited.bucket.pass(day);
      const later = audited.until;
      let asked = 0;
      const extend = async (held: LockUntil | null): Promise<LockUntil | null> => {
        asked += 1;
        if (asked < (isShortened ? 2 : 1)) return held;
        await store.versions.extend(objectKey, versionId ?? '', { mode: 'governance', until: later });
        const lock = { retainUntil: later.toISOString(), lockReadAt: audited.now.toISOString() };
        catalog.objects.change(location.locationId, objectKey, lock);
        return held;
      };
      await audited.audit({ store: lockAnswers(store, extend) });
      assert.equal(audited.row(objectKey).retainUntil, later.toISOString());
    }
  });

  it('reads no lock that has ended, of what is on its way out, or of what is not there', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance' });
    audited.put();
    audited.bucket.pass(60 * day);
    audited.put({ state: 'deleting' });
    audited.put({ state: 'missing' });
    handOn(audited).shortenAll();
    const result = await audited.audit({ isThorough: true });
    assert.deepEqual([found(result), result.locksRead], [[], 0]);
  });

  it('reads the locks of what looks odd', async () => {
    using audited = new AuditedBucket();
    audited.fill(400);
    const keys = keysOf(audited.catalog.objects.below(audited.location.locationId, audited.prefix, '', 3));
    audited.bucket.put(keys[0] ?? '', bytes('a'));
    audited.bucket.putDeleteMarker(keys[2] ?? '');
    assert.equal((await audited.audit({ random: () => 0.999_999 })).locksRead, 2);
  });

  it('reads few locks where the monitor does, each in time, and those that nobody has read for long', async () => {
    using audited = new AuditedBucket({ protectionPeriodDays: 30 });
    audited.fill(400);
    const never = { random: (): number => 0.999_999 };
    assert.equal((await audited.audit(never)).locksRead, 0);
    const share = await audited.audit({ random: () => 0.63 });
    assert.equal(share.locksRead, 400);
    audited.bucket.pass(28 * day);
    assert.equal((await audited.audit(never)).locksRead, 0);
    audited.bucket.pass(2 * day);
    assert.equal((await audited.audit(never)).locksRead, 400);
    assert.equal((await audited.audit(never)).locksRead, 0);
    const { locationId } = audited.location;
    for (const [index, { objectKey }] of audited.catalog.objects.below(locationId, audited.prefix, '', 400).entries()) {
      if (index >= 300)
        audited.catalog.objects.change(locationId, objectKey, { lockReadAt: new Date(audited.bucket.now - 30 * day).toISOString() });
    }
    assert.equal((await audited.audit(never)).locksRead, 100);
  });

  it('reads each lock once a day where things are protected for a day', async () => {
    using audited = new AuditedBucket({ protectionPeriodDays: 1 });
    audited.backUp(9);
    for (let number = 0; number < 3; number += 1) {
      audited.bucket.pass(day);
      assert.equal((await audited.audit({ random: () => 0.999_999 })).locksRead, 10);
    }
  });

  it('R5: reads all locks once one of them was found wanting, those that were passed by before as well', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance', pageLength: 50 });
    audited.fill(600);
    audited.bucket.pass(day);
    handOn(audited).shortenAll();
    let asked = 0;
    const result = await audited.audit({ random: () => ((asked += 1) === 400 ? 0 : 0.999_999) });
    assert.equal(result.findingsCount, 600);
    assert.ok(asked >= 400 && asked < 600);
    audited.bucket.pass(3000);
    assert.equal((await audited.audit({ random: () => 0.999_999 })).findingsCount, 600);
  });
});
