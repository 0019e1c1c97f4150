import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { asRestored } from '../../../../daemon/recovery/ownership/ownershipMemory.ts';
import { ownershipRefusal } from '../../../../daemon/recovery/ownership/ownershipWatch.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { AttackersHand } from '../../../support/bucket/attackersHand.ts';
import { versionIdOf } from '../../../support/bucket/bucketVersion.ts';
import { SeededRandom } from '../../../support/random.ts';
import { type Daemon, SharedBucket } from '../../../support/ownership/ownershipBench.ts';

describe('watching the ownership of a location', () => {
  let shared: SharedBucket;
  let first: Daemon;
  let second: Daemon;

  beforeEach(() => {
    shared = new SharedBucket();
    first = shared.daemon();
    second = shared.daemon();
  });

  async function callsOf(daemon: Daemon): Promise<unknown> {
    shared.bucket.resetCalls();
    await daemon.look();
    return shared.bucket.allCalls;
  }

  it('lets everybody go on where nobody has taken the location, by one request', async () => {
    assert.equal(await first.state(), 'unclaimed');
    assert.deepEqual(await callsOf(first), { ListObjectVersions: 1 });
    assert.equal(ownershipRefusal('unclaimed', 'back up'), undefined);
  });

  it('takes two requests for an owner, however much lies about and upon its term', async () => {
    await first.take();
    for (let count = 0; count < 3000; count += 1) {
      shared.bucket.put(first.keyOf(1), Buffer.of(1));
      shared.bucket.put(`${first.place.codec.prefix}${count}`, Buffer.of(1));
    }
    assert.equal(await first.state(), 'owner');
    assert.deepEqual(await callsOf(first), { ListObjectVersions: 1, HeadObject: 1 });
  });

  it('asks nothing any more where it is lost', async () => {
    await first.take();
    await second.take();
    assert.equal(await first.state(), 'superseded');
    assert.deepEqual(await callsOf(first), {});
  });

  it('is superseded at the next look, also where there were no terms before', async () => {
    assert.equal(await first.state(), 'unclaimed');
    await second.take();
    assert.equal(await first.state(), 'superseded');
  });

  it('sees several terms that came since, of which only the last is still there', async () => {
    await first.take();
    assert.equal(await first.state(), 'owner');
    for (let count = 0; count < 3; count += 1) await second.take();
    shared.bucket.pass(400 * 86_400_000);
    for (const n of [2, 3]) {
      for (const { key, version } of Array.from(shared.bucket.entries(first.keyOf(n))))
        shared.bucket.deleteVersion(key, versionIdOf(version));
    }
    assert.equal(await first.state(), 'superseded');
  });

  it('R1 R2: goes on where delete markers and garbage lie over its term', async () => {
    await first.take();
    assert.equal(await first.state(), 'owner');
    const hand = new AttackersHand(shared.bucket);
    hand.overwriteAll(65_536);
    hand.hideAll();
    hand.deleteAllVersions();
    shared.bucket.put(first.keyOf(2), randomBytes(65_536));
    for (const isThorough of [false, true]) assert.equal((await first.look(isThorough)).state, 'owner');
  });

  it('R6: is lost where the lock of its term has ended and somebody has deleted it', async () => {
    await first.take();
    assert.equal(await first.state(), 'owner');
    shared.bucket.pass(400 * 86_400_000);
    new AttackersHand(shared.bucket).deleteAllVersions();
    const { state, findings } = await first.look();
    assert.deepEqual([state, findings.map(({ kind }) => kind)], ['lost', ['missingVersion']]);
    assert.equal((await first.take()).term.n, 2);
    assert.equal(await first.state(), 'owner');
  });

  it('is cloned where another one’s term has the number of its own', async () => {
    await first.take();
    shared.bucket.pass(400 * 86_400_000);
    new AttackersHand(shared.bucket).deleteAllVersions();
    await second.take();
    assert.deepEqual([await first.state(), await second.state()], ['cloned', 'owner']);
    assert.equal((await first.take()).term.n, 2);
    assert.deepEqual([await first.state(), await second.state()], ['owner', 'superseded']);
  });

  it('says nothing of a copy of the state directory until one of the two takes the location', async () => {
    await first.take();
    second.memories.change(() => first.memories.get());
    assert.deepEqual([await first.state(), await second.state()], ['owner', 'owner']);
    await second.take();
    assert.deepEqual([await first.state(), await second.state()], ['superseded', 'owner']);
  });

  it('lets a restored daemon do nothing before it has taken the location, although its catalog says that it owns it', async () => {
    await first.take();
    second.memories.change(() => asRestored(first.memories.get()));
    assert.equal(await second.state(), 'restored');
    assert.equal((await second.take()).term.n, 2);
    assert.deepEqual([await first.state(), await second.state()], ['superseded', 'owner']);
  });

  it('S1: does not take a store that does not answer for one that says nothing', async () => {
    await first.take();
    await first.look();
    for (const verb of ['ListObjectVersions', 'HeadObject'] as const) {
      shared.bucket.denied.add(verb);
      await assert.rejects(first.look(), (error: unknown) => HoldfastError.is(error, 'storeRefused'));
      shared.bucket.denied.delete(verb);
    }
    shared.bucket.isReachable = false;
    await assert.rejects(first.look(true), (error: unknown) => HoldfastError.is(error, 'storeUnreachable'));
    shared.bucket.isReachable = true;
    assert.equal(await first.state(), 'owner');
  });

  it('refuses by the rules in every state but two, and says the way out', () => {
    for (const state of ['superseded', 'cloned', 'lost', 'restored'] as const) {
      const refused = ownershipRefusal(state, 'back up policy x');
      assert.deepEqual([refused?.code, refused?.exitStatus, refused?.details], ['refusedByRule', 4, { ownership: state }]);
      assert.match(refused?.message ?? '', /^Failed to back up policy x: .+[a-z]\.$/);
      assert.match(refused?.fix ?? '', /holdfast dr take-ownership/);
    }
    assert.equal(ownershipRefusal('owner', 'back up'), undefined);
  });

  it('C8 R1 R2: sees by a quick look what a thorough one sees, after any history of takes and acts of an attacker', async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      shared = new SharedBucket();
      const random = new SeededRandom(seed);
      const daemons = [shared.daemon(), shared.daemon()];
      for (let step = 0; step < 8; step += 1) {
        const daemon = daemons[random.below(2)] ?? first;
        const hand = new AttackersHand(shared.bucket);
        const act = random.below(5);
        if (act === 0) await daemon.take();
        else if (act === 1) hand.hideAll();
        else if (act === 2) hand.overwriteAll(65_536);
        else if (act === 3) shared.bucket.put(daemon.keyOf(random.between(1, 4)), random.bytes(100));
        await (daemons[random.below(2)] ?? first).look();
      }
      const quick = await Promise.all(daemons.map((daemon) => daemon.state()));
      const thorough = await Promise.all(daemons.map(async (daemon) => (await daemon.look(true)).state));
      assert.deepEqual(quick, thorough, `seed ${seed}`);
      assert.ok(quick.filter((state) => state === 'owner').length <= 1, `seed ${seed}`);
    }
  });
});
