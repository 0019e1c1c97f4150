import assert from 'node:assert/strict';
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { ListObjectVersionsCommand, PutBucketLifecycleConfigurationCommand, PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { canariesPrefix } from '../../daemon/immutability/canaries.ts';
import { type LockProof, proveLock } from '../../daemon/immutability/lockProof.ts';
import { isSigned, lockProofText } from '../../daemon/immutability/signedProof.ts';
import { driftOf } from '../../daemon/locations/bucketDrift.ts';
import { readBucketState } from '../../daemon/locations/bucketState.ts';
import type { LockUntil } from '../../daemon/locations/objectStore.ts';
import { type CheckedBucket, preflightS3 } from '../../daemon/locations/preflight/s3Preflight.ts';
import { connectS3, type S3Connection } from '../../daemon/locations/s3/openS3.ts';
import { validatedFactsOf } from '../../daemon/locations/validatedFacts.ts';
import type { S3Spec } from '../../protocol/methods/locations.ts';
import { gotOf, LockProofBench } from '../support/bucket/lockProofBench.ts';
import { troubleOf } from '../support/bucket/preflight.ts';
import { newId } from '../support/ids.ts';
import type { MotoServer } from '../support/servers/motoServer.ts';
import { type MadeBucket, s3Client } from '../support/servers/s3Server.ts';
import type { SeaweedServer } from '../support/servers/seaweedServer.ts';
import { sharedMoto, sharedSeaweed } from '../support/servers/sharedServers.ts';

const unknownAttempts = 2;

function specOf({ name, endpoint, region }: MadeBucket): S3Spec {
  return { kind: 's3', bucket: name, endpoint, region, prefix: `p-${randomUUID()}`, credentials: { source: 'sealed' } };
}

async function connected({ accessKeyId, secretAccessKey }: MadeBucket, spec: S3Spec): Promise<S3Connection> {
  const keys = (): { readonly accessKeyId: string; readonly secretAccessKey: Uint8Array } => ({
    accessKeyId,
    secretAccessKey: Buffer.from(secretAccessKey),
  });
  // A server that fails by its nature is not asked eight times.
  return await connectS3({ spec, keys, limits: { attempts: unknownAttempts } });
}

async function checked(connection: S3Connection, spec: S3Spec, isImmutable = true): Promise<CheckedBucket> {
  return await preflightS3({
    connection,
    spec,
    storeId: undefined,
    isImmutable,
    wallClock: () => new Date(),
    signal: AbortSignal.timeout(60_000),
  });
}

/** The keys of every version and marker of the whole bucket, as the server itself lists them. */
async function listed(bucket: MadeBucket): Promise<readonly string[]> {
  const client = s3Client(bucket.endpoint);
  try {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket.name }));
    return [...Versions, ...DeleteMarkers].map(({ Key }) => Key ?? '');
  } finally {
    client.destroy();
  }
}

async function proved(connection: S3Connection, bench: LockProofBench, mode: LockUntil['mode']): Promise<LockProof> {
  const store = await connection.unmarked({ storeId: newId(), lock: mode, features: { versions: true } });
  return await proveLock({ ...bench.options(), store, attempts: connection.attempts, mode, now: () => new Date() });
}

