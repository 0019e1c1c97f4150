import assert from 'node:assert/strict';
import { AutoLock } from '../../../daemon/installation/autoLock.ts';
import { InstallationBench } from '../../support/installationBench.ts';

class Bench implements Disposable {
  readonly bench: InstallationBench;
  readonly autoLock: AutoLock;
  uptime = 1000;
  isBusy = false;
  locks = 0;

  private constructor(bench: InstallationBench) {
    this.bench = bench;
    this.autoLock = new AutoLock({
      settings: bench.installation.catalog.settings,
      uptime: () => this.uptime,
      wallClock: () => bench.now,
      isUnlocked: () => bench.installation.state === 'unlocked',
      isBusy: () => this.isBusy,
      lock: async () => {
        this.locks += 1;
        bench.installation.lock();
      },
    });
  }

  static async unlocked(): Promise<Bench> {
    return new Bench(await InstallationBench.ready());
  }

  [Symbol.dispose](): void {
    this.bench[Symbol.dispose]();
  }
}

describe('auto-lock', () => {
  it('is off until hours are set, and off again with null', async () => {
    using made = await Bench.unlocked();
    assert.equal(made.autoLock.status, null);
    made.uptime += 1e9;
    await made.autoLock.look();
    made.autoLock.set(1);
    made.autoLock.set(null);
    await made.autoLock.look();
    assert.deepEqual([made.locks, made.autoLock.status], [0, null]);
  });

  it('locks when the hours since the last passphrase are over, and not a second before', async () => {
    using made = await Bench.unlocked();
    made.autoLock.set(8);
    assert.deepEqual(made.autoLock.status, { hours: 8, at: '2026-01-02T11:04:05.678Z' });
    made.uptime += 8 * 3600 - 1;
    await made.autoLock.look();
    assert.equal(made.locks, 0);
    made.autoLock.restart();
    made.uptime += 8 * 3600 - 1;
    await made.autoLock.look();
    assert.equal(made.locks, 0);
    made.uptime += 1;
    await made.autoLock.look();
    assert.equal(made.locks, 1);
    assert.deepEqual(made.autoLock.status, { hours: 8, at: null });
    await made.autoLock.look();
    assert.equal(made.locks, 1, 'what is locked is not locked again');
  });

  it('F1: counts on while the machine sleeps, and no setting of the clock changes it', async () => {
    using made = await Bench.unlocked();
    made.autoLock.set(1);
    made.bench.now = new Date('2036-01-02T03:04:05.678Z');
    await made.autoLock.look();
    assert.equal(made.locks, 0, 'the clock was set forward');
    made.bench.now = new Date('2016-01-02T03:04:05.678Z');
    // The machine has slept: no timer ran, and its time since the start went on.
    made.uptime += 3 * 3600;
    await made.autoLock.look();
    assert.equal(made.locks, 1);
  });

  it('counts as off where a newer version has set what this one does not know, until it is set anew', async () => {
    using made = await Bench.unlocked();
    const { settings } = made.bench.installation.catalog;
    assert.equal(made.autoLock.isUnknown, false);
    for (const text of ['{"hours":8,"idle":true}', '-1', 'hours: 8', '']) {
      settings.set('autoLock', text);
      assert.deepEqual([made.autoLock.status, made.autoLock.isUnknown], [null, true], text);
      made.uptime += 1e9;
      await made.autoLock.look();
    }
    assert.equal(made.locks, 0);
    made.autoLock.set(8);
    assert.deepEqual([made.autoLock.status?.hours, made.autoLock.isUnknown], [8, false]);
  });

  it('waits for what is under way', async () => {
    using made = await Bench.unlocked();
    made.autoLock.set(1);
    made.uptime += 2 * 3600;
    made.isBusy = true;
    await made.autoLock.look();
    assert.equal(made.locks, 0);
    made.isBusy = false;
    await made.autoLock.look();
    assert.equal(made.locks, 1);
  });
});
