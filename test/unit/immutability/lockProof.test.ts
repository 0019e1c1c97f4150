import assert from 'node:assert/strict';
import { adoptCanaries, canariesPrefix, sweepCanaries } from '../../../daemon/immutability/canaries.ts';
import { isDue } from '../../../daemon/immutability/lockProof.ts';
import { type LiarName, liars } from '../../support/bucket/behaviour.ts';
import { openBucketStore } from '../../support/bucket/bucketStore.ts';
import { faultyStore } from '../../support/bucket/faultyStore.ts';
import { gotOf, LockProofBench } from '../../support/bucket/lockProofBench.ts';
import { MemoryStore } from '../../support/memoryStore.ts';

const enforced = [
  'putLocked accepted',
  'readLock locked',
  'deleteUnlocked accepted',
  'extend accepted',
  'shorten refused',
  'downgrade refused',
  'endLock refused',
  'shortenWithBypass refused',
  'downgradeWithBypass refused',
  'overwrite goodVersionReadable',
  'deleteMarker goodVersionReadable',
  'deleteVersion refused',
  'deleteVersionWithBypass refused',
  'lockAfterwards locked',
];

describe('the lock proof', () => {
  it('R5: finds compliance enforced, with each attempt on the list', async () => {
    using bench = new LockProofBench();
    const proof = await bench.prove();
    assert.deepEqual(
      proof.attempts.map(({ attempt, got }) => `${attempt} ${got}`),
      enforced,
    );
    assert.ok(proof.attempts.every(({ expected, got }) => expected === got));
    assert.deepEqual([proof.verdict, proof.explanation], ['enforced', null]);
    assert.equal(proof.storeTime, '2026-01-01T00:00:00.000Z');
    assert.equal(proof.canary?.lockedUntil, '2026-01-01T00:01:01.000Z');
  });

  it('leaves one locked canary that the ledger knows, and nothing else', async () => {
    using bench = new LockProofBench();
    const proof = await bench.prove();
    const [only, ...others] = bench.left;
    assert.equal(others.length, 0);
    assert.equal(only?.key, proof.canary?.key);
    assert.deepEqual(only?.version.retention, { mode: 'COMPLIANCE', until: Date.parse('2026-01-01T00:01:01Z') / 1000 });
    const [known, ...more] = bench.known;
    assert.equal(more.length, 0);
    assert.deepEqual(
      [known?.objectKey, known?.versionId, known?.state, known?.retainUntil],
      [only?.key, proof.canary?.versionId, 'present', '2026-01-01T00:01:01.000Z'],
    );
    assert.match(only?.key ?? '', new RegExp(`^${bench.installationId}/canaries/[0-9a-f]{32}$`));
  });

  it('R5: touches nothing but canaries, each known to the ledger before it is put', async () => {
    for (const [name, behaviour] of [['honest', {}], ...Object.entries(liars)] as const) {
      using bench = new LockProofBench({ behaviour });
      const real = `${bench.installationId}/policies/${bench.locationId}/packs/aa/${'a'.repeat(32)}`;
      bench.bucket.put(real, Buffer.from('real'), { retention: { mode: 'COMPLIANCE', until: bench.bucket.now / 1000 + 86_400 } });
      const before = JSON.stringify(bench.bucket.history(real));
      bench.bucket.beforeCall = (verb, key) => {
        if (verb === 'HeadBucket') return;
        assert.ok(key.startsWith(canariesPrefix(bench.installationId)), `${name}: ${verb} ${key}`);
        if (verb === 'PutObject') assert.ok(bench.catalog.objects.get(bench.locationId, key) !== undefined, `${name}: unknown ${key}`);
      };
      await bench.prove();
      bench.bucket.pass(3_600_000);
      await bench.prove();
      assert.equal(JSON.stringify(bench.bucket.history(real)), before);
      for (const { key } of bench.left) assert.ok(bench.catalog.objects.get(bench.locationId, key) !== undefined, `${name}: left ${key}`);
    }
  });

  // Not enforced, or nothing a location could be called immutable by; `null`: keeps its locks, and lies in what the preflight or the audit see.
  const verdicts: readonly { readonly name: LiarName; readonly by: string | null }[] = [
    { name: 'doesNotEnforce', by: 'deleteVersion' },
    { name: 'ignoresLocks', by: 'readLock' },
    { name: 'overwrites', by: 'overwrite' },
    { name: 'namesNoVersions', by: 'putLocked' },
    { name: 'acceptsShortening', by: 'shorten' },
    { name: 'likeMoto', by: 'shorten' },
    { name: 'ignoresConditions', by: null },
    { name: 'listsStale', by: null },
    { name: 'clockAhead', by: null },
    { name: 'clockBehind', by: null },
    { name: 'suspends', by: null },
  ];
  for (const { name, by } of verdicts) {
    it(`S7: ${by === null ? 'sees the locks kept of' : 'sees through'} a store that ${name}`, async () => {
      using bench = new LockProofBench({ behaviour: liars[name] });
      const { verdict, attempts, explanation } = await bench.prove();
      const unexpected = attempts.find(({ expected, got }) => expected !== got)?.attempt;
      // A listing that does not show the canary yet reads as if it were lost.
      if (name === 'listsStale') assert.equal(verdict, 'notEnforced');
      else assert.deepEqual([verdict, unexpected ?? null], [by === null ? 'enforced' : 'notEnforced', by]);
      if (by !== null) assert.match(explanation ?? '', new RegExp(by));
    });
  }

  it('R5: finds governance bypassable where these very credentials may bypass it, and enforced where they may not', async () => {
    using open = new LockProofBench();
    const bypassed = await open.prove({ mode: 'governance' });
    assert.equal(bypassed.verdict, 'bypassable');
    assert.equal(gotOf(bypassed, 'deleteVersion'), 'refused');
    assert.equal(gotOf(bypassed, 'shortenWithBypass'), 'accepted');
    assert.equal(gotOf(bypassed, 'deleteVersionWithBypass'), 'accepted');
    assert.equal(gotOf(bypassed, 'downgrade'), undefined);
    // What was deleted is in the ledger no more: an audit would look for it.
    assert.deepEqual([open.left, open.known], [[], []]);
    using closed = new LockProofBench();
    closed.bucket.denied.add('BypassGovernanceRetention');
    assert.equal((await closed.prove({ mode: 'governance' })).verdict, 'enforced');
  });

  it('S7: calls governance that anybody may delete not enforced, and not bypassable', async () => {
    using bench = new LockProofBench({ behaviour: { enforcesLocks: false } });
    assert.equal((await bench.prove({ mode: 'governance' })).verdict, 'notEnforced');
  });

  const permissions = [
    ['DeleteObjectVersion', /s3:DeleteObjectVersion/],
    ['PutObjectRetention', /s3:PutObjectRetention/],
    ['PutObject', /takes no object with a lock/],
    ['GetObjectRetention', /readLock/],
    ['HeadBucket', /ask the store for its time/],
    ['ListObjectVersions', /./],
    ['GetObject', /./],
  ] as const;
  for (const [verb, says] of permissions) {
    it(`does not take a refused ${verb} for a lock: inconclusive, and says why`, async () => {
      using bench = new LockProofBench();
      bench.bucket.denied.add(verb);
      const { verdict, explanation } = await bench.prove();
      assert.equal(verdict, 'inconclusive');
      assert.match(explanation ?? '', says);
    });
  }

  it('is not enforced where there is no Object Lock, and inconclusive where the store is away from the start', async () => {
    using bench = new LockProofBench({ objectLock: false });
    bench.bucket.versioning = 'enabled';
    assert.equal((await bench.prove()).verdict, 'inconclusive');
    bench.bucket.isReachable = false;
    assert.equal((await bench.prove()).verdict, 'inconclusive');
  });

  it('S1: is never more than inconclusive where the store goes away in the middle, wherever that is', async () => {
    using counted = new LockProofBench();
    await counted.prove();
    const calls = Object.values(counted.bucket.allCalls).reduce((sum, count) => sum + count, 0);
    assert.ok(calls > 20, `${calls} calls`);
    using bench = new LockProofBench();
    for (let stop = 1; stop < calls - 2; stop += 1) {
      let made = 0;
      bench.bucket.beforeCall = () => {
        made += 1;
        if (made >= stop) bench.bucket.isReachable = false;
      };
      const { verdict } = await bench.prove();
      assert.equal(verdict, 'inconclusive', `stopped at call ${stop}`);
      bench.bucket.beforeCall = () => undefined;
      bench.bucket.isReachable = true;
      for (const { key } of bench.left) assert.ok(bench.catalog.objects.get(bench.locationId, key) !== undefined);
      bench.bucket.pass(2 * 3_600_000);
      await sweepCanaries(bench.options());
      assert.deepEqual([bench.left, bench.known], [[], []], `stopped at call ${stop}`);
    }
  });

  it('S1 S3: failures and lost answers make it inconclusive, and never turn a verdict around', async () => {
    for (const [behaviour, possible] of [
      [{}, ['enforced', 'inconclusive']],
      [liars.doesNotEnforce, ['inconclusive', 'notEnforced']],
      [liars.acceptsShortening, ['inconclusive', 'notEnforced']],
    ] as const) {
      using bench = new LockProofBench({ behaviour });
      const seen = new Set<string>();
      for (let seed = 1; seed <= 40; seed += 1) {
        const { store, attempts } = openBucketStore(bench.bucket);
        const faulty = faultyStore(store, { seed, unavailable: 0.03, lostAnswers: 0.03 });
        const { verdict, explanation } = await bench.prove({ store: faulty, attempts });
        assert.ok(
          possible.some((one) => one === verdict),
          `seed ${seed}: ${verdict}, ${explanation ?? ''}`,
        );
        seen.add(verdict);
        for (const { key } of bench.left) assert.ok(bench.catalog.objects.get(bench.locationId, key) !== undefined, `seed ${seed}`);
        bench.bucket.pass(2 * 86_400_000);
        await sweepCanaries(bench.options());
        assert.deepEqual([bench.left, bench.known], [[], []], `seed ${seed}`);
      }
      assert.deepEqual([...seen].toSorted(), possible);
    }
  });

  it('S7: what the store let happen counts, although it went away afterwards', async () => {
    using bench = new LockProofBench({ behaviour: { acceptsShortening: true } });
    let shortened = 0;
    bench.bucket.beforeCall = (verb) => {
      if (verb === 'PutObjectRetention') shortened += 1;
      else if (shortened >= 2) bench.bucket.isReachable = false;
    };
    assert.equal((await bench.prove()).verdict, 'notEnforced');
  });

  it('takes a longer lock where the shortest one ended before all was tried', async () => {
    using bench = new LockProofBench();
    bench.bucket.beforeCall = () => bench.bucket.pass(3000);
    const { verdict, canary, storeTime } = await bench.prove();
    assert.equal(verdict, 'enforced');
    assert.ok(Date.parse(canary?.lockedUntil ?? '') - Date.parse(storeTime ?? '') >= 3_600_000);
    using slow = new LockProofBench();
    slow.bucket.beforeCall = () => slow.bucket.pass(2 * 3_600_000);
    const never = await slow.prove();
    assert.deepEqual(
      [never.verdict, never.explanation],
      ['inconclusive', 'The lock ended before everything was tried: the store is too slow.'],
    );
  });

  it('takes a longer lock where the store refuses a short one', async () => {
    using bench = new LockProofBench();
    const { store, attempts } = openBucketStore(bench.bucket);
    const put = store.put.bind(store);
    store.put = async (key, body, options) => {
      const until = options?.lock?.until.getTime() ?? Number.POSITIVE_INFINITY;
      return await put(
        key,
        body,
        until < bench.bucket.now + 86_400_000 ? { ...options, lock: { mode: 'compliance', until: new Date(0) } } : options,
      );
    };
    const { verdict, canary } = await bench.prove({ store, attempts });
    assert.equal(verdict, 'enforced');
    assert.equal(canary?.lockedUntil, '2026-01-02T00:01:01.000Z');
  });

  it('deletes canaries of earlier proofs once their lock has ended, and not before', async () => {
    using bench = new LockProofBench();
    const first = await bench.prove();
    await bench.prove();
    assert.equal(bench.left.length, 2);
    assert.equal(await sweepCanaries(bench.options()), 2);
    bench.bucket.pass(62_000);
    const third = await bench.prove();
    assert.notEqual(third.canary?.key, first.canary?.key);
    assert.deepEqual(
      bench.left.map(({ key }) => key),
      [third.canary?.key],
    );
    assert.deepEqual(
      bench.known.map(({ objectKey }) => objectKey),
      [third.canary?.key],
    );
    assert.equal(bench.bucket.calls('DeleteObject'), 3);
  });

  it('remembers for an hour a canary that is not there: a put that was cut short may still come to its end', async () => {
    using bench = new LockProofBench();
    bench.bucket.denied.add('PutObject');
    await bench.prove();
    assert.equal(bench.known.length, 3);
    bench.bucket.pass(3_500_000);
    assert.equal(await sweepCanaries(bench.options()), 3);
    bench.bucket.pass(200_000);
    assert.equal(await sweepCanaries(bench.options()), 0);
    assert.deepEqual(bench.known, []);
  });

  it('leaves alone what lies at the place of canaries and is not in the ledger', async () => {
    using bench = new LockProofBench();
    const stranger = `${canariesPrefix(bench.installationId)}${'f'.repeat(32)}`;
    bench.bucket.put(stranger, Buffer.from('stranger'));
    bench.bucket.pass(86_400_000);
    await bench.prove();
    assert.equal(bench.bucket.history(stranger).length, 1);
  });

  it('X8: after a rebuilt catalog, what lies there is taken for left by proofs and swept when its lock has ended', async () => {
    using bench = new LockProofBench();
    const { canary } = await bench.prove();
    bench.catalog.objects.forget(bench.locationId, canary?.key ?? '');
    bench.bucket.put(`${canariesPrefix(bench.installationId)}notes`, Buffer.from('x'));
    const { store } = openBucketStore(bench.bucket);
    const before = new Date(bench.bucket.now + 1000);
    assert.equal(await adoptCanaries({ ...bench.options(), store, before }), 1);
    assert.equal(await adoptCanaries({ ...bench.options(), store, before }), 0);
    assert.equal(await sweepCanaries(bench.options()), 1);
    bench.bucket.pass(62_000);
    assert.equal(await sweepCanaries(bench.options()), 0);
    assert.deepEqual(
      bench.left.map(({ key }) => key.slice(-5)),
      ['notes'],
    );
  });

  it('R2: takes nothing for left by proofs that was put there since the catalog knows of the location', async () => {
    using bench = new LockProofBench();
    const before = new Date(bench.bucket.now);
    bench.bucket.pass(1000);
    bench.bucket.put(`${canariesPrefix(bench.installationId)}${'f'.repeat(32)}`, Buffer.from('planted'));
    const { store } = openBucketStore(bench.bucket);
    assert.equal(await adoptCanaries({ ...bench.options(), store, before }), 0);
    assert.deepEqual(bench.known, []);
  });

  it('R2: of a canary upon which others put thousands of versions, or beside which they put keys that begin so, looks at a thousand', async () => {
    using bench = new LockProofBench({ pageLength: 100 });
    const { canary } = await bench.prove();
    const key = canary?.key ?? assert.fail();
    for (let made = 0; made < 1500; made += 1) bench.bucket.put(key, Buffer.from('x'));
    for (let made = 0; made < 500; made += 1) bench.bucket.put(`${key}-${made}`, Buffer.from('x'));
    bench.bucket.pass(62_000);
    bench.bucket.resetCalls();
    assert.equal(await sweepCanaries(bench.options()), 1, 'the rest waits for the next time');
    assert.equal(bench.bucket.calls('DeleteObjectVersion'), 1000);
    assert.equal(await sweepCanaries(bench.options()), 0);
    assert.ok(bench.bucket.calls('ListObjectVersions') < 20, String(bench.bucket.calls('ListObjectVersions')));
  });

  it('is cancelled without an answer, and what it left is known', async () => {
    using bench = new LockProofBench();
    const controller = new AbortController();
    bench.bucket.beforeCall = (verb) => {
      if (verb === 'PutObjectRetention') controller.abort();
    };
    await assert.rejects(bench.prove({ signal: controller.signal }), { code: 'cancelled' });
    for (const { key } of bench.left) assert.ok(bench.catalog.objects.get(bench.locationId, key) !== undefined);
  });

  it('asks only for versions where the store has any', async () => {
    using bench = new LockProofBench();
    const store = new MemoryStore();
    assert.equal((await bench.prove({ store })).verdict, 'notEnforced');
  });

  it('is due a week after the last one, at once without any, and when the clock was set back', () => {
    const now = new Date('2026-02-01T00:00:00Z');
    assert.equal(isDue(null, now), true);
    assert.equal(isDue(new Date('2026-01-25T00:00:00.001Z'), now), false);
    assert.equal(isDue(new Date('2026-01-25T00:00:00Z'), now), true);
    assert.equal(isDue(new Date('2026-02-01T00:00:01Z'), now), true);
  });
});