describe('preflight and lock proof on SeaweedFS', () => {
  let server: SeaweedServer;

  before(async function (this: Mocha.Context) {
    server = await sharedSeaweed(this);
  });

  it('R5: a bucket with Object Lock passes, its locks are enforced in compliance mode and can be bypassed in governance mode', async () => {
    const bucket = await server.createBucket();
    const spec = specOf(bucket);
    using connection = await connected(bucket, spec);
    const { checks, canBeImmutable, validated } = await checked(connection, spec);
    assert.deepEqual([troubleOf(checks), canBeImmutable], [[], true]);
    assert.deepEqual(await listed(bucket), []);
    assert.deepEqual(validatedFactsOf(validated ?? '').features, {
      versions: true,
      conditionalPut: true,
      checksum: 'crc32',
      encryption: false,
    });
    using bench = new LockProofBench();
    const enforced = await proved(connection, bench, 'compliance');
    assert.deepEqual(
      enforced.attempts.filter(({ expected, got }) => expected !== got),
      [],
    );
    assert.deepEqual([enforced.verdict, enforced.explanation], ['enforced', null]);
    // One locked canary, which the ledger knows, at the place of canaries.
    assert.deepEqual(await listed(bucket), [`${spec.prefix ?? ''}/${enforced.canary?.key ?? ''}`]);
    assert.deepEqual(
      bench.known.map(({ objectKey, versionId }) => [objectKey, versionId]),
      [[enforced.canary?.key, enforced.canary?.versionId]],
    );
    assert.ok(enforced.canary?.key.startsWith(canariesPrefix(bench.installationId)));
    const bypassable = await proved(connection, bench, 'governance');
    assert.equal(bypassable.verdict, 'bypassable');
    assert.equal(gotOf(bypassable, 'deleteVersionWithBypass'), 'accepted');
    const key = createSecretKey(randomBytes(32));
    assert.equal(isSigned(lockProofText(enforced, key), key), true);
  });

  it('a bucket without Object Lock is taken for backups without locks, and no lock is proved there', async () => {
    const bucket = await server.createBucket({ objectLock: false });
    const spec = specOf(bucket);
    using connection = await connected(bucket, spec);
    const soft = await checked(connection, spec, false);
    assert.ok(soft.checks.every(({ result }) => result !== 'fail'));
    assert.equal(soft.canBeImmutable, false);
    assert.equal((await checked(connection, spec)).checks.find(({ check }) => check === 'versioning')?.result, 'fail');
    using bench = new LockProofBench();
    assert.notEqual((await proved(connection, bench, 'compliance')).verdict, 'enforced');
    assert.deepEqual(
      (await listed(bucket)).filter((key) => key.includes('holdfast-check-')),
      [],
    );
  });

  it('R3: what is changed at the bucket is told as drift', async () => {
    const bucket = await server.createBucket();
    const spec = specOf(bucket);
    using connection = await connected(bucket, spec);
    const { validated } = await checked(connection, spec);
    const facts = validatedFactsOf(validated ?? '');
    assert.deepEqual(driftOf(facts, await readBucketState(connection.facts, spec.prefix ?? '')), []);
    const client = s3Client(bucket.endpoint);
    try {
      await client.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket: bucket.name,
          LifecycleConfiguration: { Rules: [{ ID: 'cleanup', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 7 } }] },
        }),
      );
      await client.send(
        new PutObjectLockConfigurationCommand({
          Bucket: bucket.name,
          ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 400 } } },
        }),
      );
    } finally {
      client.destroy();
    }
    const drifts = driftOf(facts, await readBucketState(connection.facts, spec.prefix ?? ''));
    assert.deepEqual(
      drifts.map(({ fact, severity }) => `${fact} ${severity}`),
      ['defaultRetention error', 'lifecycle error'],
    );
    const { checks } = await checked(connection, spec);
    assert.deepEqual(troubleOf(checks), ['defaultRetention: fail', 'lifecycle: fail']);
    assert.deepEqual(await listed(bucket), []);
  });

  it('a wrong bucket and a wrong key each stop at the first check, with a way out', async () => {
    const bucket = await server.createBucket();
    for (const changed of [
      { ...bucket, name: 'no-such-bucket' },
      { ...bucket, secretAccessKey: 'wrong' },
    ]) {
      const spec = specOf(changed);
      using connection = await connected(changed, spec);
      const { checks } = await checked(connection, spec);
      assert.deepEqual(troubleOf(checks), ['exists: fail']);
      assert.notEqual(checks[0]?.fix, null);
    }
  });
});

describe('preflight and lock proof on a server that lies', () => {
  let server: MotoServer;

  before(async function (this: Mocha.Context) {
    server = await sharedMoto(this);
  });

  it('S7: neither the preflight nor the lock proof takes moto for a store with locks', async () => {
    const bucket = await server.createBucket();
    const spec = specOf(bucket);
    using connection = await connected(bucket, spec);
    const { checks, canBeImmutable } = await checked(connection, spec);
    assert.equal(canBeImmutable, false);
    assert.ok(troubleOf(checks).length > 0);
    assert.deepEqual(await listed(bucket), []);
    using bench = new LockProofBench();
    const { verdict, attempts } = await proved(connection, bench, 'compliance');
    assert.equal(verdict, 'notEnforced', JSON.stringify(attempts));
  });
});
