import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { AttackersHand } from '../../../support/bucket/attackersHand.ts';
import { liars } from '../../../support/bucket/behaviour.ts';
import { BucketRefusal, type BucketRefusalCode } from '../../../support/bucket/bucketRefusal.ts';
import { openBucketStore } from '../../../support/bucket/bucketStore.ts';
import { type BucketVersion, sequenceOf, versionIdOf } from '../../../support/bucket/bucketVersion.ts';
import { MemoryBucket, type PageMarker } from '../../../support/bucket/memoryBucket.ts';

const day = 86_400_000;

function refusal(code: BucketRefusalCode): (error: unknown) => boolean {
  return (error) => error instanceof BucketRefusal && error.code === code;
}

/** Seconds since the epoch by the bucket's clock. */
const inSeconds = (bucket: MemoryBucket, seconds: number): number => Math.floor(bucket.now / 1000) + seconds;

/** Whatever somebody may try, in an order and at times of fast-check's own. */
const hostileAct = fc.oneof(
  fc.constantFrom('hideAll', 'overwriteAll', 'encryptAllInPlace', 'deleteAllVersions', 'shortenAll', 'downgradeAll', 'suspendVersioning'),
  fc.constantFrom('lockForACentury', 'setDefaultRetention', 'setLifecycle', 'runLifecycle', 'changeDefaultEncryption', 'takeKeyAway'),
  fc.nat({ max: 9 * day }),
);

type HostileAct = string | number;

function commit(bucket: MemoryBucket, hand: AttackersHand, act: HostileAct): void {
  switch (act) {
    case 'setLifecycle':
      return hand.setLifecycle(1);
    case 'runLifecycle':
      return bucket.runLifecycle();
    case 'changeDefaultEncryption':
      return hand.changeDefaultEncryption();
    case 'takeKeyAway':
      return hand.takeKeyAway();
    case 'hideAll':
    case 'overwriteAll':
    case 'encryptAllInPlace':
    case 'deleteAllVersions':
    case 'shortenAll':
    case 'downgradeAll':
    case 'suspendVersioning':
    case 'lockForACentury':
    case 'setDefaultRetention':
      hand[act]();
      return undefined;
    default:
      return typeof act === 'number' ? bucket.pass(act) : assert.fail(act);
  }
}

