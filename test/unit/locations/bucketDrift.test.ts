import assert from 'node:assert/strict';
import { driftOf } from '../../../daemon/locations/bucketDrift.ts';
import { type BucketState, readBucketState } from '../../../daemon/locations/bucketState.ts';
import { type ValidatedFacts, validatedFactsOf } from '../../../daemon/locations/validatedFacts.ts';
import { AttackersHand } from '../../support/bucket/attackersHand.ts';
import { openBucketStore } from '../../support/bucket/bucketStore.ts';
import { MemoryBucket } from '../../support/bucket/memoryBucket.ts';
import { preflightOf } from '../../support/bucket/preflight.ts';

const rule = { id: 'logs', isEnabled: true, prefix: 'logs/', expirationDays: 3, noncurrentExpirationDays: null, hasTransition: false };

const changeEncryption = (bucket: MemoryBucket): void => new AttackersHand(bucket).changeDefaultEncryption();

async function stateOf(bucket: MemoryBucket, prefix = ''): Promise<BucketState> {
  return await readBucketState(openBucketStore(bucket).facts, prefix);
}

async function validatedOf(bucket: MemoryBucket, isImmutable = true): Promise<ValidatedFacts> {
  const { validated } = await preflightOf(bucket, { isImmutable });
  assert.ok(validated !== null);
  return validated;
}

/** What drifted by something that was done to a bucket that had passed. */
async function driftBy(change: (bucket: MemoryBucket) => void, bucket: MemoryBucket = new MemoryBucket()): Promise<readonly string[]> {
  const validated = await validatedOf(bucket);
  assert.deepEqual(driftOf(validated, await stateOf(bucket)), []);
  change(bucket);
  const drifts = driftOf(validated, await stateOf(bucket));
  for (const { message, fix } of drifts) assert.match(`${message} ${fix}`, /^.+\. .+\.$/);
  return drifts.map(({ fact, severity }) => `${fact} ${severity}`);
}

describe('the drift of a bucket', () => {
  it('R3: names a lifecycle rule that came, and says what it does', async () => {
    const bucket = new MemoryBucket();
    const validated = await validatedOf(bucket);
    new AttackersHand(bucket).setLifecycle(7);
    const [drift] = driftOf(validated, await stateOf(bucket));
    assert.match(drift?.message ?? '', /Lifecycle rule cleanup is new: it expires objects after 7 days and removes noncurrent versions/);
    assert.equal(drift?.severity, 'error');
  });

  it('minds no rule for other keys, none that is off, and none that goes', async () => {
    const bucket = new MemoryBucket();
    bucket.putLifecycle([{ ...rule, prefix: '', expirationDays: null, hasTransition: true }]);
    const validated = await validatedOf(bucket, false);
    bucket.putLifecycle([]);
    assert.deepEqual(driftOf(validated, await stateOf(bucket)), []);
    bucket.putLifecycle([rule, { ...rule, id: 'off', prefix: '', isEnabled: false }]);
    assert.deepEqual(driftOf(validated, await stateOf(bucket, 'backups')), []);
    // The same rule with other days is another rule.
    bucket.putLifecycle([{ ...rule, prefix: '', hasTransition: true }]);
    assert.equal(driftOf(validated, await stateOf(bucket)).length, 1);
  });

  it('R4: another default key is a danger only where puts ask for no encryption by name', async () => {
    assert.deepEqual(await driftBy(changeEncryption), ['encryption warning']);
    const bucket = new MemoryBucket();
    const validated = await validatedOf(bucket);
    changeEncryption(bucket);
    const unnamed = { ...validated, features: { ...validated.features, encryption: false } };
    assert.deepEqual(
      driftOf(unnamed, await stateOf(bucket)).map(({ severity }) => severity),
      ['error'],
    );
  });

  it('R8: a default retention that came is told, the more so where it is long', async () => {
    assert.deepEqual(await driftBy((bucket) => void new AttackersHand(bucket).setDefaultRetention()), ['defaultRetention error']);
    assert.deepEqual(await driftBy((bucket) => void new AttackersHand(bucket).setDefaultRetention(30)), ['defaultRetention warning']);
  });

  it('a default retention is drift where it is another mode or longer, and not where it is shorter or gone', async () => {
    const bucket = new MemoryBucket();
    const validated = await validatedOf(bucket);
    const before = { mode: 'governance', days: 30 } as const;
    const told = { ...validated, objectLock: { answer: 'given', value: { defaultRetention: before } } } as const;
    for (const [defaultRetention, count] of [
      [before, 0],
      [{ ...before, days: 29 }, 0],
      [null, 0],
      [{ ...before, days: 31 }, 1],
      [{ ...before, mode: 'compliance' }, 1],
    ] as const) {
      bucket.putDefaultRetention({ defaultRetention });
      assert.equal(driftOf(told, await stateOf(bucket)).length, count);
    }
  });

  it('versioning, Object Lock, region and the bucket itself are each told', async () => {
    const suspends = new MemoryBucket({ behaviour: { letsVersioningBeSuspended: true } });
    assert.deepEqual(await driftBy((bucket) => void new AttackersHand(bucket).suspendVersioning(), suspends), ['versioning error']);
    assert.deepEqual(
      await driftBy((bucket) => {
        bucket.objectLock = null;
      }),
      ['objectLock error'],
    );
    const bucket = new MemoryBucket();
    const validated = await validatedOf(bucket);
    const elsewhere = driftOf(validated, await stateOf(new MemoryBucket({ region: 'us-east-1' })));
    assert.deepEqual(
      elsewhere.map(({ fact, severity }) => `${fact} ${severity}`),
      ['region error'],
    );
    bucket.isThere = false;
    assert.deepEqual(
      driftOf(validated, await stateOf(bucket)).map(({ fact, severity }) => `${fact} ${severity}`),
      ['bucket error'],
    );
  });

  it('a permission that went is told for each thing that can not be seen any more, dangers first', async () => {
    const drifts = await driftBy((bucket) => {
      bucket.denied.add('GetBucketVersioning');
      bucket.denied.add('GetLifecycleConfiguration');
      bucket.objectLock = null;
    });
    assert.deepEqual(drifts, ['objectLock error', 'permission warning', 'permission warning']);
  });

  it('rejects where the bucket is not reached: nothing has drifted by that', async () => {
    const bucket = new MemoryBucket();
    bucket.isReachable = false;
    await assert.rejects(stateOf(bucket), { code: 'storeUnreachable' });
  });

  it('M1: refuses facts that no validation wrote', () => {
    for (const text of ['', 'null', '{}', '{"features":{}}', '[1]']) {
      assert.throws(() => validatedFactsOf(text), { code: 'catalogDamaged' });
    }
  });
});
