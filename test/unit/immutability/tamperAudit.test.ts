import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { auditLocation } from '../../../daemon/immutability/tamperAudit.ts';
import { cureOf } from '../../../daemon/immutability/tamperFinding.ts';
import type { ListedVersion } from '../../../daemon/locations/objectStore.ts';
import { condemnedKey } from '../../../daemon/repository/names.ts';
import { keyringName } from '../../../daemon/keys/keyringName.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId } from '../../../protocol/ids.ts';
import { AuditedBucket } from '../../support/auditedBucket.ts';
import { each, found, handOn, keysOf } from '../../support/auditFindings.ts';
import { AttackersHand } from '../../support/bucket/attackersHand.ts';
import { openBucketStore, type VersionedStore } from '../../support/bucket/bucketStore.ts';
import { versionIdOf } from '../../support/bucket/bucketVersion.ts';
import { listing } from '../../support/bucket/otherAnswers.ts';
import { faultyStore } from '../../support/bucket/faultyStore.ts';
import { newId } from '../../support/ids.ts';

const day = 86_400_000;
const hex = (digit: string): string => digit.repeat(32);
const bytes = (digit: string): Uint8Array => Buffer.from(hex(digit), 'hex');

/** The store, at which something happens after the first page of a listing and before the second. */
function between(store: VersionedStore, happens: () => void): VersionedStore {
  let isFirst = true;
  return listing(store, async function* (prefix, options) {
    for await (const page of store.versions.list(prefix, options)) {
      yield page;
      if (isFirst) happens();
      isFirst = false;
    }
  });
}

