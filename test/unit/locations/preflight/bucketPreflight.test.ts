import assert from 'node:assert/strict';
import type { ObjectStore } from '../../../../daemon/locations/objectStore.ts';
import { validatedFactsOf, validatedText } from '../../../../daemon/locations/validatedFacts.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { type LiarName, liars } from '../../../support/bucket/behaviour.ts';
import { openBucketStore, type VersionedStore } from '../../../support/bucket/bucketStore.ts';
import { type BucketVerb, MemoryBucket } from '../../../support/bucket/memoryBucket.ts';
import { preflightOf, resultsOf, troubleOf } from '../../../support/bucket/preflight.ts';
import { newId } from '../../../support/ids.ts';

const rule = { id: 'cleanup', isEnabled: true, prefix: '', expirationDays: null, noncurrentExpirationDays: null, hasTransition: false };

const oldName = (digit: string): string => `backups/holdfast-check-${digit.repeat(16)}/canary-1`;

/** A store that answers a put with a failure of its own. */
function withoutPuts(store: VersionedStore): ObjectStore {
  const { storeId, capabilities, versions } = store;
  return {
    storeId,
    capabilities,
    versions,
    put: (key) => Promise.reject(HoldfastError.failedTo('storeFailed', `put object ${key}`, 'the store failed')),
    head: (key, options) => store.head(key, options),
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key, versionId, options) => store.delete(key, versionId, options),
  };
}

/** Versions and markers below the check's own names. */
const left = (bucket: MemoryBucket, prefix = ''): number => [...bucket.entries(`${prefix}holdfast-check-`)].length;

function detailOf(
  checks: readonly { readonly check: string; readonly detail: string; readonly fix: string | null }[],
  name: string,
): string {
  const found = checks.find(({ check }) => check === name);
  return `${found?.detail ?? ''} ${found?.fix ?? ''}`;
}