describe('bucket in memory', () => {
  it('R1 R2 R3 R4 R5: a version under a compliance lock survives any sequence of hostile acts until its lock ends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hostileAct, { maxLength: 25 }), fc.integer({ min: 1, max: 60 }), async (acts, days) => {
        const bucket = new MemoryBucket({ pageLength: 2 });
        const { store } = openBucketStore(bucket);
        const hand = new AttackersHand(bucket);
        const until = new Date(bucket.now + days * day);
        const put = await store.put('a/one', Buffer.from('good'), { lock: { mode: 'compliance', until } });
        const versionId = put.versionId ?? assert.fail('no version id');
        for (const act of acts) {
          commit(bucket, hand, act);
          if (bucket.now >= until.getTime()) return;
          const lock = await store.versions.lockOf('a/one', versionId);
          assert.ok(lock !== null && lock.mode === 'compliance' && lock.until >= until);
          assert.equal(Buffer.from((await store.get('a/one', { versionId }))?.body ?? []).toString(), 'good');
          assert.equal(Buffer.from((await store.get('a/one'))?.body ?? []).toString(), 'good');
        }
      }),
      { numRuns: 150 },
    );
  });

  it('R5: nothing is left of versions without a lock, nor of governance where bypass is allowed', () => {
    const bucket = new MemoryBucket();
    const hand = new AttackersHand(bucket);
    bucket.put('free', Buffer.from('x'));
    bucket.put('governed', Buffer.from('x'), { retention: { mode: 'GOVERNANCE', until: inSeconds(bucket, 1000) } });
    assert.deepEqual(new AttackersHand(bucket, { maySkipGovernance: false }).shortenAll(), { done: 1, refused: 1 });
    assert.deepEqual(hand.deleteAllVersions(), { done: 1, refused: 1 });
    bucket.pass(1000 * 1000);
    assert.deepEqual(hand.deleteAllVersions(), { done: 1, refused: 0 });
    assert.equal(bucket.versionCount, 0);
  });

  it('R3: lifecycle rules hide what is current and remove what is not, never what is locked', () => {
    const bucket = new MemoryBucket();
    const until = inSeconds(bucket, 30 * 86_400);
    bucket.put('locked', Buffer.from('x'), { retention: { mode: 'COMPLIANCE', until } });
    bucket.put('free', Buffer.from('x'));
    new AttackersHand(bucket).setLifecycle(7);
    bucket.pass(7 * day);
    bucket.runLifecycle();
    assert.deepEqual(history(bucket, 'free'), ['version', 'marker']);
    bucket.pass(7 * day);
    bucket.runLifecycle();
    assert.deepEqual(history(bucket, 'free'), ['marker']);
    assert.deepEqual(history(bucket, 'locked'), ['version', 'marker']);
    bucket.setTime(new Date(until * 1000));
    bucket.runLifecycle();
    assert.deepEqual(history(bucket, 'locked'), ['marker']);
  });

  it('R3 R4: what came under a key that is gone cannot be read, what asked for its own encryption can', () => {
    const bucket = new MemoryBucket();
    const hand = new AttackersHand(bucket);
    hand.changeDefaultEncryption();
    const ours = bucket.put('ours', Buffer.from('x'), { encryption: 'AES256' });
    bucket.put('theirs', Buffer.from('x'));
    hand.takeKeyAway();
    assert.equal(bucket.get('ours')?.version, ours);
    assert.throws(() => bucket.get('theirs'), refusal('AccessDenied'));
    assert.deepEqual(new AttackersHand(bucket, { prefix: 'ours' }).encryptAllInPlace(), { done: 1, refused: 0 });
    assert.throws(() => bucket.get('ours'), refusal('InvalidRequest'));
    assert.equal(bucket.get('ours', versionIdOf(ours))?.version, ours);
  });

  it('is right about any history of puts, deletes and markers, over pages of any length', async () => {
    const act = fc.record({
      key: fc.constantFrom('a', 'a-b', 'a/b', 'b'),
      kind: fc.constantFrom('put', 'putIfAbsent', 'marker', 'delete'),
      which: fc.nat({ max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), async (acts, pageLength) => {
        const bucket = new MemoryBucket({ pageLength });
        const model = new Map<string, BucketVersion[]>();
        for (const { key, kind, which } of acts) {
          bucket.pass(700);
          const versions = model.get(key) ?? [];
          model.set(key, versions);
          if (kind === 'put') versions.push(bucket.put(key, Buffer.from(key)));
          else if (kind === 'marker') versions.push(bucket.putDeleteMarker(key) ?? assert.fail('no marker'));
          else if (kind === 'delete') {
            const [gone] = versions.splice(which, 1);
            if (gone !== undefined) bucket.deleteVersion(key, versionIdOf(gone));
          } else if (versions.at(-1)?.isDeleteMarker ?? true) versions.push(bucket.put(key, Buffer.from(key), { ifNoneMatch: true }));
          else assert.throws(() => bucket.put(key, Buffer.from(key), { ifNoneMatch: true }), refusal('PreconditionFailed'));
        }
        const { store } = openBucketStore(bucket);
        const found: unknown[] = [];
        for await (const page of store.versions.list('')) {
          assert.ok(page.length <= pageLength);
          for (const { key, versionId, isDeleteMarker, isLatest } of page) found.push([key, versionId, isDeleteMarker, isLatest]);
        }
        const keys = [...model.keys()].toSorted();
        assert.deepEqual(
          found,
          keys.flatMap((key) => {
            const newestFirst = (model.get(key) ?? []).toReversed();
            return newestFirst.map((version, index) => [key, versionIdOf(version), version.isDeleteMarker, index === 0]);
          }),
        );
        for (const key of keys) {
          const oldest = model.get(key)?.find((version) => !version.isDeleteMarker);
          assert.equal((await store.head(key))?.versionId, oldest === undefined ? undefined : versionIdOf(oldest));
        }
      }),
    );
  });

  it('goes on behind an entry that is gone by the time of the next page', () => {
    const bucket = new MemoryBucket({ pageLength: 2 });
    for (let at = 0; at < 5; at += 1) bucket.put('a', Buffer.from([at]));
    bucket.put('b', Buffer.from('x'));
    const first = bucket.listPage('');
    const marker: PageMarker = first.next ?? assert.fail('no second page');
    bucket.deleteVersion('a', marker.versionId);
    bucket.put('a', Buffer.from('newer'));
    bucket.put('aa', Buffer.from('between'));
    const rest = [...bucket.listPage('', marker).entries, ...bucket.listPage('', bucket.listPage('', marker).next).entries];
    assert.deepEqual(
      rest.map(({ key, version }) => [key, version.body?.[0]]),
      [
        ['a', 2],
        ['a', 1],
        ['a', 0],
        ['aa', 98],
      ],
    );
  });

  it('gives ids that say nothing of their order and come back to their version', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xff_ff_ff_ff }), (sequence) => {
        assert.equal(sequenceOf(versionIdOf({ sequence, isNull: false })), sequence);
      }),
    );
    const ids = Array.from({ length: 20 }, (_, index) => versionIdOf({ sequence: index + 1, isNull: false }));
    assert.notDeepEqual(ids, ids.toSorted());
    assert.equal(sequenceOf('null'), undefined);
  });

  it('refuses what its credentials may not do, answers nothing while it is away, and counts each call', () => {
    const bucket = new MemoryBucket({ capacity: 10 });
    bucket.put('a', Buffer.from('12345'));
    bucket.denied.add('GetObject');
    assert.throws(() => bucket.get('a'), refusal('AccessDenied'));
    assert.throws(() => bucket.put('b', Buffer.from('123456')), refusal('InsufficientStorage'));
    bucket.isThere = false;
    assert.throws(() => bucket.head('a'), refusal('NoSuchBucket'));
    bucket.isReachable = false;
    assert.throws(() => bucket.head('a'), refusal('ConnectionFailed'));
    assert.deepEqual(bucket.allCalls, { PutObject: 2, GetObject: 1, HeadObject: 2 });
    bucket.resetCalls();
    assert.equal(bucket.calls('PutObject'), 0);
  });

  it('counts the bytes of what is there, and has room again when some is gone', () => {
    const bucket = new MemoryBucket({ capacity: 6 });
    const id = versionIdOf(bucket.put('a', Buffer.from('12345')));
    bucket.deleteVersion('a', id);
    assert.equal(bucket.bytes, 0);
    bucket.put('a', Buffer.from('54321'));
  });

  it('lets versioning be suspended only where there is no Object Lock', () => {
    const locked = new MemoryBucket();
    assert.throws(() => locked.putVersioning('suspended'), refusal('InvalidBucketState'));
    const plain = new MemoryBucket({ objectLock: false });
    plain.putVersioning('enabled');
    const first = plain.put('a', Buffer.from('x'));
    plain.putVersioning('suspended');
    plain.put('a', Buffer.from('y'));
    plain.put('a', Buffer.from('z'));
    assert.deepEqual(plain.history('a').map(versionIdOf), [versionIdOf(first), 'null']);
    assert.throws(
      () => plain.setRetention('a', versionIdOf(first), { mode: 'COMPLIANCE', until: inSeconds(plain, 9) }),
      refusal('InvalidRequest'),
    );
  });

  it('gives what is put without a lock of its own the default one, and the encryption that was asked for', () => {
    const bucket = new MemoryBucket();
    new AttackersHand(bucket).setDefaultRetention(2);
    const version = bucket.put('a', Buffer.from('x'), { encryption: 'AES256' });
    assert.deepEqual(version.retention, { mode: 'COMPLIANCE', until: inSeconds(bucket, 2 * 86_400) });
    assert.equal(version.encryption, 'AES256');
    const careless = new MemoryBucket({ behaviour: { encrypts: false } });
    assert.equal(careless.put('a', Buffer.from('x'), { encryption: 'AES256' }).encryption, undefined);
  });

  it('keeps sizes and knows equal bytes where bodies are dropped', async () => {
    const bucket = new MemoryBucket({ bodies: 'drop' });
    const { store } = openBucketStore(bucket);
    const put = await store.put('a', Buffer.from('12345'));
    assert.deepEqual(Buffer.from((await store.get('a'))?.body ?? []), Buffer.alloc(5));
    assert.equal((await store.put('a', Buffer.from('12345'))).versionId, put.versionId);
    await assert.rejects(store.put('a', Buffer.from('54321')));
    assert.equal(bucket.bytes, 5);
  });
});

