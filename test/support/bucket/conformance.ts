import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { BucketFacts } from '../../../daemon/locations/bucketFacts.ts';
import type { LockAttempts } from '../../../daemon/locations/lockAttempts.ts';
import type { ListedObject, ListedVersion, LockUntil } from '../../../daemon/locations/objectStore.ts';
import { type ErrorCode, HoldfastError } from '../../../protocol/errors.ts';
import type { VersionedStore } from './bucketStore.ts';

/** A bucket of its own for one test. */
export interface BucketUnderTest {
  readonly store: VersionedStore;
  readonly facts: BucketFacts;
  readonly attempts: LockAttempts;
  /** Resolves when that moment has come for the store. */
  waitUntil(time: Date): Promise<void>;
  dispose(): Promise<void>;
}

export interface BucketConformance {
  /** A fresh bucket, with or without Object Lock. */
  open(context: Mocha.Context, options: { readonly objectLock: boolean }): Promise<BucketUnderTest>;
  /** Most entries of a page of a listing. */
  readonly pageLength: number;
  /** The store takes locks on delete markers, where S3 answers MethodNotAllowed. */
  readonly locksDeleteMarkers?: boolean;
  /** A version gets a new date when its lock is extended, where S3 keeps the date of the put. */
  readonly extendingMovesDate?: boolean;
  /**
   * At the end of a page the store loses keys that others begin with: `a/a` beside `a/a-b` or `a/a/b`. No name of docs/format.md, Names in the store, begins
   * another one.
   */
  readonly losesNamesThatBeginOthers?: boolean;
}

