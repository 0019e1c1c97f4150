import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Alert, type AlertKind, alertList } from '../../protocol/methods/alerts.ts';
import { immutabilityStatus, locationProveLock } from '../../protocol/methods/immutability.ts';
import { locationValidate } from '../../protocol/methods/locations.ts';
import { lockPlan, lockTerms } from '../../daemon/locks/lockPlan.ts';
import { BucketRefusal, type BucketRefusalCode } from '../support/bucket/bucketRefusal.ts';
import { AttackersHand } from '../support/bucket/attackersHand.ts';
import { versionIdOf } from '../support/bucket/bucketVersion.ts';
import { BucketDaemon, type BucketDaemonOptions } from '../support/bucketDaemon.ts';
import { testSeed } from '../support/mochaHooks.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** With a restore point and nothing to tell. */
async function quiet(options: BucketDaemonOptions = {}): Promise<BucketDaemon> {
  const world = await BucketDaemon.ready({ seed: testSeed(), ...options });
  await world.backUp();
  assert.deepEqual(await open(world), []);
  return world;
}

async function alerts(world: BucketDaemon): Promise<readonly Alert[]> {
  return (await world.daemon.call(alertList, { all: false })).items;
}

async function open(world: BucketDaemon): Promise<readonly AlertKind[]> {
  return (await alerts(world)).map(({ kind }) => kind).toSorted();
}

/** It is open and says what happened, since when, until when nothing is lost, and one way out. */
async function raised(world: BucketDaemon, kind: AlertKind, message: RegExp): Promise<Alert> {
  const alert = (await alerts(world)).find((one) => one.kind === kind);
  assert.ok(alert !== undefined, `${kind} is not among ${JSON.stringify(await alerts(world))}`);
  assert.match(alert.message, message);
  assert.ok(Math.abs(Date.parse(alert.since) - world.clock.wall().getTime()) <= 4 * day, alert.since);
  assert.ok(alert.safeUntil !== null && alert.fix !== null && alert.fix !== '', JSON.stringify(alert));
  return alert;
}

/** Every call is answered so from now on. */
function answers(world: BucketDaemon, code: BucketRefusalCode | undefined): void {
  world.bucket.beforeCall =
    code === undefined
      ? () => undefined
      : () => {
          throw new BucketRefusal(code, 'so the test says');
        };
}

