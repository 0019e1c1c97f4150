import assert from 'node:assert/strict';
import { LockKeeper, lockingStore } from '../../../daemon/locks/lockKeeper.ts';
import { lockPlan, lockTerms, target } from '../../../daemon/locks/lockPlan.ts';
import { StoreClock } from '../../../daemon/locks/storeClock.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { openBucketStore, type VersionedStore } from '../../support/bucket/bucketStore.ts';
import { MemoryBucket } from '../../support/bucket/memoryBucket.ts';

const second = 1000;
const day = 86_400_000;
const century = 36_500 * day;
const key = 'a/one';

/** A bucket whose clock is so far ahead of this machine's, and a keeper of its locks. */
class Bench {
  readonly bucket: MemoryBucket;
  readonly store: VersionedStore;
  readonly locking: ReturnType<typeof lockingStore>;
  readonly keeper: LockKeeper;
  readonly plan = lockPlan(lockTerms({ protectionPeriodDays: 7, longestAbsenceDays: 0 }));
  ahead: number;

  constructor(ahead: number) {
    this.ahead = ahead;
    this.bucket = new MemoryBucket();
    this.store = openBucketStore(this.bucket).store;
    const clocks = (): { readonly monotonic: number; readonly wall: number } => ({ monotonic: 5000, wall: this.bucket.now - this.ahead });
    const clock = new StoreClock({ store: this.store.versions, clocks });
    const locks = { mode: 'compliance' as const, plan: () => this.plan, clock };
    this.locking = lockingStore(this.store, locks);
    this.keeper = new LockKeeper(this.store.versions, locks);
  }

  get longest(): Date {
    return target(this.plan, new Date(this.bucket.now + second));
  }

  /** An object with a lock of so many milliseconds from now. */
  async putLocked(length: number): Promise<string> {
    const until = new Date(Math.ceil((this.bucket.now + length) / second) * second);
    const { versionId } = await this.store.put(key, Buffer.from('x'), { lock: { mode: 'compliance', until } });
    return versionId ?? '';
  }

  async lock(versionId: string): Promise<Date | undefined> {
    return (await this.store.versions.lockOf(key, versionId))?.until;
  }
}

const isTooFarAhead = (error: unknown): boolean =>
  HoldfastError.is(error, 'storeFailed') &&
  /^Failed to (put|extend the lock of) object a\/one: the clock of the store is \d+ days ahead of this machine's, and .+\.$/.test(
    error.message,
  ) &&
  error.fix !== undefined;

describe('locks that are asked for', () => {
  it('R8: never last beyond the plan', async () => {
    const bench = new Bench(0);
    const { versionId } = await bench.locking.put(key, Buffer.from('x'));
    const put = await bench.lock(versionId ?? '');
    assert.ok(put !== undefined && put <= bench.longest, String(put));
    const short = new Bench(0);
    const id = await short.putLocked(day);
    await short.keeper.hold({ key, versionId: id, retainUntil: null });
    const held = await short.lock(id);
    assert.ok(
      held !== undefined && held <= short.longest && held.getTime() >= short.bucket.now + short.plan.protectionPeriod,
      String(held),
    );
  });

  it('R8: are asked for by a clock that is a year ahead, and by none that is further', async () => {
    await assert.doesNotReject(new Bench(366 * day).locking.put(key, Buffer.from('x')));
    for (const ahead of [368 * day, 10 * 365 * day, century]) {
      const bench = new Bench(ahead);
      await assert.rejects(bench.locking.put(key, Buffer.from('x')), isTooFarAhead);
      assert.equal([...bench.bucket.entries('')].length, 0);
      const versionId = await bench.putLocked(day);
      const before = await bench.lock(versionId);
      await assert.rejects(bench.keeper.hold({ key, versionId, retainUntil: null }), isTooFarAhead);
      assert.deepEqual(await bench.lock(versionId), before);
    }
  });

  it('F1: are asked for by the store alone where its clock is behind, however far', async () => {
    const bench = new Bench(-10 * 365 * day);
    const { versionId } = await bench.locking.put(key, Buffer.from('x'));
    const until = await bench.lock(versionId ?? '');
    assert.ok(until !== undefined && until <= bench.longest && until.getTime() > bench.bucket.now, String(until));
  });

  it('R8: an object that somebody locked for a hundred years is left as it is, whatever the clocks say', async () => {
    for (const ahead of [0, century]) {
      const bench = new Bench(ahead);
      const versionId = await bench.putLocked(century);
      const before = await bench.lock(versionId);
      const held = await bench.keeper.hold({ key, versionId, retainUntil: null });
      assert.deepEqual([held?.retainUntil, await bench.lock(versionId)], [before, before]);
    }
  });
});