/** What every bucket with versions and locks must do: one suite, run on each kind of store. */
export function describeBucket(name: string, options: BucketConformance): void {
  describe(`bucket with versions and locks: ${name}`, () => {
    let bucket: BucketUnderTest;
    let store: VersionedStore;
    let attempts: LockAttempts;

    const key = 'a/packs/00/one';
    const good = Buffer.from('the good bytes');

    beforeEach(async function (this: Mocha.Context) {
      bucket = await options.open(this, { objectLock: true });
      ({ store, attempts } = bucket);
    });

    afterEach(() => bucket.dispose());

    const inSeconds = async (seconds: number, mode: LockUntil['mode'] = 'compliance'): Promise<LockUntil> => ({
      mode,
      until: new Date((await store.versions.time()).getTime() + seconds * 1000),
    });

    const putLocked = async (lock: LockUntil, body: Uint8Array = good): Promise<string> =>
      idOf((await store.put(key, body, { lock })).versionId);

    it('takes a further version over what is there where it is asked to, locked like any other, and reads go on to meet the first', async () => {
      const first = await store.put(key, good);
      const lock = await inSeconds(60);
      const further = await store.put(key, Buffer.from('further'), { lock, asFurtherVersion: true });
      assert.notEqual(further.versionId, first.versionId);
      assert.deepEqual(Buffer.from((await store.get(key))?.body ?? []), good);
      assert.deepEqual(Buffer.from((await store.get(key, { versionId: further.versionId }))?.body ?? []), Buffer.from('further'));
      assert.deepEqual(await store.versions.lockOf(key, idOf(further.versionId)), lock);
    });

    it('S9: holds the lock that a put asked for, to the second', async () => {
      for (const mode of ['compliance', 'governance'] as const) {
        const lock = await inSeconds(3600, mode);
        const put = await store.put(`a/${mode}`, good, { lock });
        assert.deepEqual(put.lock, lock);
        assert.deepEqual(await store.versions.lockOf(`a/${mode}`, idOf(put.versionId)), lock);
        assert.deepEqual((await store.head(`a/${mode}`, { versionId: put.versionId }))?.lock, lock);
      }
      const free = await store.put('a/free', good);
      assert.equal(free.lock, null);
      assert.equal(await store.versions.lockOf('a/free', idOf(free.versionId)), null);
      assert.equal((await store.head('a/free'))?.lock, null);
    });

    it('extends one version by its id, and changes nothing else of it', async () => {
      const versionId = await putLocked(await inSeconds(100));
      const before = (await versions())[0];
      const newer = idOf(await attempts.overwrite(key, Buffer.from('garbage')));
      const later = await inSeconds(500);
      await bucket.waitUntil(new Date((before?.lastModified.getTime() ?? 0) + 1000));
      await store.versions.extend(key, versionId, later);
      assert.deepEqual(await store.versions.lockOf(key, versionId), later);
      // The same again: a retry whose answer was lost.
      await store.versions.extend(key, versionId, later);
      assert.deepEqual(await store.versions.lockOf(key, versionId), later);
      assert.equal(await store.versions.lockOf(key, newer), null);
      const after = (await versions()).find((version) => version.versionId === versionId);
      if (options.extendingMovesDate !== true) assert.deepEqual(after?.lastModified, before?.lastModified);
      assert.equal(after?.isLatest, false);
      assert.deepEqual(Buffer.from((await store.get(key, { versionId }))?.body ?? []), good);
    });

    it('locks a version that was put without a lock', async () => {
      const versionId = idOf((await store.put(key, good)).versionId);
      const lock = await inSeconds(300);
      await store.versions.extend(key, versionId, lock);
      assert.deepEqual(await store.versions.lockOf(key, versionId), lock);
      await refuses(attempts.deleteVersion(key, versionId), 'lockRefused');
    });

    it('R5: a compliance lock is not shortened, weakened, taken off or passed by, whatever is asked', async () => {
      const lock = await inSeconds(1000);
      const versionId = await putLocked(lock);
      const shorter = await inSeconds(500);
      const longerButWeaker: LockUntil = { ...(await inSeconds(2000)), mode: 'governance' };
      const past = await inSeconds(-60);
      for (const bypass of [false, true]) {
        await refuses(attempts.setLock(key, versionId, shorter, { bypass }), 'lockRefused');
        await refuses(attempts.setLock(key, versionId, longerButWeaker, { bypass }), 'lockRefused');
        await refuses(attempts.setLock(key, versionId, past, { bypass }), 'lockRefused');
      }
      await refuses(store.versions.extend(key, versionId, shorter), 'lockRefused');
      await refuses(attempts.deleteVersion(key, versionId), 'lockRefused');
      await refuses(attempts.deleteVersionWithBypass(key, versionId), 'lockRefused');
      await refuses(store.delete(key, versionId), 'lockRefused');
      assert.deepEqual(await store.versions.lockOf(key, versionId), lock);
      assert.deepEqual(Buffer.from((await store.get(key, { versionId }))?.body ?? []), good);
    });

    it('R5: a governance lock gives way to bypass alone', async () => {
      const versionId = await putLocked(await inSeconds(1000, 'governance'));
      const longer = await inSeconds(2000, 'governance');
      await attempts.setLock(key, versionId, longer);
      await refuses(attempts.setLock(key, versionId, await inSeconds(500, 'governance')), 'lockRefused');
      await refuses(attempts.setLock(key, versionId, await inSeconds(3000)), 'lockRefused');
      await refuses(attempts.deleteVersion(key, versionId), 'lockRefused');
      await refuses(store.delete(key, versionId), 'lockRefused');
      assert.deepEqual(await store.versions.lockOf(key, versionId), longer);
      const shorter = await inSeconds(500, 'governance');
      await attempts.setLock(key, versionId, shorter, { bypass: true });
      assert.deepEqual(await store.versions.lockOf(key, versionId), shorter);
      await attempts.deleteVersionWithBypass(key, versionId);
      assert.equal(await store.head(key, { versionId }), undefined);
    });

    it('lets a version go once its lock has ended', async () => {
      const lock = await inSeconds(3);
      const versionId = await putLocked(lock);
      await refuses(store.delete(key, versionId), 'lockRefused');
      await bucket.waitUntil(lock.until);
      await store.delete(key, versionId);
      await store.delete(key, versionId);
      assert.deepEqual(await versions(), []);
    });

    it('takes no lock that has ended already', async () => {
      await refuses(store.put(key, good, { lock: await inSeconds(-60) }), 'lockRefused', 'storeFailed');
      assert.deepEqual(await versions(), []);
    });

    it('S3: a put of the same bytes under the same key says the version that is there', async () => {
      const lock = await inSeconds(100);
      const versionId = await putLocked(lock);
      assert.equal((await store.put(key, good, { lock })).versionId, versionId);
      await refuses(store.put(key, Buffer.from('the evil bytes'), { lock }), 'objectExists');
      await refuses(store.put(key, Buffer.from('other bytes, and more of them'), { lock }), 'objectExists');
      assert.equal((await versions()).length, 1);
    });

    it('R2: reads and lists the oldest version, however many came later', async () => {
      const versionId = await putLocked(await inSeconds(100));
      const garbage = idOf(await attempts.overwrite(key, Buffer.from('garbage')));
      const more = idOf(await attempts.overwrite(key, randomBytes(300)));
      assert.deepEqual(Buffer.from((await store.get(key))?.body ?? []), good);
      assert.equal((await store.get(key))?.versionId, versionId);
      assert.equal((await store.head(key))?.size, good.length);
      assert.deepEqual(Buffer.from((await store.get(key, { offset: 4, length: 4 }))?.body ?? []).toString(), 'good');
      assert.deepEqual(
        (await listed()).map((object) => [object.key, object.versionId, object.size]),
        [[key, versionId, good.length]],
      );
      assert.deepEqual(
        (await versions()).map((version) => [version.versionId, version.isLatest, version.size]),
        [
          [more, true, 300],
          [garbage, false, 7],
          [versionId, false, good.length],
        ],
      );
      assert.equal(Buffer.from((await store.get(key, { versionId: garbage }))?.body ?? []).toString(), 'garbage');
    });

    it('R1: a delete marker hides nothing, and is gone with its version', async () => {
      const versionId = await putLocked(await inSeconds(100));
      const marker = idOf(await attempts.putDeleteMarker(key));
      assert.deepEqual(Buffer.from((await store.get(key))?.body ?? []), good);
      assert.equal((await store.head(key))?.versionId, versionId);
      assert.deepEqual(
        (await listed()).map((object) => object.versionId),
        [versionId],
      );
      const [newest, oldest] = await versions();
      assert.deepEqual([newest?.versionId, newest?.isDeleteMarker, newest?.isLatest, newest?.size], [marker, true, true, 0]);
      assert.deepEqual([oldest?.versionId, oldest?.isDeleteMarker, oldest?.isLatest], [versionId, false, false]);
      assert.equal(await store.get(key, { versionId: marker }), undefined);
      assert.equal(await store.head(key, { versionId: marker }), undefined);
      await store.delete(key, marker);
      assert.deepEqual(
        (await versions()).map((version) => [version.versionId, version.isLatest]),
        [[versionId, true]],
      );
    });

    it('R1: a delete marker over nothing is no object', async () => {
      const marker = idOf(await attempts.putDeleteMarker('a/never'));
      assert.deepEqual(await listed(), []);
      assert.equal(await store.get('a/never'), undefined);
      assert.deepEqual(
        (await versions()).map((version) => [version.key, version.versionId, version.isDeleteMarker]),
        [['a/never', marker, true]],
      );
    });

    it('R1: a put over a delete marker is a newer version, since nothing that can be read is there', async () => {
      const versionId = await putLocked(await inSeconds(100));
      await attempts.putDeleteMarker(key);
      const newer = idOf((await store.put(key, Buffer.from('put again'))).versionId);
      assert.deepEqual(
        (await versions()).map((version) => [version.versionId === newer, version.isDeleteMarker, version.versionId === versionId]),
        [
          [true, false, false],
          [false, true, false],
          [false, false, true],
        ],
      );
      assert.equal((await store.head(key))?.versionId, versionId);
    });

    if (options.locksDeleteMarkers !== true) {
      it('locks no delete marker', async () => {
        await putLocked(await inSeconds(100));
        const marker = idOf(await attempts.putDeleteMarker(key));
        await refuses(store.versions.extend(key, marker, await inSeconds(100)), 'objectMissing', 'notInThisVersion');
        await refuses(store.versions.lockOf(key, marker), 'objectMissing', 'notInThisVersion');
      });
    }

    it('says of a version that is not there that it is missing', async () => {
      const versionId = await putLocked(await inSeconds(100));
      const other = idOf((await store.put('a/other', good)).versionId);
      const lock = await inSeconds(200);
      for (const [missingKey, missingId] of [
        [key, other],
        ['a/other', versionId],
        ['a/never', versionId],
      ] as const) {
        await refuses(store.versions.lockOf(missingKey, missingId), 'objectMissing');
        await refuses(store.versions.extend(missingKey, missingId, lock), 'objectMissing');
        assert.equal(await store.head(missingKey, { versionId: missingId }), undefined);
        assert.equal(await store.get(missingKey, { versionId: missingId }), undefined);
        await store.delete(missingKey, missingId);
      }
      assert.equal((await versions()).length, 2);
    });

    it('deletes the oldest version where none is named, and leaves no marker', async () => {
      const versionId = idOf((await store.put(key, good)).versionId);
      const newer = idOf(await attempts.overwrite(key, Buffer.from('garbage')));
      await store.delete(key, null);
      assert.deepEqual(
        (await versions()).map((version) => [version.versionId, version.versionId === versionId]),
        [[newer, false]],
      );
      await store.delete('a/never', null);
      assert.equal((await versions()).length, 1);
    });

    it('S6: lists every version once and in order, over pages that cut the history of a key', async () => {
      const names = options.losesNamesThatBeginOthers === true ? ['a/a', 'a/b-b', 'a/c/b', 'b'] : ['a/a', 'a/a-b', 'a/a/b', 'b'];
      const counts = [2, Math.ceil(options.pageLength * 1.05), 3, 1];
      const made = new Map<string, string[]>();
      for (const [index, each] of names.entries()) {
        const ids = [idOf((await store.put(each, good)).versionId)];
        // In turn, since their order is looked at.
        for (let at = 1; at < (counts[index] ?? 0); at += 1) ids.push(idOf(await attempts.overwrite(each, Buffer.from('x'))));
        made.set(each, ids.toReversed());
      }
      const found = await versions();
      assert.deepEqual(
        found.map((version) => [version.key, version.versionId]),
        names.flatMap((each) => (made.get(each) ?? []).map((id) => [each, id])),
      );
      assert.equal(found.filter((version) => version.isLatest).length, names.length);
      assert.deepEqual(
        (await listed()).map((object) => [object.key, object.versionId]),
        names.map((each) => [each, made.get(each)?.at(-1)]),
      );
      assert.deepEqual(
        (await versions(`${names[2]?.slice(0, -1)}`)).map((version) => version.key),
        [names[2], names[2], names[2]],
      );
      assert.deepEqual(await versions('nothing/here'), []);
    });

    it('F1: dates what is put by the clock that it tells', async () => {
      const before = await store.versions.time();
      await store.put(key, good);
      const after = await store.versions.time();
      assert.equal(before.getMilliseconds(), 0);
      const [version] = await versions();
      assert.ok(version !== undefined && version.lastModified >= before && version.lastModified <= after);
      const facts = await store.head(key);
      assert.equal(Math.floor((facts?.lastModified.getTime() ?? 0) / 1000), Math.floor(version.lastModified.getTime() / 1000));
    });

    it('tells what it is set to', async () => {
      assert.equal(await bucket.facts.versioning(), 'enabled');
      assert.deepEqual(await bucket.facts.objectLock(), { defaultRetention: null });
      assert.deepEqual(await bucket.facts.lifecycle(), []);
      assert.match(await bucket.facts.region(), /^[a-z0-9-]+$/);
    });

    it('S7: a bucket without Object Lock says so, and takes no lock', async function (this: Mocha.Context) {
      const plain = await options.open(this, { objectLock: false });
      try {
        assert.equal(await plain.facts.objectLock(), null);
        const lock = await inSeconds(100);
        await refuses(plain.store.put(key, good, { lock }), 'lockRefused', 'storeFailed');
        const { versionId } = await plain.store.put(key, good);
        await refuses(plain.store.versions.extend(key, versionId ?? 'null', lock), 'lockRefused');
        assert.deepEqual(Buffer.from((await plain.store.get(key, { versionId }))?.body ?? []), good);
      } finally {
        await plain.dispose();
      }
    });

    it('ends at once, with nothing done, once the signal is aborted', async () => {
      const lock = await inSeconds(100);
      const versionId = await putLocked(lock);
      const signal = AbortSignal.abort();
      const longer = await inSeconds(500);
      await refuses(store.versions.extend(key, versionId, longer, { signal }), 'cancelled');
      await refuses(store.versions.lockOf(key, versionId, { signal }), 'cancelled');
      await refuses(store.versions.time({ signal }), 'cancelled');
      await refuses(attempts.overwrite(key, good, { signal }), 'cancelled');
      await refuses(attempts.putDeleteMarker(key, { signal }), 'cancelled');
      await refuses(bucket.facts.versioning({ signal }), 'cancelled');
      await refuses(all(store.versions.list('', { signal })), 'cancelled');
      assert.deepEqual(await store.versions.lockOf(key, versionId), lock);
      assert.equal((await versions()).length, 1);
    });

    async function versions(prefix = ''): Promise<readonly ListedVersion[]> {
      return await all(store.versions.list(prefix));
    }

    async function listed(): Promise<readonly ListedObject[]> {
      return await all(store.list(''));
    }
  });
}

async function all<Entry>(pages: AsyncIterable<readonly Entry[]>): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for await (const page of pages) found.push(...page);
  return found;
}

function idOf(versionId: string | null): string {
  assert.ok(versionId !== null && versionId !== '', 'the store names no version');
  return versionId;
}

async function refuses(act: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<void> {
  await assert.rejects(act, (error) => {
    if (HoldfastError.is(error, ...codes)) return true;
    throw error;
  });
}
