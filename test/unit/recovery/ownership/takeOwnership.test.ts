import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { ListedVersion, ObjectStore, VersionedObjects } from '../../../../daemon/locations/objectStore.ts';
import type { TermFinding } from '../../../../daemon/recovery/ownership/termFinding.ts';
import { readTerms } from '../../../../daemon/recovery/ownership/termReader.ts';
import { requestMilliseconds } from '../../../../daemon/recovery/ownership/takeOwnership.ts';
import { termCodec } from '../../../../daemon/recovery/ownership/termCodec.ts';
import { type ErrorCode, HoldfastError } from '../../../../protocol/errors.ts';
import type { StoreId } from '../../../../protocol/ids.ts';
import { AttackersHand } from '../../../support/bucket/attackersHand.ts';
import { versionIdOf } from '../../../support/bucket/bucketVersion.ts';
import { newId } from '../../../support/ids.ts';
import { type Daemon, SharedBucket, someTermKeys } from '../../../support/ownership/ownershipBench.ts';

const withCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    HoldfastError.is(error, code);

function kinds(findings: readonly TermFinding[]): readonly string[] {
  return findings.map(({ kind }) => kind).toSorted();
}

/** The store, whose listings of versions are others. */
function withList(store: ObjectStore, versions: VersionedObjects, list: VersionedObjects['list']): ObjectStore {
  return {
    ...store,
    versions: {
      list,
      lockOf: (key, versionId, options) => versions.lockOf(key, versionId, options),
      extend: (key, versionId, lock, options) => versions.extend(key, versionId, lock, options),
      time: (options) => versions.time(options),
    },
  };
}

/** Puts a term of any number and previous one, as no daemon of ours would. */
async function plantTerm(daemon: Daemon, n: number, previous: Uint8Array | null): Promise<Uint8Array> {
  const { bytes, sha256 } = daemon.place.codec.seal({ n, previous, machineId: newId(), storeTime: null, bundle: null });
  await daemon.place.store.put(daemon.keyOf(n), bytes);
  return sha256;
}

