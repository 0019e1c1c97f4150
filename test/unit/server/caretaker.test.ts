import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ActionQueue } from '../../../daemon/actions/actionQueue.ts';
import { AlertBook } from '../../../daemon/alerts/alertBook.ts';
import { Caretaker } from '../../../daemon/server/caretaker.ts';
import type { LogFacts, Logger } from '../../../daemon/server/logger.ts';
import { BackupRuns } from '../../../daemon/policies/backupRuns.ts';
import { somePolicy } from '../../support/catalog.ts';
import { newId } from '../../support/ids.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { VirtualClock } from '../../support/virtualClock.ts';

const hour = 3_600_000;

class Bench implements Disposable {
  readonly clock = new VirtualClock('2026-03-01T12:00:00Z');
  readonly lines: string[] = [];
  readonly base: InstallationBench;
  readonly alerts: AlertBook;
  readonly caretaker: Caretaker;

  constructor(base: InstallationBench) {
    this.base = base;
    const { installation } = base;
    const { clock } = this;
    this.alerts = new AlertBook({ store: installation.catalog.alerts, wallClock: clock.wall, now: clock.now, onChanged: () => undefined });
    const write = (message: string, _facts?: LogFacts): void => void this.lines.push(message);
    const log: Logger = { error: write, warn: write, info: write, debug: write, trace: write };
    const queue = new ActionQueue({
      history: installation.catalog.actions,
      now: clock.now,
      wallClock: clock.wall,
      concurrency: 1,
      onChanged: () => undefined,
      onFailed: () => undefined,
    });
    const runs = new BackupRuns({
      queue,
      backups: { run: () => assert.fail('nothing is due') },
      newest: (policy) => policy,
      onEnded: () => undefined,
    });
    this.caretaker = new Caretaker({ installation, alerts: this.alerts, runs, clock, log });
  }

  kinds(): readonly string[] {
    return this.alerts.list({ all: false }).items.map(({ kind }) => kind);
  }

  [Symbol.dispose](): void {
    this.caretaker[Symbol.dispose]();
    this.base[Symbol.dispose]();
  }
}

describe('what the daemon notices by itself', () => {
  it('W2: raises one alert for wrong proofs, however many, until none has come for a day', async () => {
    using bench = new Bench(await InstallationBench.ready());
    bench.caretaker.start();
    bench.clock.pass(30 * hour);
    for (let count = 0; count < 5; count += 1) bench.caretaker.failedProof();
    assert.deepEqual(bench.kinds(), ['failedProofs']);
    bench.clock.pass(20 * hour);
    bench.caretaker.failedProof();
    bench.clock.pass(20 * hour);
    assert.deepEqual(bench.kinds(), ['failedProofs']);
    bench.clock.pass(5 * hour);
    assert.deepEqual(bench.kinds(), []);
  });

  it('raises one for retention that fails behind a run, until it works', async () => {
    using bench = new Bench(await InstallationBench.ready());
    const policy = somePolicy(newId());
    for (let run = 0; run < 2; run += 1) {
      bench.caretaker.retentionFollowed(policy, { error: new Error('the disk is full') });
      assert.deepEqual(bench.kinds(), ['retentionFailed']);
      assert.equal(bench.alerts.list({ all: true }).items.length, 1);
    }
    bench.caretaker.retentionFollowed(policy, {});
    assert.deepEqual(bench.kinds(), []);
    assert.deepEqual(bench.lines, ['Retention of a policy failed.', 'Retention of a policy failed.']);
  });

  it('X4: stands in nobody’s way where an alert can not be written', async () => {
    using bench = new Bench(await InstallationBench.ready());
    const { catalog } = bench.base.installation;
    catalog.alerts.add = () => {
      throw new Error('the disk is full');
    };
    catalog.alerts.raised = () => {
      throw new Error('the disk is full');
    };
    bench.caretaker.failedProof();
    bench.caretaker.rowChanged('restorePoints', randomUUID());
    bench.caretaker.rowChanged('no table of ours', 'x');
    assert.deepEqual(bench.lines, ['An alert could not be written.', 'An alert could not be written.']);
    bench.caretaker.start();
    bench.clock.pass(2 * hour);
    assert.ok(bench.lines.length > 2, 'and goes on looking');
  });
});
