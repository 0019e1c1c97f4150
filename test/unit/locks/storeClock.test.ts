import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { type ClockReading, elapsedBetween, hasSlept, readClocks } from '../../../daemon/locks/localClocks.ts';
import { StoreClock } from '../../../daemon/locks/storeClock.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A store and a machine, each with clocks of its own. True time is milliseconds since 1970. */
class World {
  true = Date.parse('2026-03-01T10:00:00.300Z');
  monotonic = 5000;
  /** The store's and the wall clock's error. */
  storeError = 0;
  wallError = 0;
  /** How long an answer takes to come back. */
  latency = 0;
  /** The machine sleeps so long while it waits for an answer; taken from the front. */
  sleeps: number[] = [];
  /** What the next answers say, beside the store's error; taken from the front. */
  wrong: number[] = [];
  asked = 0;

  readonly store = {
    time: (options: { readonly signal?: AbortSignal } = {}): Promise<Date> => {
      options.signal?.throwIfAborted();
      this.asked += 1;
      const date = Math.floor((this.true + this.storeError + (this.wrong.shift() ?? 0)) / second) * second;
      this.sleep(this.sleeps.shift() ?? 0);
      this.pass(this.latency);
      return Promise.resolve(new Date(date));
    },
  };

  readonly clocks = (): ClockReading => ({ monotonic: this.monotonic, wall: this.true + this.wallError });

  pass(ms: number): void {
    this.true += ms;
    this.monotonic += ms;
  }

  sleep(ms: number): void {
    this.true += ms;
  }

  clock(former: Date | null = null): StoreClock {
    return new StoreClock({ store: this.store, clocks: this.clocks, former });
  }
}