/** Until what was told about drift has come in: it is looked for behind a run. */
async function settled(world: BucketDaemon): Promise<void> {
  await world.pass(1);
  for (let turn = 0; turn < 200; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Time until the next run of the monitor, and what is looked for behind it. */
async function untilNextRun(world: BucketDaemon): Promise<void> {
  await world.pass(49, 7);
  await settled(world);
}

describe('alerts about locks, as time goes by', function () {
  this.timeout(60_000);

  it('R7: a store that is away is told at once, then that nothing was refreshed, then half and a quarter of the reserve, all before anything lapses', async () => {
    await using world = await quiet({ protectionPeriod: 7 });
    answers(world, 'ConnectionFailed');
    const { safeUntil } = await world.daemon.call(immutabilityStatus, {});
    const end = Date.parse(safeUntil ?? '');
    const first = new Map<AlertKind, { readonly at: number; readonly alert: Alert }>();
    while (world.clock.storeMs < end - 2 * hour) {
      await world.pass(1);
      for (const alert of await alerts(world)) if (!first.has(alert.kind)) first.set(alert.kind, { at: world.clock.storeMs, alert });
    }
    const order = [...first.keys()];
    assert.deepEqual(order, ['locationUnreachable', 'extenderStopped', 'slackHalf', 'slackQuarter']);
    for (const [kind, { at, alert }] of first) {
      assert.equal(alert.safeUntil, safeUntil, kind);
      assert.ok(at < end, kind);
      assert.ok(alert.fix !== null && alert.message.endsWith('.'), kind);
    }
    const plan = lockPlan(lockTerms({ protectionPeriodDays: 7, longestAbsenceDays: 4 }));
    const left = (kind: AlertKind): number => end - (first.get(kind)?.at ?? end);
    assert.ok(
      left('slackHalf') <= plan.slackOnTime / 2 + hour && left('slackHalf') > plan.slackOnTime / 2 - 2 * hour,
      String(left('slackHalf')),
    );
    assert.ok(left('slackQuarter') >= plan.slackOnTime / 4 - 2 * hour, String(left('slackQuarter')));
    answers(world, undefined);
    await untilNextRun(world);
    assert.deepEqual(await open(world), []);
    await world.assertRestores([...world.kept.keys()][0] ?? '');
  });

  it('R7: a daemon that was stopped for longer than an interval says so as it starts, and resolves it by a run', async () => {
    await using world = await quiet({ protectionPeriod: 30 });
    await world.stop();
    world.clock.leap(29 * day);
    const before = [...world.bucket.entries()].filter(({ key }) => !key.includes('/canaries/')).length;
    const { refused } = new AttackersHand(world.bucket).deleteAllVersions();
    assert.equal(refused, before);
    await world.start();
    await raised(
      world,
      'extenderStopped',
      /^The locks at store were last refreshed \d{4}-.+: the daemon was not running, or could not do it\.$/,
    );
    await world.unlock();
    await world.idle();
    await world.pass(1);
    assert.ok(!(await open(world)).includes('extenderStopped'));
    await world.assertRestores([...world.kept.keys()][0] ?? '');
  });

  it('S8: a bucket that is gone is told as gone, and not as a network that is away', async () => {
    await using world = await quiet();
    answers(world, 'NoSuchBucket');
    await untilNextRun(world);
    await raised(world, 'locationCriteria', /^store is not what was validated: The bucket is not there any more\.$/);
    answers(world, undefined);
    await untilNextRun(world);
    assert.deepEqual(await open(world), []);
  });

  it('R3: versioning that is suspended is told, and is not any more once it is on', async () => {
    await using world = await quiet({ bucket: { behaviour: { letsVersioningBeSuspended: true } } });
    const hand = new AttackersHand(world.bucket);
    assert.deepEqual(hand.suspendVersioning(), { done: 1, refused: 0 });
    await untilNextRun(world);
    await raised(world, 'locationCriteria', /^store is not what was validated: .*[Vv]ersioning/);
    world.bucket.putVersioning('enabled');
    await untilNextRun(world);
    assert.deepEqual(await open(world), []);
  });

  it('S8: permissions that are taken away are told by their names, and a lock proof that holds makes that no better', async () => {
    await using world = await quiet();
    world.bucket.denied.add('GetLifecycleConfiguration');
    await untilNextRun(world);
    await raised(world, 'locationCriteria', /may not read the .+ of the bucket any more \(s3:GetLifecycleConfiguration\)/);
    const { actionId } = await world.daemon.call(locationProveLock, { requestId: randomUUID(), location: 'store' });
    assert.equal((await world.daemon.ended({ actionId })).error, null);
    await settled(world);
    await raised(world, 'locationCriteria', /GetLifecycleConfiguration/);
    world.bucket.denied.clear();
    await untilNextRun(world);
    assert.deepEqual(await open(world), []);
  });

  it('S10: an extension that is refused names the object, and is made good when it is taken', async () => {
    await using world = await quiet();
    world.bucket.denied.add('PutObjectRetention');
    // Past the reserve, so that locks are short.
    for (let passed = 0; passed < 12 && !(await open(world)).includes('refreshFailed'); passed += 1) await world.pass(24, 6);
    await raised(world, 'refreshFailed', /^\d+ locks? at store could not be extended: .+[0-9a-f]{32}/);
    world.bucket.denied.clear();
    await untilNextRun(world);
    assert.deepEqual(await open(world), []);
  });

  it('F1: a clock that is an hour off is told, locks follow the store all the same, and it is silent once it is right', async () => {
    await using world = await quiet();
    world.clock.skewMs = hour;
    await untilNextRun(world);
    await raised(world, 'clockSkew', /^This machine's clock is 60 minutes ahead of the clock of store\.$/);
    world.changeSource();
    await world.assertRestores(await world.backUp());
    world.clock.skewMs = -hour;
    await untilNextRun(world);
    await raised(world, 'clockSkew', /60 minutes behind/);
    world.clock.skewMs = 0;
    await untilNextRun(world);
    assert.deepEqual(await open(world), []);
  });

  it('R8: a store whose clock is ten years ahead is asked for no lock, and says so', async () => {
    await using world = await quiet();
    world.clock.skewMs = -3650 * day;
    world.changeSource();
    const puts = [...world.bucket.entries()].length;
    await assert.rejects(world.backUp(), /storeFailed: Failed to .*the clock of the store is 36\d\d days ahead of this machine's/);
    assert.equal([...world.bucket.entries()].length, puts);
    world.clock.skewMs = 0;
    await untilNextRun(world);
    await world.assertRestores(await world.backUp());
  });

  it('S9: a lock that can be bypassed is told, and so are kept objects that are gone', async () => {
    await using world = await BucketDaemon.ready({ seed: testSeed(), lockMode: 'governance' });
    await world.backUp();
    await settled(world);
    const bypassed = (await alerts(world)).find(({ kind }) => kind === 'locationCriteria');
    assert.equal(bypassed?.message, 'The store of store does not enforce locks: what is there is not immutable.');
    assert.equal(bypassed.safeUntil, null, 'no lock that can be bypassed keeps anything safe');
    const packs = [...world.bucket.entries()].filter(({ key }) => key.includes('/packs/'));
    for (const { key, version } of packs) world.bucket.deleteVersion(key, versionIdOf(version), { bypass: true });
    // The monitor looks at an object once its lock is short.
    for (let passed = 0; passed < 14 && !(await open(world)).includes('tampering'); passed += 1) await world.pass(24, 6);
    const tampering = (await alerts(world)).find(({ kind }) => kind === 'tampering');
    assert.match(
      tampering?.message ?? '',
      /^\d+ locked objects? of store (is|are) not in the store any more: .+|^Somebody tampered with store since .+/,
    );
    assert.ok(tampering?.fix);
    world.changeSource();
    await world.assertRestores(await world.backUp());
  });

  it('a store that is full fails the run with one sentence and is told, and goes on when there is room', async () => {
    await using world = await quiet();
    world.bucket.capacity = [...world.bucket.entries()].reduce((sum, { version }) => sum + version.size, 0);
    world.changeSource();
    await assert.rejects(world.backUp(), /storeFull: Failed to [^\n]+\./);
    const alert = (await alerts(world)).find(({ kind }) => kind === 'locationFull');
    assert.match(alert?.message ?? '', /^The location store is full\.$/);
    world.bucket.capacity = Number.POSITIVE_INFINITY;
    await world.assertRestores(await world.backUp());
    assert.deepEqual(await open(world), []);
  });

  it('R3: what was put right and validated is told no more at once, and not only behind the next refresh', async () => {
    await using world = await quiet();
    new AttackersHand(world.bucket).setLifecycle();
    await untilNextRun(world);
    await raised(world, 'locationCriteria', /Lifecycle rule/);
    world.bucket.putLifecycle([]);
    assert.ok((await world.daemon.call(locationValidate, { location: 'store' })).checks.every(({ result }) => result !== 'fail'));
    await settled(world);
    assert.deepEqual(await open(world), []);
  });

  it('R3: a bucket that lies in another region than it did is told, until it is the one that was validated', async () => {
    await using world = await quiet();
    const { region } = world.bucket;
    Object.assign(world.bucket, { region: 'us-east-1' });
    await untilNextRun(world);
    await raised(world, 'locationCriteria', /is in region us-east-1 and was in eu-central-1/);
    Object.assign(world.bucket, { region });
    await untilNextRun(world);
    assert.deepEqual(await open(world), []);
  });
});
