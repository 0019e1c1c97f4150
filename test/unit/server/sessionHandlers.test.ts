import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ActionQueue } from '../../../daemon/actions/actionQueue.ts';
import { AlertBook } from '../../../daemon/alerts/alertBook.ts';
import type { HandlerContext } from '../../../daemon/server/handler.ts';
import { sessionHandlers } from '../../../daemon/server/methods/sessionHandlers.ts';
import { Unlocking } from '../../../daemon/server/unlocking.ts';
import { InstallationBench } from '../../support/installationBench.ts';

const context: HandlerContext = {
  signal: new AbortController().signal,
  session: { sessionId: 1, clientName: 'test', clientVersion: '' },
  log: { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined, trace: () => undefined },
  secrets: { take: () => assert.fail() },
  stepUp: { grant: () => new Date(), isGranted: () => false, revoke: () => undefined },
  openStream: () => assert.fail(),
  publish: () => undefined,
};

describe('making way for a newer daemon', () => {
  it('is refused while an action is under way, and ends the daemon once none is', async () => {
    using bench = new InstallationBench();
    const { installation } = bench;
    const wallClock = (): Date => bench.now;
    const history = installation.catalog.actions;
    const queue = new ActionQueue({
      history,
      now: () => 0,
      wallClock,
      concurrency: 1,
      onChanged: () => undefined,
      onFailed: () => undefined,
    });
    const alerts = new AlertBook({ store: installation.catalog.alerts, wallClock, now: () => 0, onChanged: () => undefined });
    const clock = { now: () => 0, sleep: () => Promise.resolve() };
    const idle = { isBusy: () => false, onChanged: () => undefined };
    using unlocking = new Unlocking({ installation, clock, wallClock, log: context.log, lock: async () => undefined, ...idle });
    let stops = 0;
    const stop = (): void => void (stops += 1);
    const handlers = new Map(
      sessionHandlers({ installation, queue, unlocking, alerts, startedAt: bench.now, lock: async () => undefined, stop }),
    );
    const handler = handlers.get('session.makeWay') ?? assert.fail('no handler');
    const { promise, resolve } = Promise.withResolvers<void>();
    const { actionId } = queue.submit({
      kind: 'verify',
      subject: 'x',
      requestId: randomUUID(),
      lanes: [],
      work: async () => {
        await promise;
        return { outcome: 'complete', document: {} };
      },
    });
    assert.ok(actionId);
    await assert.rejects(handler.run({}, context), { code: 'stillInUse' });
    assert.equal(stops, 0);
    resolve();
    await queue.close();
    assert.deepEqual(await handler.run({}, context), { pid: process.pid });
    assert.equal(stops, 1);
  });
});