describe('the audit of a location', () => {
  it('finds nothing in what this installation and others leave there', async () => {
    using audited = new AuditedBucket({ pageLength: 3 });
    const { bucket, catalog, installationId, policyId, prefix, location } = audited;
    audited.backUp(7);
    bucket.put('holdfast-store', Buffer.from('a marker'));
    const keyring = keyringName({ installationId, sequence: 1, objectId: bytes('1') });
    audited.put({ objectKey: keyring, kind: 'keyring', policyId: null });
    // On its way: in the catalog, put, and not yet in the ledger.
    catalog.keyrings.add({ sequence: 2, objectId: bytes('2'), bytes: bytes('2'), createdAt: audited.now.toISOString() });
    bucket.put(keyringName({ installationId, sequence: 2, objectId: bytes('2') }), bytes('2'));
    const canary = audited.put({ objectKey: `${prefix}canaries/${hex('c')}`, kind: 'canary', policyId: null });
    bucket.put(canary.objectKey, bytes('d'));
    bucket.putDeleteMarker(canary.objectKey);
    audited.record(`${prefix}canaries/${hex('d')}`, { kind: 'canary' });
    bucket.put(condemnedKey(installationId, policyId, bytes('e')), bytes('e'));
    // On its way into the store, put by a run that was cut short, on its way out, and gone.
    audited.record(audited.newPackKey(), { state: 'missing' });
    audited.put({ state: 'missing', versionId: null, retainUntil: null, lockReadAt: null });
    audited.put({ state: 'condemned' });
    for (const state of ['condemned', 'deleting', 'missing'] as const) {
      audited.record(audited.newPackKey(), {
        state,
        versionId: 'v00000001',
        retainUntil: location.createdAt,
        lockReadAt: location.createdAt,
      });
    }
    // Put by a version of the program that did not write down versions.
    audited.put({ versionId: null, retainUntil: null, lockReadAt: null });
    bucket.put(`${newId<InstallationId>()}/policies/p/packs/00/${hex('0')}`, bytes('0'));
    bucket.put('somebody/else', bytes('0'));
    const result = await audited.audit({ isThorough: true });
    assert.deepEqual(found(result), []);
    assert.deepEqual([result.findingsCount, result.newFindings, result.tamperedSince], [0, 0, null]);
    assert.equal(result.objects, 18);
    assert.ok(result.locksRead > 8);
  });

  it('R1: finds each delete marker, since the first of them', async () => {
    using audited = new AuditedBucket({ pageLength: 4 });
    const objects = audited.backUp(9);
    audited.bucket.put('holdfast-store', Buffer.from('a marker'));
    audited.bucket.put('somebody/else', bytes('0'));
    audited.bucket.pass(3 * day);
    const attackedAt = audited.now;
    new AttackersHand(audited.bucket).hideAll();
    audited.bucket.pass(day);
    const result = await audited.audit();
    assert.deepEqual(found(result), each('deleteMarker', [...keysOf(objects), 'holdfast-store']));
    assert.equal(result.tamperedSince, attackedAt.toISOString());
    for (const { firstSeen, storeTime, versionId } of result.findings) {
      assert.equal(storeTime, attackedAt.toISOString());
      assert.equal(firstSeen, audited.now.toISOString());
      assert.ok(versionId !== null);
    }
    for (const { objectKey } of objects) assert.equal(audited.row(objectKey).state, 'present');
  });

  it('R2 R3: finds each newer version that somebody else wrote, whatever it is encrypted with', async () => {
    using audited = new AuditedBucket({ pageLength: 4 });
    const objects = keysOf(audited.backUp(5));
    handOn(audited).overwriteAll();
    assert.deepEqual(found(await audited.audit()), each('foreignVersion', objects));
    handOn(audited).encryptAllInPlace();
    const twice = await audited.audit();
    assert.deepEqual(found(twice), each('foreignVersion', [...objects, ...objects]));
    assert.equal(twice.newFindings, objects.length);
  });

  it('R2: takes the oldest version for ours where the ledger has none', async () => {
    using audited = new AuditedBucket({ pageLength: 1 });
    const { bucket } = audited;
    const { objectKey } = audited.put({ versionId: null, retainUntil: null, lockReadAt: null });
    const versions = [1, 2].map(() => versionIdOf(bucket.put(objectKey, bytes('a'))));
    const { findings } = await audited.audit();
    assert.deepEqual(
      findings.map(({ kind, versionId }) => `${kind} ${versionId}`).toSorted(),
      versions.map((id) => `foreignVersion ${id}`).toSorted(),
    );
  });

  it('R5: finds nothing where locks withstood, and so no version is gone, no lock shorter or weaker', async () => {
    using audited = new AuditedBucket();
    const objects = audited.backUp(5);
    const hand = handOn(audited);
    assert.equal(hand.deleteAllVersions().done + hand.shortenAll().done + hand.downgradeAll().done, 0);
    const result = await audited.audit({ isThorough: true });
    assert.deepEqual(found(result), []);
    assert.equal(result.locksRead, objects.length);
  });

  it('R5: finds each version that could be deleted, tells the ledger, and goes on finding it until the ledger forgets it', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance' });
    const objects = [...audited.backUp(4), audited.put()];
    handOn(audited).deleteAllVersions();
    const first = await audited.audit();
    assert.deepEqual(found(first), each('missingVersion', keysOf(objects)));
    assert.deepEqual([first.newFindings, first.tamperedSince], [objects.length, audited.now.toISOString()]);
    for (const { objectKey } of objects) assert.equal(audited.row(objectKey).state, 'missing');
    audited.bucket.pass(day);
    const second = await audited.audit();
    assert.deepEqual([second.findings, second.newFindings], [first.findings, 0]);
    audited.bucket.pass(day);
    audited.catalog.objects.forget(audited.location.locationId, objects[0]?.objectKey ?? '');
    assert.deepEqual(found(await audited.audit()), each('missingVersion', keysOf(objects.slice(1))));
  });

  it('R5: finds what the monitor has found missing before, where a restore point needs it, and only there', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance' });
    const [needed] = audited.backUp(1);
    const swept = audited.put();
    assert.ok(needed !== undefined);
    for (const { objectKey, versionId } of [needed, swept]) {
      audited.bucket.deleteVersion(objectKey, versionId ?? '', { bypass: true });
      audited.catalog.objects.change(audited.location.locationId, objectKey, { state: 'missing' });
    }
    assert.deepEqual(found(await audited.audit()), each('missingVersion', [needed.objectKey]));
  });

  it('R5: finds a condemned version that is gone while it was locked', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance' });
    const { objectKey, versionId } = audited.put({ state: 'condemned' });
    audited.bucket.deleteVersion(objectKey, versionId ?? '', { bypass: true });
    assert.deepEqual(found(await audited.audit()), each('missingVersion', [objectKey]));
    assert.equal(audited.row(objectKey).state, 'condemned');
  });

  it('R2: finds versions that were written while versioning was suspended', async () => {
    using audited = new AuditedBucket({ behaviour: { letsVersioningBeSuspended: true } });
    const [object] = audited.backUp(0);
    handOn(audited).suspendVersioning();
    handOn(audited).overwriteAll();
    const result = await audited.audit();
    assert.deepEqual(
      result.findings.map(({ kind, key, versionId }) => [kind, key, versionId]),
      [['foreignVersion', object?.objectKey, 'null']],
    );
  });

  it('finds what is below our prefix and unknown, wherever it lies, but not what another installation keeps', async () => {
    using audited = new AuditedBucket({ pageLength: 2 });
    const { bucket, prefix, installationId, policyId } = audited;
    audited.backUp(3);
    handOn(audited).plantStrangers(3);
    new AttackersHand(bucket, { prefix: `${newId<InstallationId>()}/` }).plantStrangers(2);
    const planted = [
      `${prefix}a`,
      `${prefix}canaries/${hex('a')}`,
      `${prefix}zzz`,
      audited.newPackKey(),
      condemnedKey(installationId, newId(), bytes('a')),
      keyringName({ installationId, sequence: 9, objectId: bytes('a') }),
      `${prefix}policies/${policyId}/condemned/list`,
      `${prefix}terms/${'0'.repeat(15)}1-${hex('f')}`,
      `${prefix}terms/more/${hex('a')}`,
    ];
    for (const key of planted) bucket.put(key, bytes('b'));
    bucket.putDeleteMarker(`${prefix}b`);
    const result = await audited.audit();
    const strangers = [0, 1, 2].map((index) => `${prefix}stranger-${index}`);
    assert.deepEqual(found(result), [...each('deleteMarker', [`${prefix}b`]), ...each('unknownObject', [...planted, ...strangers])]);
    assert.deepEqual((await audited.audit()).findings, result.findings);
    bucket.pass(day);
    for (const key of planted) bucket.deleteVersion(key, versionIdOf(bucket.history(key)[0] ?? { sequence: 0, isNull: false }));
    assert.equal((await audited.audit()).findingsCount, 4);
  });

  it('X8: leaves alone what was there before this catalog knew of the location, and says how much that is', async () => {
    using audited = new AuditedBucket();
    const { bucket, prefix } = audited;
    bucket.pass(-day);
    for (const name of ['a', 'b']) bucket.put(prefix + name, bytes('a'));
    bucket.putDeleteMarker(`${prefix}b`);
    bucket.pass(day);
    const result = await audited.audit();
    assert.deepEqual([found(result), result.olderThanCatalog], [[], 3]);
  });

  it('asks whose a list of condemned objects is, where somebody can tell', async () => {
    using audited = new AuditedBucket();
    const { bucket, installationId, policyId } = audited;
    const [own, planted] = [condemnedKey(installationId, policyId, bytes('a')), condemnedKey(installationId, policyId, bytes('b'))];
    for (const key of [own, planted]) bucket.put(key, bytes('c'));
    assert.deepEqual(found(await audited.audit()), []);
    const isOwnList = (key: string): Promise<boolean> => Promise.resolve(key === own);
    assert.deepEqual(found(await audited.audit({ isOwnList })), each('unknownObject', [planted]));
    bucket.put(own, bytes('d'));
    assert.deepEqual(found(await audited.audit({ isOwnList })), [...each('foreignVersion', [own]), ...each('unknownObject', [planted])]);
  });

  it('R2: finds what lies below our prefix under names that no key has, and writes them so that they harm nobody', async () => {
    using audited = new AuditedBucket({ pageLength: 2 });
    const { bucket, prefix, installationId } = audited;
    audited.backUp(3);
    bucket.pass(-day);
    bucket.put(`${prefix}Old`, bytes('a'));
    bucket.pass(day);
    const names = ['Big.bin', '.hidden', 'a//b', 'a\u202e\u001b[31m<b>', `${'long'.repeat(200)}.x`];
    for (const name of names) bucket.put(prefix + name, bytes('a'));
    bucket.put(`${newId<InstallationId>()}/Other`, bytes('a'));
    bucket.putDeleteMarker(`${prefix}Marker`);
    const result = await audited.audit();
    const written = [
      `${prefix}Big.bin`,
      `${prefix}.hidden`,
      `${prefix}a//b`,
      `${prefix}a%E2%80%AE%1B%5B31m%3Cb%3E`,
      `${`${prefix}${'long'.repeat(200)}`.slice(0, 300)}...`,
    ];
    assert.deepEqual(found(result), [...each('deleteMarker', [`${installationId}/Marker`]), ...each('unknownObject', written)]);
    assert.equal(result.olderThanCatalog, 1);
    assert.deepEqual((await audited.audit()).findings, result.findings);
  });

  it('R1 R2: hides no version that is gone behind thousands of findings that anybody can make', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance' });
    const { bucket, prefix } = audited;
    const { objectKey: key, versionId } = audited.put();
    audited.fill(1200);
    bucket.deleteVersion(key, versionId ?? '', { bypass: true });
    handOn(audited).hideAll();
    for (let made = 0; made < 1500; made += 1) bucket.put(`${prefix}a${made}`, bytes('a'));
    const { findings, findingsCount } = await audited.audit();
    assert.deepEqual([findings[0]?.kind, findings[0]?.key], ['missingVersion', key]);
    assert.deepEqual([findings.length, findingsCount], [1000, 1 + 1200 + 1500]);
    assert.deepEqual([...new Set(findings.map(({ kind }) => kind))], ['missingVersion', 'deleteMarker', 'unknownObject']);
    assert.match(cureOf(findings), /back up again/);
  });

  it('R2: writes down twenty thousand unknown objects, asks the store for no more of them one by one, and counts the rest', async () => {
    using audited = new AuditedBucket();
    const { bucket, prefix } = audited;
    for (let made = 0; made < 20_100; made += 1) bucket.put(`${prefix}a${String(made).padStart(6, '0')}`, bytes('a'));
    const { findingsCount, findings } = await audited.audit();
    assert.deepEqual([findingsCount, findings.length], [20_100, 1000]);
    assert.equal(audited.catalog.tamperings.count(audited.location.locationId), 20_000);
  });

  it('S5: finds a version whose size is not the one that was put', async () => {
    using audited = new AuditedBucket();
    const { objectKey } = audited.put({ size: 21 });
    const result = await audited.audit();
    assert.deepEqual(found(result), each('differentSize', [objectKey]));
    assert.match(result.findings[0]?.detail ?? '', /20 bytes.*21/);
  });

  it('S6: finds nothing where listings have gaps, duplicates and empty pages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 7 }), async (seed, pageLength) => {
        using audited = new AuditedBucket({ pageLength });
        audited.backUp(12);
        audited.put({ versionId: null, retainUntil: null, lockReadAt: null });
        audited.bucket.put('holdfast-store', Buffer.from('a marker'));
        audited.bucket.put(condemnedKey(audited.installationId, audited.policyId, bytes('e')), bytes('e'));
        const store = faultyStore(audited.store, { seed, listingGaps: 0.3, listingDuplicates: 0.3, emptyPages: 0.3 });
        assert.deepEqual(found(await audited.audit({ store })), []);
        assert.ok(store.hits > 0);
      }),
      { numRuns: 12 },
    );
  });

  it('S6: does not lose its way where pages come twice, or out of order', async () => {
    using audited = new AuditedBucket({ pageLength: 3 });
    const objects = keysOf(audited.backUp(14));
    handOn(audited).overwriteAll();
    const { store } = audited;
    const pages: (readonly ListedVersion[])[] = [];
    for await (const page of store.versions.list(audited.prefix)) pages.push(page);
    const shuffled = [...pages.slice(4), ...pages.slice(0, 6), ...pages.slice(2)];
    const result = await audited.audit({
      store: listing(store, async function* (prefix, options) {
        if (prefix === audited.prefix) yield* shuffled;
        else yield* store.versions.list(prefix, options);
      }),
    });
    assert.deepEqual(found(result), each('foreignVersion', objects));
  });

  it('R1 R2 R5 S6: finds of any mixture of attacks exactly what was done, in pages of any length', async () => {
    const attack = fc.record({
      act: fc.constantFrom('hide', 'overwrite', 'copy', 'delete', 'shorten', 'plant'),
      object: fc.nat(7),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(attack, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), fc.nat(), async (attacks, pageLength, seed) => {
        using audited = new AuditedBucket({ lockMode: 'governance', pageLength });
        const { bucket } = audited;
        const objects = audited.backUp(7);
        const expected = new Set<string>();
        const gone = new Set<string>();
        for (const { act, object } of attacks) {
          const { objectKey: key, versionId } = objects[object] ?? { objectKey: '', versionId: null };
          bucket.pass(1000);
          const latest = bucket.history(key).at(-1);
          if (act === 'hide')
            expected.add(`deleteMarker ${key} ${versionIdOf(bucket.putDeleteMarker(key) ?? { sequence: 0, isNull: true })}`);
          else if (act === 'overwrite') expected.add(`foreignVersion ${key} ${versionIdOf(bucket.put(key, bytes('a')))}`);
          else if (act === 'copy' && latest?.isDeleteMarker === false) {
            expected.add(`foreignVersion ${key} ${versionIdOf(bucket.copyInPlace(key, 'sse-c'))}`);
          } else if (act === 'shorten' && !gone.has(key)) {
            expected.add(`shortenedLock ${key} ${versionId}`);
            bucket.setRetention(key, versionId ?? '', { mode: 'GOVERNANCE', until: bucket.now / 1000 + 3600 }, { bypass: true });
          } else if (act === 'delete') {
            expected.delete(`shortenedLock ${key} ${versionId}`);
            expected.add(`missingVersion ${key} ${versionId}`);
            gone.add(key);
            bucket.deleteVersion(key, versionId ?? '', { bypass: true });
          } else if (act === 'plant') {
            expected.add(`unknownObject ${key}-x ${versionIdOf(bucket.put(`${key}-x`, bytes('b')))}`);
          }
        }
        const store = faultyStore(audited.store, { seed, listingDuplicates: 0.2, emptyPages: 0.2 });
        const result = await audited.audit({ store });
        const seen = result.findings.map(({ kind, key, versionId }) => `${kind} ${key} ${versionId}`);
        assert.deepEqual(seen.toSorted(), [...expected].toSorted());
        const again = await audited.audit();
        assert.deepEqual([again.findings, again.newFindings], [result.findings, 0]);
      }),
      { numRuns: 25 },
    );
  });

  it('finds nothing in what is put, swept or extended while it runs', async () => {
    using audited = new AuditedBucket({ pageLength: 2 });
    const { bucket, catalog, location, prefix } = audited;
    const objects = audited.backUp(6).toSorted((one, other) => (one.objectKey < other.objectKey ? -1 : 1));
    const [late, swept] = [objects.at(-1), audited.put({ objectKey: `${prefix}zzz` })];
    assert.ok(late !== undefined);
    const canary = `${prefix}canaries/${hex('a')}`;
    const canaryVersion = versionIdOf(bucket.put(canary, bytes('a')));
    const store = between(audited.store, () => {
      // By a backup, before and behind the place that the listing has come to.
      for (const objectKey of [`${prefix}000`, `${prefix}zz`]) {
        audited.put({ objectKey });
        const pending = `${objectKey}-pending`;
        audited.record(pending, { state: 'missing', versionId: null });
        bucket.put(pending, Buffer.alloc(1000));
      }
      bucket.pass(50 * day);
      bucket.deleteVersion(swept.objectKey, swept.versionId ?? '');
      catalog.objects.forget(location.locationId, swept.objectKey);
      for (const { objectKey, versionId } of objects) {
        const until = audited.until;
        bucket.setRetention(objectKey, versionId ?? '', { mode: 'COMPLIANCE', until: until.getTime() / 1000 });
        catalog.objects.change(location.locationId, objectKey, { retainUntil: until.toISOString(), lockReadAt: audited.now.toISOString() });
      }
      bucket.deleteVersion(canary, canaryVersion);
    });
    assert.deepEqual(found(await audited.audit({ store, isThorough: true })), []);
    assert.equal(audited.row(late.objectKey).retainUntil, audited.until.toISOString());
  });

  it('looks again at the ledger before it reports an object that is unknown, gone or of another size', async () => {
    using audited = new AuditedBucket();
    const { bucket, catalog, location, store, prefix } = audited;
    const known = `${prefix}known`;
    bucket.put(known, bytes('a'));
    const swept = audited.put();
    const smaller = audited.put({ size: 21 });
    bucket.beforeCall = (verb, key) => {
      if (verb === 'ListObjectVersions' && key === known) audited.record(known, { size: 16 });
      if (verb === 'HeadObject' && key === swept.objectKey) catalog.objects.change(location.locationId, key, { state: 'deleting' });
      if (verb === 'HeadObject' && key === smaller.objectKey) audited.record(key, { ...smaller, size: 20 });
    };
    const listed = listing(store, async function* (under, options) {
      for await (const page of store.versions.list(under, options)) yield page.filter(({ key }) => key !== swept.objectKey);
    });
    // Not in the listing, and by its version not in the store either.
    catalog.objects.change(location.locationId, swept.objectKey, { versionId: 'v00000001' });
    assert.deepEqual(found(await audited.audit({ store: listed })), []);
    assert.equal(audited.row(swept.objectKey).state, 'deleting');
  });

  it('S5: takes back what it found missing when it is there again', async () => {
    using audited = new AuditedBucket();
    const { store } = audited;
    const objects = keysOf(audited.backUp(2));
    const empty = listing(store, async function* () {
      yield [];
    });
    const away = { ...empty, head: (): Promise<undefined> => Promise.resolve(undefined) };
    assert.deepEqual(found(await audited.audit({ store: away })), each('missingVersion', objects));
    for (const key of objects) assert.equal(audited.row(key).state, 'missing');
    audited.bucket.pass(day);
    assert.deepEqual(found(await audited.audit()), []);
    for (const key of objects) assert.equal(audited.row(key).state, 'present');
  });

  it('S6: believes no size that a listing alone says', async () => {
    using audited = new AuditedBucket();
    const { store } = audited;
    audited.backUp(2);
    const listed = listing(store, async function* (prefix, options) {
      for await (const page of store.versions.list(prefix, options)) yield page.map((entry) => ({ ...entry, size: entry.size + 1 }));
    });
    assert.deepEqual(found(await audited.audit({ store: listed })), []);
  });

  it('keeps what was found before, where it is cancelled or the store fails', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance', pageLength: 2 });
    const objects = audited.backUp(8);
    audited.bucket.putDeleteMarker(objects[0]?.objectKey ?? '');
    const { findings } = await audited.audit();
    assert.equal(findings.length, 1);
    const hidden = audited.bucket.history(objects[0]?.objectKey ?? '').at(-1);
    assert.ok(hidden !== undefined);
    audited.bucket.deleteVersion(objects[0]?.objectKey ?? '', versionIdOf(hidden));
    audited.bucket.pass(day);
    const controller = new AbortController();
    const { signal } = controller;
    await assert.rejects(audited.audit({ signal, onProgress: () => controller.abort() }), (error) => HoldfastError.is(error, 'cancelled'));
    const store = faultyStore(audited.store, { seed: 1, unavailable: { listVersions: 0.5 } });
    await assert.rejects(audited.audit({ store }), (error) => HoldfastError.is(error, 'storeFailed', 'storeUnreachable'));
    const { tamperings } = audited.catalog;
    assert.equal(tamperings.count(audited.location.locationId), 1);
    assert.equal((await audited.audit()).findingsCount, 0);
  });

  it('tells how far it has come', async () => {
    using audited = new AuditedBucket({ pageLength: 3 });
    audited.backUp(7);
    const progress: (readonly [versions: number, objects: number, total: number])[] = [];
    await audited.audit({
      onProgress: ({ versions, objects, totalObjects }) => void progress.push([versions, objects, totalObjects]),
    });
    assert.deepEqual(progress, [
      [3, 3, 8],
      [6, 6, 8],
      [8, 8, 8],
    ]);
  });

  it('looks at a location without locks as well, but for locks', async () => {
    using audited = new AuditedBucket({ lockMode: 'governance' });
    const objects = keysOf(audited.backUp(2));
    handOn(audited).hideAll();
    audited.bucket.denied.add('GetObjectRetention');
    const { store } = openBucketStore(audited.bucket, { lock: 'soft' });
    const { catalog, location, installationId } = audited;
    const result = await auditLocation({
      catalog,
      location,
      installationId,
      store,
      wallClock: () => audited.now,
      signal: new AbortController().signal,
    });
    assert.deepEqual([found(result), result.locksRead], [each('deleteMarker', objects), 0]);
  });
});
