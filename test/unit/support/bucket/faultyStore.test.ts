import assert from 'node:assert/strict';
import type { ListedVersion, LockUntil } from '../../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { openBucketStore } from '../../../support/bucket/bucketStore.ts';
import { type FaultyBucketStore, faultyStore, type StoreFaults } from '../../../support/bucket/faultyStore.ts';
import { MemoryBucket } from '../../../support/bucket/memoryBucket.ts';

const body = Buffer.from('the good bytes, and enough of them to cut');

function make(faults: StoreFaults): { readonly bucket: MemoryBucket; readonly store: FaultyBucketStore; readonly lock: LockUntil } {
  const bucket = new MemoryBucket({ pageLength: 4 });
  const lock: LockUntil = { mode: 'compliance', until: new Date(bucket.now + 86_400_000) };
  return { bucket, store: faultyStore(openBucketStore(bucket).store, faults), lock };
}

async function outcomes(faults: StoreFaults): Promise<readonly string[]> {
  const { store } = make(faults);
  const found: string[] = [];
  for (let at = 0; at < 100; at += 1) {
    found.push(
      await store.put(`a/${at}`, body).then(
        () => 'done',
        (error: unknown) => (HoldfastError.is(error) ? error.code : 'other'),
      ),
    );
  }
  return found;
}

async function keys(pages: AsyncIterable<readonly { readonly key: string }[]>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const page of pages) found.push(...page.map(({ key }) => key));
  return found;
}

const isHit = (error: unknown): boolean => HoldfastError.is(error) && error.message.includes('seed 5');
const refused = (error: unknown): boolean => HoldfastError.is(error, 'lockRefused');
const isMissing = (error: unknown): boolean => HoldfastError.is(error, 'objectMissing');

describe('store with seeded faults', () => {
  it('S1: fails as often as it was told, in an order that its seed repeats', async () => {
    const found = await outcomes({ seed: 7, unavailable: 0.3 });
    const failed = found.filter((code) => code !== 'done').length;
    assert.ok(failed > 15 && failed < 45, String(failed));
    assert.deepEqual(new Set(found), new Set(['done', 'storeFailed', 'storeUnreachable']));
    assert.deepEqual(await outcomes({ seed: 7, unavailable: 0.3 }), found);
    assert.notDeepEqual(await outcomes({ seed: 8, unavailable: 0.3 }), found);
  });

  it('S1: hits every verb, one alone where told so, and names its seed', async () => {
    const { store, lock } = make({ seed: 5, unavailable: 1 });
    await assert.rejects(store.put('a', body), isHit);
    await assert.rejects(store.get('a'), isHit);
    await assert.rejects(store.head('a'), isHit);
    await assert.rejects(store.delete('a', 'v'), isHit);
    await assert.rejects(store.versions.lockOf('a', 'v'), isHit);
    await assert.rejects(store.versions.extend('a', 'v', lock), isHit);
    await assert.rejects(store.versions.time(), isHit);
    store.become({});
    await store.put('a', body);
    store.become({ unavailable: { list: 1, listVersions: 1 } });
    await assert.rejects(keys(store.list('')), isHit);
    await assert.rejects(keys(store.versions.list('')), isHit);
    assert.equal((await store.head('a'))?.size, body.length);
    assert.equal(store.hits, 9);
  });

  it('S3: loses the answer of a put that was done, and the same put says its version afterwards', async () => {
    const { bucket, store, lock } = make({ seed: 1, lostAnswers: { put: 1 } });
    await assert.rejects(store.put('a', body, { lock }), (error) => HoldfastError.is(error, 'storeUnreachable'));
    assert.equal(bucket.versionCount, 1);
    store.heal();
    const { versionId } = await store.put('a', body, { lock });
    assert.equal((await store.head('a'))?.versionId, versionId);
    assert.equal(bucket.versionCount, 1);
  });

  it('S5: gives truncated, longer, older and other bytes, and keeps what is stored', async () => {
    const { store } = make({ seed: 3, wrongBytes: 1 });
    await store.put('a/older', Buffer.from('older'));
    await store.put('a/new', body);
    await store.get('a/older');
    const kinds = new Set<string>();
    for (let at = 0; at < 60; at += 1) {
      const found = Buffer.from((await store.get('a/new'))?.body ?? []);
      assert.notDeepEqual(found, body);
      kinds.add(
        found.toString() === 'older' ? 'older' : found.length < body.length ? 'short' : found.length > body.length ? 'long' : 'other',
      );
    }
    assert.deepEqual(kinds, new Set(['older', 'short', 'long', 'other']));
    store.heal();
    assert.deepEqual(Buffer.from((await store.get('a/new'))?.body ?? []), body);
  });

  it('S6: lists with gaps, duplicates and pages without entries', async () => {
    const { store } = make({ seed: 2 });
    for (let at = 10; at < 50; at += 1) await store.put(`a/${at}`, body);
    store.become({ listingGaps: 0.2 });
    assert.ok((await keys(store.list(''))).length < 40);
    store.become({ listingDuplicates: 0.2 });
    const doubled = await keys(store.versions.list(''));
    assert.ok(doubled.length > 40 && new Set(doubled).size === 40);
    store.become({ emptyPages: 1 });
    const pages: (readonly ListedVersion[])[] = [];
    for await (const page of store.versions.list('')) pages.push(page);
    assert.equal(pages.filter((page) => page.length === 0).length, 10);
    assert.equal(pages.flat().length, 40);
  });

  it('S4: names no version', async () => {
    const { store } = make({ seed: 1, missingVersionIds: 1 });
    assert.equal((await store.put('a', body)).versionId, null);
    assert.equal((await store.head('a'))?.versionId, null);
  });

  it('S10: refuses the first extension of each version, every n-th, or those of some keys', async () => {
    const { store, lock } = make({ seed: 1, refusesFirstExtension: true });
    const versionId = (await store.put('a', body)).versionId ?? '';
    await assert.rejects(store.versions.extend('a', versionId, lock), refused);
    assert.equal(await store.versions.lockOf('a', versionId), null);
    await store.versions.extend('a', versionId, lock);
    assert.deepEqual(await store.versions.lockOf('a', versionId), lock);
    store.become({ refusesExtensionNumber: 4 });
    await store.versions.extend('a', versionId, lock);
    await assert.rejects(store.versions.extend('a', versionId, lock), refused);
    await store.versions.extend('a', versionId, lock);
    store.become({ refusesExtensionOf: (key) => key === 'a' });
    await assert.rejects(store.versions.extend('a', versionId, lock), refused);
    assert.equal(store.hits, 3);
  });

  it('S9: lets versions vanish for good, whatever lock they have', async () => {
    const { store, lock } = make({ seed: 1 });
    const versionId = (await store.put('a', body, { lock })).versionId ?? '';
    await store.put('b', body, { lock });
    store.vanish('a', versionId);
    assert.equal(await store.head('a', { versionId }), undefined);
    assert.equal(await store.get('a', { versionId }), undefined);
    await assert.rejects(store.versions.lockOf('a', versionId), isMissing);
    await assert.rejects(store.versions.extend('a', versionId, lock), isMissing);
    assert.deepEqual(await keys(store.versions.list('')), ['b']);
    store.become({ vanishing: 1, onlyKeys: (key) => key === 'b' });
    assert.equal(await store.head('b'), undefined);
    store.heal();
    assert.equal(await store.head('b'), undefined);
    assert.deepEqual(await keys(store.list('')), []);
  });
});
