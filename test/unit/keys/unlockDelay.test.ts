import assert from 'node:assert/strict';
import { unlockDelay, UnlockDelay } from '../../../daemon/keys/unlockDelay.ts';
import { wrongPassphrase } from '../../../daemon/keys/passkeys/passphrase.ts';
import { HoldfastError } from '../../../protocol/errors.ts';

class FakeClock {
  time = 0;
  readonly slept: number[] = [];

  now(): number {
    return this.time;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(milliseconds);
    this.time += milliseconds;
    return Promise.resolve();
  }
}

function wrong(): Promise<never> {
  return Promise.reject(wrongPassphrase());
}

async function fail(delay: UnlockDelay, times: number): Promise<void> {
  for (let attempt = 0; attempt < times; attempt += 1) await assert.rejects(delay.attempt(wrong), HoldfastError);
}

describe('the delay after wrong passphrases', () => {
  it('is nothing after two typing errors, then doubles up to a minute', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1e9].map((failures) => unlockDelay(failures)),
      [0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000],
    );
  });

  it('is waited for before the next attempt, and ends with the right passphrase', async () => {
    const clock = new FakeClock();
    const delay = new UnlockDelay(clock);
    await fail(delay, 5);
    assert.deepEqual(clock.slept, [1000, 2000]);
    clock.time += 1500;
    assert.equal(await delay.attempt(() => Promise.resolve('open')), 'open');
    assert.deepEqual(clock.slept, [1000, 2000, 2500]);
    assert.equal(delay.failures, 0);
    await fail(delay, 2);
    assert.deepEqual(clock.slept, [1000, 2000, 2500]);
  });

  it('cannot be got round by trying at the same time', async () => {
    const clock = new FakeClock();
    const delay = new UnlockDelay(clock);
    let running = 0;
    let most = 0;
    const attempts = Array.from({ length: 6 }, () =>
      delay.attempt(async () => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
        return wrong();
      }),
    );
    const outcomes = await Promise.allSettled(attempts);
    assert.ok(outcomes.every(({ status }) => status === 'rejected'));
    assert.equal(most, 1);
    assert.deepEqual(clock.slept, [1000, 2000, 4000]);
  });

  it('counts wrong passphrases only, and lets an abort go', async () => {
    const clock = new FakeClock();
    const delay = new UnlockDelay(clock);
    for (let attempt = 0; attempt < 5; attempt += 1)
      await assert.rejects(
        delay.attempt(() => Promise.reject(new Error('disk'))),
        /disk/,
      );
    assert.equal(delay.failures, 0);
    await fail(delay, 3);
    await assert.rejects(
      delay.attempt(() => Promise.resolve('open'), AbortSignal.abort(new Error('gone'))),
      /gone/,
    );
    assert.equal(delay.failures, 3);
  });
});
