import assert from 'node:assert/strict';
import { isShort } from '../../../daemon/locks/lockPlan.ts';
import { type Intercept, interceptedStore } from '../../support/bucket/interceptedStore.ts';
import { LockBench, type LockBenchOptions } from '../../support/lockBench.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** With so many objects that one restore point reaches, and a monitor whose first run is done. */
async function watched(objects: number, options: LockBenchOptions = {}): Promise<LockBench> {
  const bench = new LockBench(options);
  bench.point(Array.from({ length: objects }, () => bench.put().number));
  bench.startMonitor();
  await bench.idle();
  assert.deepEqual(bench.errors, [undefined]);
  bench.bucket.resetCalls();
  return bench;
}

/** By the bucket's own word: whether something that is kept could be got back for less than the period. */
function shortest(bench: LockBench): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { key, version } of bench.bucket.entries(bench.installationId)) {
    const until = version.retention?.until ?? 0;
    assert.notEqual(key, '');
    least = Math.min(least, until * 1000 - bench.clock.storeMs);
  }
  return least;
}

describe('the monitor of locks', () => {
  it('runs at once at its start, then once an interval, and calls nobody for an object that is not short', async () => {
    await using bench = await watched(20);
    const { interval } = bench.plan;
    await bench.pass(interval - 3 * minute);
    assert.equal(bench.ended.length, 1);
    await bench.pass(3 * minute);
    assert.equal(bench.ended.length, 2);
    const { GetObjectRetention, PutObjectRetention } = bench.bucket.allCalls;
    assert.deepEqual([GetObjectRetention, PutObjectRetention], [undefined, undefined]);
  });

  it('F2: locks never fall below the period while it runs on time, and each object costs two calls an extension', async () => {
    await using bench = await watched(7, { days: 7 });
    const { slackOnTime, protectionPeriod } = bench.plan;
    for (let passed = 0; passed < 60 * day; passed += hour) {
      await bench.pass(hour, hour);
      assert.ok(shortest(bench) - protectionPeriod >= slackOnTime - hour, `after ${passed / day} days`);
    }
    const { GetObjectRetention = 0, PutObjectRetention = 0 } = bench.bucket.allCalls;
    assert.equal(GetObjectRetention, PutObjectRetention);
    // About 11 extensions an object and month for a period of a week: docs/format.md, Locks.
    assert.ok(PutObjectRetention / 14 >= 9 && PutObjectRetention / 14 <= 12, `${PutObjectRetention / 14} extensions an object`);
    assert.deepEqual(new Set(bench.errors), new Set([undefined]));
  });

  it('runs at once after a sleep, and after a start of the daemon', async () => {
    await using bench = await watched(3);
    bench.clock.sleep(hour);
    await bench.pass(minute);
    assert.equal(bench.ended.length, 2);
    await bench.monitor?.[Symbol.asyncDispose]();
    bench.startMonitor();
    await bench.idle();
    assert.equal(bench.ended.length, 3);
  });

  it('X6: looks at everything anew where nobody can read how far it had come', async () => {
    await using bench = await watched(3);
    bench.catalog.lockRuns.set(bench.locationId, '{"aim":"');
    await bench.monitor?.[Symbol.asyncDispose]();
    bench.startMonitor();
    await bench.idle();
    assert.equal(bench.ended.length, 2);
    assert.ok(bench.failures.length > 0, 'it is told');
    bench.failures.length = 0;
    await bench.pass(minute);
    assert.deepEqual([bench.failures, bench.errors.at(-1)], [[], undefined], 'it is whole again');
  });

  it('S1: waits a little longer after each failure in a row, goes on when the store is back, and loses no time to a sleep', async () => {
    await using bench = await watched(3);
    bench.bucket.isReachable = false;
    bench.clock.sleep(hour);
    const failedAt: number[] = [];
    for (let passed = 1; passed <= 60; passed += 1) {
      const before = bench.ended.length;
      await bench.pass(minute);
      if (bench.ended.length > before) failedAt.push(passed);
    }
    assert.deepEqual(failedAt, [1, 2, 4, 8, 16, 31, 46]);
    assert.deepEqual(new Set(bench.errors.slice(1)), new Set(['storeUnreachable']));
    bench.clock.sleep(hour);
    bench.bucket.isReachable = true;
    await bench.pass(minute);
    assert.equal(bench.errors.at(-1), undefined);
  });

  it('extends the soonest end first', async () => {
    await using bench = new LockBench();
    const rows = Array.from({ length: 40 }, (_value, index) => bench.put(bench.in(1 + ((index * 17) % 40) / 2)));
    bench.point(rows.map(({ number }) => number));
    const order: string[] = [];
    bench.bucket.beforeCall = (verb, key) => {
      if (verb === 'PutObjectRetention') order.push(key);
    };
    await bench.keep();
    const expected = rows.toSorted((one, other) => ((one.retainUntil ?? '') < (other.retainUntil ?? '') ? -1 : 1));
    assert.deepEqual(
      order,
      expected.map(({ objectKey }) => objectKey),
    );
  });

  it('leaves alone what no restore point, no run and no keyring needs', async () => {
    await using bench = new LockBench();
    const kept = bench.put(bench.in(2));
    const retired = bench.put(bench.in(2));
    const missing = bench.put(bench.in(2), { state: 'missing' });
    bench.point([kept.number, missing.number]);
    bench.point([retired.number], { state: 'retired' });
    const { extended } = await bench.keep();
    assert.equal(extended, 1);
    assert.equal(bench.lockedUntil(retired.objectKey), bench.in(2));
    assert.ok((bench.lockedUntil(kept.objectKey) ?? 0) > bench.in(30));
  });

  for (const mode of ['compliance', 'governance'] as const) {
    it(`X1: a run that is killed at any call to the store goes on where it was, shortens nothing, and knows in the end what the bucket says (${mode})`, async () => {
      for (let at = 1; at <= 45; at += 1) {
        for (const moment of ['before', 'after'] as const) {
          await using bench = new LockBench({ mode });
          const rows = Array.from({ length: 12 }, () => bench.put(bench.in(3)));
          bench.point(rows.map(({ number }) => number));
          let calls = 0;
          const intercept: Intercept = async (verb, _key, act) => {
            if (verb === 'time') return await act();
            calls += 1;
            const isNow = calls >= at;
            if (isNow && moment === 'before') throw new Error('killed');
            const result = await act();
            if (isNow) throw new Error('killed');
            return result;
          };
          bench.wrap = (store) => interceptedStore(store, intercept);
          const whole = await bench.keep().then(
            () => true,
            () => false,
          );
          bench.wrap = (store) => store;
          const before = rows.map(({ objectKey }) => bench.lockedUntil(objectKey) ?? 0);
          // Meanwhile the period was made shorter, and some time went by.
          bench.catalog.locations.change(bench.locationId, { protectionPeriodDays: 29 });
          bench.clock.take(hour);
          await bench.keep();
          for (const [index, { objectKey }] of rows.entries()) {
            const until = bench.lockedUntil(objectKey) ?? 0;
            const now = new Date(bench.clock.storeMs);
            assert.ok(until >= (before[index] ?? 0), 'nothing was shortened');
            assert.ok(!isShort(bench.plan, new Date(until), now));
            assert.ok(Date.parse(bench.row(objectKey).retainUntil ?? '') <= until, 'the ledger promises no more than there is');
            assert.ok(!isShort(bench.plan, new Date(bench.row(objectKey).retainUntil ?? 0), now), 'and it knows of what there is');
          }
          if (whole) return;
        }
      }
    });
  }

  it('S10: one extension of 10,000 that is refused fails the run and names the object, and every other one is extended', async () => {
    await using bench = new LockBench();
    const last = bench.fill(10_000, bench.in(3));
    bench.point(Array.from({ length: last }, (_value, index) => index + 1));
    let extensions = 0;
    let refused = '';
    bench.bucket.beforeCall = (verb, key) => {
      if (verb === 'PutObjectRetention') extensions += 1;
      if (extensions === 5000 && refused === '') refused = key;
      if (verb === 'PutObjectRetention' && key === refused) bench.bucket.denied.add(verb);
      else bench.bucket.denied.clear();
    };
    const result = await bench.keep();
    assert.deepEqual(
      result.refused.map(({ objectKey, error }) => [objectKey, error.code]),
      [[refused, 'storeRefused']],
    );
    assert.equal(result.extended, 9999);
    assert.equal(bench.lockedUntil(refused), bench.in(3));
  }).timeout(30_000);

  it('S10: where nothing at all is taken it stops after a hundred, and a store that says yes and keeps no lock is found out', async () => {
    await using bench = new LockBench({ bucket: { behaviour: { keepsLocks: false } } });
    const last = bench.fill(1000, bench.in(3));
    bench.point(Array.from({ length: last }, (_value, index) => index + 1));
    const { refused, extended } = await bench.keep();
    assert.deepEqual([refused.length, extended, refused[0]?.error.code], [100, 0, 'lockRefused']);
    assert.ok(bench.bucket.calls('PutObjectRetention') <= 104);
  });

  it('S9: what is not there any more is missing from then on, and is told once', async () => {
    await using bench = new LockBench({ mode: 'governance' });
    const gone = bench.put(bench.in(3));
    const there = bench.put(bench.in(3));
    bench.point([gone.number, there.number]);
    bench.bucket.deleteVersion(gone.objectKey, gone.versionId ?? '', { bypass: true });
    assert.deepEqual((await bench.keep()).missing, [gone.objectKey]);
    assert.equal(bench.row(gone.objectKey).state, 'missing');
    assert.deepEqual((await bench.keep()).missing, []);
  });

  it('F2: a location that is removed in mid-run ends the run, and nothing comes back', async () => {
    await using bench = new LockBench();
    bench.point(Array.from({ length: 40 }, () => bench.put(bench.in(3)).number));
    let extensions = 0;
    bench.bucket.beforeCall = (verb) => {
      if (verb !== 'PutObjectRetention') return;
      extensions += 1;
      if (extensions !== 10) return;
      for (const { policyId } of bench.catalog.policies.atLocation(bench.locationId))
        bench.catalog.policies.change(policyId, { locationId: null });
      bench.catalog.forgetLocation(bench.locationId);
    };
    bench.startMonitor();
    await bench.idle();
    await bench.pass(hour);
    assert.equal(bench.catalog.lockRuns.get(bench.locationId), undefined);
    assert.equal(bench.catalog.objects.lastNumber(bench.locationId), 0);
    assert.deepEqual(bench.failures, []);
    assert.equal(bench.ended.length, 1);
  });

  it('a longer period is promised once a whole run by it is complete, and a shorter one at once and without a call', async () => {
    await using bench = await watched(30, { days: 10 });
    const promised = (): number | undefined => (bench.monitor?.stateOf(bench.location)?.promised?.protectionPeriod ?? 0) / day;
    bench.bucket.isReachable = false;
    bench.catalog.locations.change(bench.locationId, { protectionPeriodDays: 40 });
    await bench.pass(minute);
    assert.equal(promised(), 10);
    bench.bucket.isReachable = true;
    bench.monitor?.hope(bench.locationId);
    await bench.idle();
    assert.equal(promised(), 40);
    assert.ok(shortest(bench) >= 40 * day);
    bench.bucket.resetCalls();
    bench.catalog.locations.change(bench.locationId, { protectionPeriodDays: 5 });
    await bench.pass(minute);
    assert.equal(promised(), 5);
    assert.equal(bench.bucket.calls('PutObjectRetention'), 0);
    assert.ok(shortest(bench) >= 40 * day);
  });

  it('a period that is raised under a run makes that run count for nothing', async () => {
    await using bench = new LockBench({ days: 10 });
    bench.point(Array.from({ length: 40 }, () => bench.put(bench.in(3)).number));
    let extensions = 0;
    bench.bucket.beforeCall = (verb) => {
      if (verb !== 'PutObjectRetention') return;
      extensions += 1;
      if (extensions !== 10) return;
      bench.catalog.locations.change(bench.locationId, { protectionPeriodDays: 40 });
      bench.monitor?.look();
    };
    bench.startMonitor();
    await bench.idle();
    assert.equal(bench.errors[0], 'cancelled');
    assert.equal(bench.errors.at(-1), undefined);
    assert.equal(bench.ended.length, 2);
    assert.ok(shortest(bench) >= 40 * day);
  });

  it('a longer absence that is expected is looked after within a minute', async () => {
    await using bench = await watched(5, { days: 2 });
    assert.ok(shortest(bench) < 10 * day);
    bench.absence = 20;
    await bench.pass(2 * minute);
    assert.ok(shortest(bench) >= 22 * day);
    assert.equal(bench.monitor?.stateOf(bench.location)?.promised?.longestAbsence, 20 * day);
  });

  it('asks nothing of a store whose credentials are sealed, and runs as soon as they are to be had', async () => {
    await using bench = await watched(3, { days: 2 });
    bench.isReachable = false;
    await bench.pass(2 * day, hour);
    assert.equal(bench.ended.length, 1);
    bench.isReachable = true;
    bench.monitor?.hope(bench.locationId);
    await bench.idle();
    assert.equal(bench.ended.length, 2);
  });

  for (const skew of [60, -60]) {
    it(`F1: a wall clock that is ${skew} days off, or is set so under way, changes no lock and misses no run`, async () => {
      await using bench = new LockBench({ days: 7 });
      bench.clock.skewMs = skew * day;
      bench.point(Array.from({ length: 5 }, () => bench.put().number));
      bench.startMonitor();
      await bench.idle();
      const { protectionPeriod, buffer, margin } = bench.plan;
      for (let passed = 0; passed < 40 * day; passed += hour) {
        if (passed === 10 * day || passed === 20 * day) bench.clock.skewMs = passed === 10 * day ? 0 : -skew * day;
        if (passed === 30 * day) {
          await bench.monitor?.[Symbol.asyncDispose]();
          bench.startMonitor();
        }
        await bench.pass(hour, hour);
        const left = shortest(bench);
        assert.ok(left >= protectionPeriod, `after ${passed / day} days ${left / day} are left`);
        for (const { version } of bench.bucket.entries(bench.installationId)) {
          const until = (version.retention?.until ?? 0) * 1000;
          assert.ok(
            until <= bench.clock.storeMs + protectionPeriod + buffer + margin + 5000,
            'nothing is locked for longer than asked for',
          );
        }
      }
      assert.ok(bench.errors.every((error) => error === undefined));
    });
  }

  it('F1: a run of 100,000 objects, of which 2000 are short, makes two calls for each of those and none for the others, in little memory', async () => {
    await using bench = new LockBench({ bucket: { bodies: 'drop' } });
    bench.fill(98_000, bench.in(60));
    const last = bench.fill(2000, bench.in(20));
    bench.point(Array.from({ length: last }, (_value, index) => index + 1));
    bench.bucket.resetCalls();
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
    const { extended } = await bench.keep();
    const grown = process.memoryUsage().heapUsed + process.memoryUsage().external - before;
    const { HeadBucket = 0, ...calls } = bench.bucket.allCalls;
    assert.equal(extended, 2000);
    assert.deepEqual(calls, { PutObjectRetention: 2000, GetObjectRetention: 2000 });
    assert.ok(HeadBucket <= 2);
    assert.ok(grown < 100 * 1024 * 1024, `${Math.round(grown / 1024 / 1024)} MB`);
  }).timeout(60_000);
});