describe('taking ownership of a location', () => {
  let shared: SharedBucket;
  let first: Daemon;
  let second: Daemon;

  beforeEach(() => {
    shared = new SharedBucket();
    first = shared.daemon();
    second = shared.daemon();
  });

  it('puts the next term, locked like all else, which says who took it, when, from which bundle and after which term', async () => {
    const bundle = randomBytes(16);
    const one = await first.take();
    assert.equal(one.state, 'owner');
    assert.deepEqual([one.term.n, one.term.term.previous, one.term.term.bundle], [1, null, null]);
    assert.deepEqual([one.term.term.machineId, one.term.term.storeTime], [first.machineId, '2026-01-01T00:00:00.000Z']);
    const two = await second.take({ bundle });
    assert.equal(two.state, 'owner');
    assert.deepEqual([two.term.n, two.term.key, two.term.term.previous], [2, second.keyOf(2), Uint8Array.from(one.term.sha256)]);
    assert.deepEqual(two.term.term.bundle, Uint8Array.from(bundle));
    for (const { version } of shared.bucket.entries()) assert.ok((version.retention?.until ?? 0) > shared.bucket.now / 1000 + 7 * 86_400);
    assert.deepEqual([await first.state(), await second.state()], ['superseded', 'owner']);
    assert.equal((await first.take()).term.n, 3);
    assert.deepEqual([await first.state(), await second.state()], ['owner', 'superseded']);
    assert.equal(first.slept.length, 0);
  });

  it('R1 R2 C8: goes by the oldest versions where delete markers, garbage and older terms lie over all terms, and names what it met', async () => {
    await first.take();
    await second.take();
    const hand = new AttackersHand(shared.bucket);
    const [oldest] = shared.bucket.history(first.keyOf(1));
    hand.hideAll();
    hand.overwriteAll(65_536);
    shared.bucket.put(second.keyOf(2), oldest?.body ?? new Uint8Array(1));
    hand.hideAll();
    assert.deepEqual([await first.state(), await second.state()], ['superseded', 'owner']);
    const { state, findings } = await second.look(true);
    assert.equal(state, 'owner');
    assert.deepEqual(kinds(findings), [
      'deleteMarker',
      'deleteMarker',
      'deleteMarker',
      'deleteMarker',
      'foreignVersion',
      'foreignVersion',
      'foreignVersion',
    ]);
    assert.equal((await first.take()).term.n, 3);
    assert.deepEqual([await first.state(), await second.state()], ['owner', 'superseded']);
  });

  it('R2: takes a number under whose name somebody has put junk, locked for a hundred years', async () => {
    await first.take();
    for (const n of [2, 3]) shared.bucket.put(first.keyOf(n), randomBytes(65_536));
    new AttackersHand(shared.bucket).lockForACentury();
    const { state, term } = await second.take();
    assert.deepEqual([state, term.n], ['owner', 2]);
    assert.deepEqual([await first.state(), await second.state()], ['superseded', 'owner']);
    assert.deepEqual(kinds((await second.look(true)).findings), ['foreignVersion', 'foreignVersion']);
  });

  it('C7: counts no term of another installation, master key or store, whatever its name', async () => {
    const foreign = [termCodec(someTermKeys(), first.place.store.storeId), termCodec(shared.keys, newId<StoreId>())];
    for (const codec of foreign) {
      const { bytes } = codec.seal({ n: 1, previous: null, machineId: newId(), storeTime: null, bundle: null });
      shared.bucket.put(first.keyOf(1), bytes);
    }
    assert.equal(await first.state(), 'unclaimed');
    assert.deepEqual([(await first.take()).term.n, await first.state()], [1, 'owner']);
  });

  it('takes nothing unconfirmed where the store puts over what is there, and then waits for the time of a request before it looks', async () => {
    const careless = shared.daemon((store) => ({ ...store, capabilities: { ...store.capabilities, conditionalPut: false } }));
    await assert.rejects(careless.take(), withCode('confirmationNeeded'));
    assert.equal(shared.bucket.versionCount, 0);
    assert.equal((await careless.take({ isConfirmed: true })).state, 'owner');
    assert.deepEqual(careless.slept, [requestMilliseconds]);
  });

  it('sees another one’s put that came before its own while it waited', async () => {
    const { bytes } = second.place.codec.seal({ n: 1, previous: null, machineId: newId(), storeTime: null, bundle: null });
    shared.bucket.put(first.keyOf(1), bytes);
    const blindOnce = shared.daemon((store) => {
      const { versions } = store;
      assert.ok(versions !== undefined);
      let isFirst = true;
      const late = withList(store, versions, async function* (prefix, options) {
        const hides = isFirst;
        isFirst = false;
        if (!hides) yield* versions.list(prefix, options);
      });
      const put: ObjectStore['put'] = (key, body) => store.put(key, body, { asFurtherVersion: true });
      return { ...late, put, capabilities: { ...store.capabilities, conditionalPut: false } };
    });
    const { state, term } = await blindOnce.take({ isConfirmed: true });
    assert.deepEqual([state, term.n, await blindOnce.state()], ['superseded', 1, 'superseded']);
  });

  it('is no owner where the answer to its put is lost, and takes the next number then', async () => {
    let isLost = true;
    const unlucky = shared.daemon((store) => ({
      ...store,
      put: async (key, body, options) => {
        const result = await store.put(key, body, options);
        if (isLost) throw HoldfastError.failedTo('storeUnreachable', 'put', 'nothing came back');
        return result;
      },
    }));
    await assert.rejects(unlucky.take(), withCode('storeUnreachable'));
    assert.equal(await unlucky.state(), 'superseded');
    isLost = false;
    assert.deepEqual([(await unlucky.take()).term.n, await unlucky.state()], [2, 'owner']);
  });

  it('S7: is no owner where the store does not show what was put', async () => {
    shared = new SharedBucket({ behaviour: { listsLateBy: 30 } });
    first = shared.daemon();
    await assert.rejects(first.take(), withCode('storeFailed'));
    assert.notEqual(await first.state(), 'owner');
    shared.bucket.pass(60_000);
    assert.deepEqual([await first.state(), await shared.daemon().state()], ['superseded', 'superseded']);
  });

  it('has no number after the last one', async () => {
    await plantTerm(first, Number.MAX_SAFE_INTEGER, randomBytes(32));
    await assert.rejects(first.take(), withCode('refusedByRule'));
    assert.equal(shared.bucket.versionCount, 1);
  });

  it('S1: rejects as the store does, and owns nothing', async () => {
    shared.bucket.isReachable = false;
    await assert.rejects(first.take(), withCode('storeUnreachable'));
    shared.bucket.isReachable = true;
    shared.bucket.denied.add('PutObject');
    await assert.rejects(first.take(), withCode('storeRefused'));
    assert.equal(await first.state(), 'unclaimed');
  });
});