describe('the preflight of a bucket', () => {
  it('passes an honest bucket in a fixed order of checks, and leaves no version behind', async () => {
    const bucket = new MemoryBucket();
    const { checks, canBeImmutable, validated } = await preflightOf(bucket);
    assert.deepEqual(
      checks.map(({ check, result }) => `${check} ${result}`),
      [
        'exists',
        'region',
        'marker',
        'versioning',
        'objectLock',
        'defaultRetention',
        'lifecycle',
        'put',
        'versionId',
        'putIfAbsent',
        'readBack',
        'rangeRead',
        'missing',
        'list',
        'listVersions',
        'readLock',
        'pastLock',
        'clock',
        'delete',
        'extendLock',
        'oldChecks',
        'encryption',
        'mode',
      ].map((check) => `${check} pass`),
    );
    assert.ok(checks.every(({ fix }) => fix === null));
    assert.equal(canBeImmutable, true);
    assert.equal(bucket.versionCount, 0);
    assert.deepEqual(validated?.features, { versions: true, conditionalPut: true, checksum: 'crc32', encryption: true });
    assert.deepEqual(validatedFactsOf(validatedText(validated)), validated);
    assert.equal(bucket.calls('DeleteObject'), 0);
  });

  it('asks for no lock on anything that is there', async () => {
    const bucket = new MemoryBucket();
    const locked: string[] = [];
    bucket.beforeCall = (verb, key) => {
      if (verb === 'PutObjectRetention' && bucket.history(key).length > 0) locked.push(key);
      const held = [...bucket.entries()].filter(({ version }) => version.retention !== undefined);
      assert.equal(held.length, 0, `a lock is set before ${verb}`);
    };
    await preflightOf(bucket, { prefix: 'deep/down' });
    // The one with an end that is past; what it is tried on is no stored object.
    assert.deepEqual(
      locked.map((key) => /^deep\/down\/holdfast-check-[0-9a-f]{16}\/canary-1$/.test(key)),
      [true],
    );
  });

  it('says where the bucket is, and stops where it is not there, elsewhere, or another store', async () => {
    const bucket = new MemoryBucket({ region: 'eu-north-1' });
    assert.match(detailOf((await preflightOf(bucket)).checks, 'region'), /eu-north-1/);
    const elsewhere = await preflightOf(bucket, { region: 'us-east-1' });
    assert.deepEqual(troubleOf(elsewhere.checks), ['region: fail']);
    assert.match(detailOf(elsewhere.checks, 'region'), /in region eu-north-1, not in us-east-1.*Give the location the region eu-north-1/);
    const other = await preflightOf(bucket, { storeId: newId() });
    assert.deepEqual(troubleOf(other.checks), ['marker: fail']);
    bucket.isThere = false;
    assert.deepEqual(resultsOf((await preflightOf(bucket)).checks), { exists: 'fail' });
    bucket.isReachable = false;
    const away = await preflightOf(bucket);
    assert.deepEqual(resultsOf(away.checks), { exists: 'fail' });
    assert.deepEqual([away.canBeImmutable, away.validated], [false, null]);
  });

  // What a liar is seen by; those that only the lock proof sees are in its own tests.
  const seenBy: readonly { readonly name: LiarName; readonly check: string | null }[] = [
    { name: 'doesNotEnforce', check: null },
    { name: 'ignoresLocks', check: null },
    { name: 'overwrites', check: null },
    { name: 'acceptsShortening', check: null },
    { name: 'suspends', check: null },
    { name: 'ignoresConditions', check: 'putIfAbsent' },
    { name: 'namesNoVersions', check: 'versionId' },
    { name: 'listsStale', check: 'list' },
    { name: 'clockAhead', check: 'clock' },
    { name: 'clockBehind', check: 'clock' },
    { name: 'likeMoto', check: 'pastLock' },
  ];
  for (const { name, check } of seenBy) {
    it(`S7: ${check === null ? 'leaves to the lock proof' : 'refuses'} a store that ${name}, and leaves nothing in it`, async () => {
      const bucket = new MemoryBucket({ behaviour: liars[name] });
      const { checks, canBeImmutable } = await preflightOf(bucket);
      assert.equal(canBeImmutable, check === null);
      if (check !== null) assert.equal(resultsOf(checks)[check], 'fail');
      assert.equal(bucket.versionCount, 0);
    });
  }

  it('S7: refuses a store that takes locks which ended long ago', async () => {
    const { checks } = await preflightOf(new MemoryBucket({ behaviour: { acceptsPastLocks: true } }));
    assert.deepEqual(troubleOf(checks), ['pastLock: fail', 'mode: fail']);
  });

  it('S7: refuses a store that says nothing of its settings', async () => {
    const { checks, canBeImmutable } = await preflightOf(new MemoryBucket({ behaviour: { answersSettings: false } }));
    assert.deepEqual(troubleOf(checks), ['objectLock: fail', 'mode: fail']);
    assert.equal(canBeImmutable, false);
  });

  const seconds = [
    [50, 'pass'],
    [-50, 'pass'],
    [90, 'warn'],
    [-90, 'warn'],
    [301, 'fail'],
    [-301, 'fail'],
  ] as const;
  for (const [skew, result] of seconds) {
    it(`answers a clock that is ${skew} seconds off with "${result}"`, async () => {
      const bucket = new MemoryBucket({ behaviour: { clockOff: skew } });
      assert.equal(resultsOf((await preflightOf(bucket)).checks)['clock'], result);
    });
  }

  it('takes a bucket without Object Lock for backups without locks, and says what is missing', async () => {
    const bucket = new MemoryBucket({ objectLock: false });
    const soft = await preflightOf(bucket, { isImmutable: false });
    assert.deepEqual(troubleOf(soft.checks), ['versioning: warn', 'mode: warn']);
    assert.equal(soft.canBeImmutable, false);
    assert.deepEqual(soft.validated?.features.versions, false);
    assert.equal(bucket.versionCount, 0);
    bucket.versioning = 'enabled';
    assert.deepEqual(troubleOf((await preflightOf(bucket, { isImmutable: false })).checks), ['objectLock: warn', 'mode: warn']);
    assert.deepEqual(troubleOf((await preflightOf(bucket)).checks), ['objectLock: fail', 'mode: fail']);
    assert.equal(bucket.versionCount, 0);
  });

  it('refuses suspended versioning', async () => {
    const bucket = new MemoryBucket({ behaviour: { letsVersioningBeSuspended: true } });
    bucket.putVersioning('suspended');
    const { checks } = await preflightOf(bucket);
    assert.equal(resultsOf(checks)['versioning'], 'fail');
    assert.equal(bucket.versionCount, 0);
  });

  it('puts nothing where the bucket would lock it by itself', async () => {
    const bucket = new MemoryBucket();
    bucket.putDefaultRetention({ defaultRetention: { mode: 'governance', days: 1 } });
    const { checks, canBeImmutable } = await preflightOf(bucket, { isImmutable: false });
    assert.deepEqual(troubleOf(checks), ['defaultRetention: fail']);
    assert.match(detailOf(checks, 'defaultRetention'), /1 day \(governance\)/);
    assert.deepEqual([canBeImmutable, bucket.calls('PutObject')], [false, 0]);
  });

  it('R3: names the lifecycle rules that take, hide or move what is stored, and no others', async () => {
    const bucket = new MemoryBucket();
    bucket.putLifecycle([
      { ...rule, id: 'logs', prefix: 'logs/', expirationDays: 7 },
      { ...rule, id: 'off', isEnabled: false, expirationDays: 7 },
      { ...rule, id: 'uploads' },
    ]);
    assert.deepEqual(troubleOf((await preflightOf(bucket, { prefix: 'backups' })).checks), []);
    const harmful = [
      [{ ...rule, expirationDays: 7 }, /cleanup expires objects after 7 days/, 'fail'],
      [{ ...rule, prefix: 'back', noncurrentExpirationDays: 1 }, /cleanup removes noncurrent versions after 1 day/, 'warn'],
      [{ ...rule, prefix: 'backups/x', hasTransition: true }, /cleanup moves objects/, 'warn'],
    ] as const;
    for (const [one, says, soft] of harmful) {
      bucket.putLifecycle([one]);
      const { checks } = await preflightOf(bucket, { prefix: 'backups' });
      assert.deepEqual(troubleOf(checks), ['lifecycle: fail', 'mode: fail']);
      assert.match(detailOf(checks, 'lifecycle'), says);
      const forSoft = await preflightOf(bucket, { prefix: 'backups', isImmutable: false });
      assert.equal(resultsOf(forSoft.checks)['lifecycle'], soft);
    }
  });

  it('M8: shows names from the bucket without control characters, and not at any length', async () => {
    const bucket = new MemoryBucket();
    bucket.putLifecycle([{ ...rule, id: `evil\u0007\u202e\n${'x'.repeat(5000)}`, expirationDays: 1 }]);
    const found = detailOf((await preflightOf(bucket)).checks, 'lifecycle');
    assert.match(found, /Lifecycle rule evil x+… expires/);
    assert.doesNotMatch(found, /\p{C}/u);
    assert.ok(found.length < 500);
  });

  it('R4: does not mind a default key where SSE-S3 is taken by name, and refuses it elsewhere', async () => {
    const bucket = new MemoryBucket();
    bucket.putEncryption({ algorithm: 'aws:kms', kmsKeyId: 'arn:aws:kms:eu-central-1:1:key/theirs' });
    assert.deepEqual(troubleOf((await preflightOf(bucket)).checks), []);
    const opened = openBucketStore(bucket);
    const unknowing = await preflightOf(bucket, {
      bucket: {
        facts: opened.facts,
        readMarker: async () => undefined,
        open: async (features) => {
          const { store } = openBucketStore(bucket, { asksForEncryption: features.encryption });
          return features.encryption ? withoutPuts(store) : store;
        },
      },
    });
    assert.deepEqual(troubleOf(unknowing.checks), ['encryption: fail', 'mode: fail']);
    assert.match(detailOf(unknowing.checks, 'encryption'), /aws:kms \(arn:aws:kms:eu-central-1:1:key\/theirs\)/);
    assert.deepEqual(unknowing.validated?.features, { versions: true, conditionalPut: true, checksum: 'crc32', encryption: false });
  });

  // What fails, where one permission is missing; the second is what fails of a location without locks.
  const refusals: readonly (readonly [BucketVerb, string, 'fail' | 'warn'])[] = [
    ['HeadBucket', 'exists', 'fail'],
    ['GetBucketVersioning', 'versioning', 'warn'],
    ['GetObjectLockConfiguration', 'objectLock', 'warn'],
    ['GetLifecycleConfiguration', 'lifecycle', 'warn'],
    ['PutObject', 'put', 'fail'],
    ['GetObject', 'readBack', 'fail'],
    ['ListObjectVersions', 'marker', 'fail'],
    ['GetObjectRetention', 'readLock', 'warn'],
    ['PutObjectRetention', 'extendLock', 'warn'],
    ['DeleteObjectVersion', 'delete', 'fail'],
  ];
  for (const [verb, check, soft] of refusals) {
    it(`tells by the check "${check}" that ${verb} is not allowed`, async () => {
      const bucket = new MemoryBucket();
      bucket.denied.add(verb);
      const { checks, canBeImmutable } = await preflightOf(bucket);
      assert.equal(resultsOf(checks)[check], 'fail');
      assert.equal(canBeImmutable, false);
      assert.notEqual(checks.find((one) => one.check === check)?.fix, null);
      assert.equal(resultsOf((await preflightOf(bucket, { isImmutable: false })).checks)[check], soft);
      const kept = [...bucket.entries()].filter(({ version }) => version.retention !== undefined);
      assert.deepEqual(kept, []);
    });
  }

  it('only warns where the default encryption may not be read', async () => {
    const bucket = new MemoryBucket();
    bucket.denied.add('GetEncryptionConfiguration');
    assert.deepEqual(troubleOf((await preflightOf(bucket)).checks), ['encryption: warn']);
  });

  it('deletes what an earlier check left, by version id, and nothing that is younger, locked or somebody else’s', async () => {
    const bucket = new MemoryBucket();
    const bytes = Buffer.from('left');
    bucket.put(oldName('a'), bytes);
    bucket.put(oldName('a'), bytes);
    bucket.putDeleteMarker(oldName('a'));
    bucket.put(oldName('b'), bytes, { retention: { mode: 'COMPLIANCE', until: bucket.now / 1000 + 86_400 } });
    bucket.put('backups/holdfast-check-notes/canary-1', bytes);
    bucket.put(`holdfast-check-${'c'.repeat(16)}/canary-1`, bytes);
    bucket.pass(3_500_000);
    bucket.put(oldName('d'), bytes);
    bucket.pass(200_000);
    const { checks } = await preflightOf(bucket, { prefix: 'backups' });
    assert.deepEqual(troubleOf(checks), []);
    assert.match(detailOf(checks, 'oldChecks'), /3 objects/);
    assert.deepEqual(
      [...bucket.entries()].map(({ key }) => key),
      [oldName('b'), oldName('d'), 'backups/holdfast-check-notes/canary-1', `holdfast-check-${'c'.repeat(16)}/canary-1`],
    );
  });

  it('leaves nothing where it is cancelled, wherever that is', async () => {
    for (const verb of ['PutObject', 'GetObject', 'HeadObject', 'GetObjectRetention', 'DeleteObjectVersion'] as const) {
      const bucket = new MemoryBucket();
      const controller = new AbortController();
      bucket.beforeCall = (called) => {
        if (called === verb) controller.abort();
      };
      await assert.rejects(preflightOf(bucket, { signal: controller.signal }), { code: 'cancelled' });
      assert.equal(left(bucket), 0, verb);
    }
  });

  it('warns that governance can be bypassed', async () => {
    const { checks } = await preflightOf(new MemoryBucket(), { lockMode: 'governance' });
    assert.deepEqual(troubleOf(checks), ['mode: warn']);
  });
});