describe("the store's clock", () => {
  it('gives bounds that hold the true time, as wide as the answer took and a second', async () => {
    const world = new World();
    world.latency = 700;
    const { earliest, latest } = await world.clock().now();
    assert.equal(latest.getTime() - earliest.getTime(), 1700);
    assert.ok(earliest.getTime() <= world.true && world.true <= latest.getTime());
  });

  it('believes an answer for a minute of monotonic time, and asks again after it', async () => {
    const world = new World();
    const clock = world.clock();
    assert.equal(clock.peek(), null);
    const first = await clock.now();
    world.pass(minute);
    assert.deepEqual(await clock.now(), {
      earliest: new Date(first.earliest.getTime() + minute),
      latest: new Date(first.latest.getTime() + minute),
    });
    assert.equal(world.asked, 1);
    world.pass(1);
    assert.equal(clock.peek(), null);
    await clock.now();
    assert.equal(world.asked, 2);
  });

  it('asks whatever it believes where a fresh answer is wanted', async () => {
    const world = new World();
    const clock = world.clock();
    await clock.refresh();
    await clock.refresh();
    assert.equal(world.asked, 2);
  });

  it('F1: believes nothing across a sleep, nor when the clocks come to agree again', async () => {
    for (const asleep of [2001, 3 * hour, -2001]) {
      const world = new World();
      const clock = world.clock();
      await clock.now();
      world.sleep(asleep);
      assert.equal(clock.peek(), null);
      world.wallError -= asleep;
      assert.equal(clock.peek(), null);
    }
  });

  it('goes on believing through two seconds of difference', async () => {
    const world = new World();
    const clock = world.clock();
    await clock.now();
    world.sleep(2000);
    assert.notEqual(clock.peek(), null);
  });

  it('asks again where the machine slept while it waited, and gives up where it always does', async () => {
    const world = new World();
    const clock = world.clock();
    world.sleeps = [hour];
    const { earliest, latest } = await clock.now();
    assert.ok(earliest.getTime() <= world.true && world.true <= latest.getTime());
    assert.equal(world.asked, 2);
    world.sleeps = Array.from({ length: 20 }, () => hour);
    await assert.rejects(clock.refresh(), (error) => HoldfastError.is(error, 'storeFailed'));
    assert.equal(world.asked, 8);
  });

  it('F1: takes nothing from the wall clock, which is only compared', async () => {
    for (const [wallError, level] of [
      [0, 'none'],
      [minute, 'none'],
      [minute + 2 * second, 'shown'],
      [-minute - 2 * second, 'shown'],
      [5 * minute, 'shown'],
      [5 * minute + 2 * second, 'alert'],
      [-60 * day, 'alert'],
      [60 * day, 'alert'],
    ] as const) {
      const world = new World();
      world.wallError = wallError;
      const clock = world.clock();
      const before = clock.skew;
      assert.equal(before, null);
      const { latest } = await clock.now();
      assert.ok(Math.abs(latest.getTime() - world.true) < 2 * second);
      assert.equal(clock.skew?.level, level, `${wallError} ms`);
      assert.ok(Math.abs((clock.skew?.milliseconds ?? Number.NaN) - wallError) <= second);
      assert.equal(clock.anomaly, null);
    }
  });

  it('F1: keeps the later time for what extends and the earlier for what deletes when the store goes back', async () => {
    const world = new World();
    const clock = world.clock();
    await clock.now();
    world.pass(10 * minute);
    world.storeError = -hour;
    const { earliest, latest } = await clock.now();
    assert.ok(Math.abs(latest.getTime() - world.true) < 3 * second);
    assert.ok(Math.abs(earliest.getTime() - (world.true - hour)) < 3 * second);
    assert.equal(clock.anomaly?.kind, 'steppedBack');
    assert.ok(Math.abs(clock.anomaly.milliseconds - hour) < 5 * second);
  });

  it('F1: keeps the earlier time for what deletes when the store goes ahead', async () => {
    const world = new World();
    const clock = world.clock();
    await clock.now();
    world.pass(10 * minute);
    world.storeError = hour;
    const { earliest, latest } = await clock.now();
    assert.ok(Math.abs(earliest.getTime() - world.true) < 3 * second);
    assert.ok(Math.abs(latest.getTime() - (world.true + hour)) < 3 * second);
    assert.equal(clock.anomaly?.kind, 'steppedForward');
  });

  it('comes back to narrow bounds by and by when the store is right again', async () => {
    for (const error of [-2 * minute, 2 * minute]) {
      const world = new World();
      const clock = world.clock();
      await clock.now();
      world.storeError = error;
      await clock.refresh();
      world.storeError = 0;
      world.pass(2 * day);
      const { earliest, latest } = await clock.refresh();
      assert.ok(latest.getTime() - earliest.getTime() < 2 * second, `after ${error} ms`);
    }
  });

  it('F1 R8: does not take one answer that is a hundred years ahead, nor answers that do not agree', async () => {
    const world = new World();
    const clock = world.clock();
    await clock.now();
    world.wrong = [36_500 * day];
    const { latest } = await clock.refresh();
    assert.ok(Math.abs(latest.getTime() - world.true) < 2 * second);
    assert.equal(world.asked, 3);
    world.wrong = [400, 500, 600, 700, 800, 900].map((days) => days * day);
    await assert.rejects(clock.refresh(), (error) => HoldfastError.is(error, 'storeFailed'));
    assert.ok(Math.abs((await clock.refresh()).latest.getTime() - world.true) < 2 * second);
  });

  it('F1: believes a leap that three answers agree on, since a machine that was copied asleep knows of no time that passed', async () => {
    const world = new World();
    const clock = world.clock();
    await clock.now();
    world.sleep(30 * day);
    world.wallError = -30 * day;
    const { latest } = await clock.refresh();
    assert.ok(Math.abs(latest.getTime() - world.true) < 2 * second);
    assert.equal(world.asked, 4);
    assert.equal(clock.anomaly?.kind, 'steppedForward');
  });

  it('finds nothing wrong with a month of sleep that the wall clock knows of', async () => {
    const world = new World();
    const clock = world.clock();
    await clock.now();
    world.sleep(30 * day);
    await clock.now();
    assert.deepEqual([world.asked, clock.anomaly], [2, null]);
  });

  it('knows of a time before this start of the daemon that the store had passed', async () => {
    const world = new World();
    const former = new Date(world.true + hour);
    const clock = world.clock(former);
    const { earliest, latest } = await clock.now();
    assert.deepEqual(latest, former);
    assert.ok(earliest.getTime() < world.true);
    assert.equal(clock.anomaly?.kind, 'steppedBack');
  });

  it('guesses by the clocks of the machine while the store is away', async () => {
    const world = new World();
    world.wallError = 3 * hour;
    const clock = world.clock();
    assert.equal(clock.estimate().getTime(), world.true + 3 * hour);
    const former = new Date(world.true + day);
    assert.deepEqual(world.clock(former).estimate(), former);
    const { latest } = await clock.now();
    world.pass(2 * day);
    world.sleep(day);
    assert.equal(clock.estimate().getTime(), latest.getTime() + 3 * day);
  });

  it('passes on that it was cancelled', async () => {
    await assert.rejects(new World().clock().now({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  });

  it('F1: holds the true time between its bounds whatever sleeps, waits and settings of the wall clock come', async () => {
    const step = fc.record({
      pass: fc.integer({ min: 0, max: 3 * hour }),
      sleep: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 * day })),
      set: fc.oneof(fc.constant(0), fc.integer({ min: -60 * day, max: 60 * day })),
      latency: fc.integer({ min: 0, max: 30 * second }),
      isFresh: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const world = new World();
        const clock = world.clock();
        for (const { pass, sleep, set, latency, isFresh } of steps) {
          world.pass(pass);
          world.sleep(sleep);
          world.wallError += set;
          world.latency = latency;
          const { earliest, latest } = isFresh ? await clock.refresh() : await clock.now();
          // Up to two seconds of sleep go unseen while an answer is believed.
          assert.ok(earliest.getTime() <= world.true && world.true <= latest.getTime() + 2000);
        }
      }),
    );
  });
});

describe('the clocks of a machine', () => {
  it('tell sleep by more than two seconds of difference', () => {
    const before = { monotonic: 0, wall: 0 };
    assert.equal(hasSlept(before, { monotonic: 1000, wall: 3000 }), false);
    assert.equal(hasSlept(before, { monotonic: 1000, wall: 3001 }), true);
    assert.equal(hasSlept(before, { monotonic: 1000, wall: -1001 }), true);
  });

  it('bound what has passed', () => {
    const before = { monotonic: 0, wall: 0 };
    assert.deepEqual(elapsedBetween(before, { monotonic: 1000, wall: 5000 }), { least: 1000, most: 5000 });
    assert.deepEqual(elapsedBetween(before, { monotonic: 1000, wall: -5000 }), { least: 1000, most: 1000 });
  });

  it('are read together', () => {
    const [one, other] = [readClocks(), readClocks()];
    assert.equal(hasSlept(one, other), false);
    assert.ok(other.monotonic >= one.monotonic);
  });
});