describe('the terms of a location', () => {
  let shared: SharedBucket;
  let daemon: Daemon;

  beforeEach(() => {
    shared = new SharedBucket();
    daemon = shared.daemon();
  });

  it('leave out one that skips numbers: it names a term that is there and is not the next', async () => {
    const one = await plantTerm(daemon, 1, null);
    const two = await plantTerm(daemon, 2, one);
    await plantTerm(daemon, 9, two);
    const { highest, findings } = await readTerms(daemon.place, null);
    assert.deepEqual([highest?.n, kinds(findings)], [2, ['skippedNumber']]);
    assert.deepEqual([(await daemon.take()).term.n, await daemon.state()], [3, 'owner']);
  });

  it('leave out one that skips numbers behind the one that was seen last, which is gone', async () => {
    shared = new SharedBucket({ objectLock: false });
    shared.bucket.putVersioning('enabled');
    daemon = shared.daemon();
    const one = await plantTerm(daemon, 1, null);
    const known = { n: 2, sha256: await plantTerm(daemon, 2, one) };
    for (const { key, version } of shared.bucket.entries(daemon.keyOf(2))) shared.bucket.deleteVersion(key, versionIdOf(version));
    await plantTerm(daemon, 9, known.sha256);
    const { highest, findings } = await readTerms(daemon.place, known);
    assert.deepEqual([highest?.n, kinds(findings)], [1, ['missingVersion', 'skippedNumber']]);
  });

  it('count one whose previous one is gone or another one, and say so', async () => {
    await plantTerm(daemon, 7, randomBytes(32));
    assert.deepEqual(kinds((await readTerms(daemon.place, null)).findings), ['missingVersion']);
    await plantTerm(daemon, 8, randomBytes(32));
    const { highest, findings } = await readTerms(daemon.place, null);
    assert.deepEqual([highest?.n, kinds(findings)], [8, ['otherPrevious']]);
  });

  it('are read from the highest down, two of however many', async () => {
    for (let n = 1; n <= 40; n += 1) await shared.daemon().take();
    shared.bucket.resetCalls();
    assert.equal((await readTerms(daemon.place, null)).highest?.n, 40);
    assert.deepEqual(shared.bucket.allCalls, { ListObjectVersions: 3, GetObject: 2 });
  });

  it('R2: are found among a hundred thousand names of junk without reading one', async () => {
    await daemon.take();
    const { store, codec } = daemon.place;
    const { versions } = store;
    assert.ok(versions !== undefined);
    let reads = 0;
    const list: typeof versions.list = async function* (prefix, options) {
      yield* versions.list(prefix, options);
      if (prefix !== codec.prefix) return;
      for (let page = 0; page < 100; page += 1) yield junkPage(codec.prefix, page);
    };
    const flooded: ObjectStore = {
      ...withList(store, versions, list),
      get: (key, options) => {
        reads += 1;
        return store.get(key, options);
      },
    };
    const { highest, findings, findingsCount } = await readTerms({ ...daemon.place, store: flooded }, null);
    assert.deepEqual([highest?.n, reads, findings.length, findingsCount], [1, 1, 100, 100_000]);
  });

  it('R2: are found among thousands of versions of one name, older and newer ones', async () => {
    const key = daemon.keyOf(1);
    const flood = (): void => {
      for (let count = 0; count < 2500; count += 1) shared.bucket.put(key, Buffer.of(1));
    };
    flood();
    assert.equal((await daemon.take()).state, 'owner');
    flood();
    shared.bucket.resetCalls();
    const { highest, findings } = await readTerms(daemon.place, null);
    assert.deepEqual([highest?.n, findings.length, shared.bucket.calls('GetObject')], [1, 100, 1]);
    assert.equal(await daemon.state(), 'owner');
  });

  it('are not there where nobody has taken the location', async () => {
    assert.deepEqual(await readTerms(daemon.place, null), { highest: undefined, findings: [], findingsCount: 0 });
  });
});

function junkPage(prefix: string, page: number): readonly ListedVersion[] {
  return Array.from({ length: 1000 }, (_value, at) => {
    const digits = (page * 1000 + at + 2).toString(16).padStart(16, '0');
    const key = `${prefix}${digits}-${digits}${digits}`;
    return { key, versionId: 'v', isDeleteMarker: false, isLatest: true, size: 65_536, lastModified: new Date(0) };
  });
}