describe('bucket that lies', () => {
  const retentionOf = (bucket: MemoryBucket): { mode: 'COMPLIANCE'; until: number } => ({
    mode: 'COMPLIANCE',
    until: inSeconds(bucket, 1000),
  });

  it('S7: shows a lock and lets the version be deleted', () => {
    const bucket = new MemoryBucket({ behaviour: liars.doesNotEnforce });
    const id = versionIdOf(bucket.put('a', Buffer.from('x'), { retention: retentionOf(bucket) }));
    assert.deepEqual(bucket.retentionOf('a', id), retentionOf(bucket));
    bucket.deleteVersion('a', id);
    assert.equal(bucket.versionCount, 0);
  });

  it('S7: takes a lock and keeps none', () => {
    const bucket = new MemoryBucket({ behaviour: liars.ignoresLocks });
    const id = versionIdOf(bucket.put('a', Buffer.from('x'), { retention: retentionOf(bucket) }));
    bucket.setRetention('a', id, retentionOf(bucket));
    assert.equal(bucket.retentionOf('a', id), undefined);
  });

  it('S7: puts over what is there, by a newer version or in its place', () => {
    const careless = new MemoryBucket({ behaviour: liars.ignoresConditions });
    careless.put('a', Buffer.from('x'), { ifNoneMatch: true });
    careless.put('a', Buffer.from('y'), { ifNoneMatch: true });
    assert.equal(careless.versionCount, 2);
    const forgetful = new MemoryBucket({ behaviour: liars.overwrites });
    const gone = versionIdOf(forgetful.put('a', Buffer.from('x'), { retention: retentionOf(forgetful) }));
    forgetful.put('a', Buffer.from('y'));
    assert.equal(forgetful.getVersioning(), 'enabled');
    assert.equal(forgetful.head('a', gone), undefined);
    assert.equal(forgetful.versionCount, 1);
  });

  it('S4 S7: names no version', async () => {
    const { store } = openBucketStore(new MemoryBucket({ behaviour: liars.namesNoVersions }));
    assert.equal((await store.put('a', Buffer.from('x'))).versionId, null);
  });

  it('S7: lets a lock be shortened, weakened and set into the past, and versioning be suspended', () => {
    const bucket = new MemoryBucket({ behaviour: liars.likeMoto });
    const id = versionIdOf(bucket.put('a', Buffer.from('x'), { retention: retentionOf(bucket) }));
    const hand = new AttackersHand(bucket);
    assert.deepEqual(hand.shortenAll(), { done: 1, refused: 0 });
    assert.deepEqual(hand.downgradeAll(), { done: 1, refused: 0 });
    bucket.setRetention('a', id, { mode: 'GOVERNANCE', until: inSeconds(bucket, -10) });
    assert.deepEqual(hand.deleteAllVersions(), { done: 1, refused: 0 });
    assert.deepEqual(hand.suspendVersioning(), { done: 1, refused: 0 });
    assert.equal(versionIdOf(bucket.put('a', Buffer.from('x'))), 'null');
    bucket.put('a', Buffer.from('y'));
    assert.equal(bucket.versionCount, 1);
  });

  it('S6: lists late', () => {
    const bucket = new MemoryBucket({ behaviour: liars.listsStale });
    bucket.put('a', Buffer.from('x'));
    assert.deepEqual(bucket.listPage('').entries, []);
    bucket.pass(30_000);
    assert.equal(bucket.listPage('').entries.length, 1);
  });

  it('F1: has a clock that is wrong for all that it says and does', async () => {
    const bucket = new MemoryBucket({ behaviour: liars.clockAhead, start: new Date('2026-03-01T00:00:00Z') });
    const { store } = openBucketStore(bucket);
    assert.deepEqual(await store.versions.time(), new Date('2026-03-01T01:00:00Z'));
    await store.put('a', Buffer.from('x'));
    assert.deepEqual((await store.head('a'))?.lastModified, new Date('2026-03-01T01:00:00Z'));
    const until = new Date('2026-03-01T00:30:00Z');
    await assert.rejects(store.put('b', Buffer.from('x'), { lock: { mode: 'compliance', until } }));
  });
});

function history(bucket: MemoryBucket, key: string): readonly string[] {
  return bucket.history(key).map((version) => (version.isDeleteMarker ? 'marker' : 'version'));
}
