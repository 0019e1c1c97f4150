import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ActionQueue } from '../../../daemon/actions/actionQueue.ts';
import { AlertBook } from '../../../daemon/alerts/alertBook.ts';
import type { BoundHandler, HandlerContext } from '../../../daemon/server/handler.ts';
import { sessionHandlers } from '../../../daemon/server/methods/sessionHandlers.ts';
import { Unlocking } from '../../../daemon/server/unlocking.ts';
import { sessionStatus, sessionUnlock, type UnlockParams } from '../../../protocol/methods/session.ts';
import { InstallationBench } from '../../support/installationBench.ts';
import { vaultKey } from '../../support/watchBench.ts';

const context: HandlerContext = {
  signal: new AbortController().signal,
  session: { sessionId: 1, clientName: 'test', clientVersion: '' },
  log: { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined, trace: () => undefined },
  secrets: { take: () => assert.fail() },
  stepUp: { grant: () => new Date(), isGranted: () => false, revoke: () => undefined },
  openStream: () => assert.fail(),
  openSecret: () => assert.fail(),
  publish: () => undefined,
};

class Bench implements Disposable {
  readonly base = new InstallationBench();
  readonly queue: ActionQueue;
  readonly handlers: ReadonlyMap<string, BoundHandler>;
  stops = 0;
  readonly #unlocking: Unlocking;

  constructor() {
    const bench = this.base;
    const { installation } = bench;
    const wallClock = (): Date => bench.now;
    const history = installation.catalog.actions;
    this.queue = new ActionQueue({
      history,
      now: () => 0,
      wallClock,
      concurrency: 1,
      onChanged: () => undefined,
      onFailed: () => undefined,
    });
    const alerts = new AlertBook({ store: installation.catalog.alerts, wallClock, now: () => 0, onChanged: () => undefined });
    const clock = { now: () => 0, sleep: () => Promise.resolve() };
    const idle = { isBusy: () => false, onChanged: () => undefined, onDone: () => undefined };
    this.#unlocking = new Unlocking({ installation, clock, wallClock, log: context.log, lock: async () => undefined, ...idle });
    const stop = (): void => void (this.stops += 1);
    const { queue } = this;
    const unlocking = this.#unlocking;
    this.handlers = new Map(
      sessionHandlers({
        installation,
        queue,
        unlocking,
        alerts,
        startedAt: bench.now,
        lock: async () => undefined,
        stop,
        safeUntil: () => null,
      }),
    );
  }

  handler(method: string): BoundHandler {
    return this.handlers.get(method) ?? assert.fail('no handler');
  }

  /** An action that ends once it is told to. */
  submit(subject: string, subjectId?: string): { readonly actionId: string; readonly end: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { actionId } = this.queue.submit({
      kind: 'verify',
      subject,
      ...(subjectId === undefined ? {} : { subjectId }),
      requestId: randomUUID(),
      lanes: [],
      work: async () => {
        await promise;
        return { outcome: 'complete', document: {} };
      },
    });
    return { actionId, end: resolve };
  }

  [Symbol.dispose](): void {
    this.#unlocking[Symbol.dispose]();
    this.base[Symbol.dispose]();
  }
}

describe('the status of the daemon', () => {
  it('names what runs and what waits, so that either can be found by what it is about and cancelled', async () => {
    using bench = new Bench();
    const [one, other] = [bench.submit('x', 'id of x'), bench.submit('y')];
    const { runningActions } = sessionStatus.result.parse(await bench.handler('session.status').run({}, context));
    assert.deepEqual(runningActions, [
      { actionId: one.actionId, kind: 'verify', subject: 'x', subjectId: 'id of x', state: 'running', fraction: null },
      { actionId: other.actionId, kind: 'verify', subject: 'y', subjectId: null, state: 'queued', fraction: null },
    ]);
    for (const { end } of [one, other]) end();
    await bench.queue.close();
  });

  it('names what runs and as much of what waits as fits into a message', async () => {
    using bench = new Bench();
    const all = Array.from({ length: 250 }, (_, number) => bench.submit(`${number} ${'€'.repeat(250)}`));
    const status = await bench.handler('session.status').run({}, context);
    const { runningActions } = sessionStatus.result.parse(status);
    assert.deepEqual(
      [runningActions.length, runningActions[0]?.state, runningActions[199]?.actionId],
      [200, 'running', all[199]?.actionId],
    );
    assert.ok(Buffer.byteLength(JSON.stringify(status)) < 512 * 1024);
    for (const { end } of all) end();
    await bench.queue.close();
  });
});

describe('unlocking', () => {
  it('W9: counts as a step-up by a passphrase, and by a key service only where no passkey is a passphrase', async () => {
    using bench = new Bench();
    const { installation } = bench.base;
    let grants = 0;
    const stepUp = { ...context.stepUp, grant: () => new Date((grants += 1)) };
    const steppingUp: HandlerContext = { ...context, stepUp, secrets: { take: () => Buffer.from('on paper') } };
    const unlocked = async (params: UnlockParams): Promise<readonly [told: boolean, granted: boolean]> => {
      installation.lock();
      grants = 0;
      const { stepUpUntil } = sessionUnlock.result.parse(await bench.handler('session.unlock').run(params, steppingUp));
      assert.equal(installation.state, 'unlocked');
      return [stepUpUntil !== null, grants > 0];
    };
    const { signal } = context;
    await installation.setUp('vault', vaultKey, signal);
    assert.deepEqual(await unlocked({}), [true, true], 'there is no other proof');
    const paper = { kind: 'passphrase', passphrase: Buffer.from('on paper') } as const;
    const { slotId } = await installation.passkeys.add('paper', paper, false, signal);
    assert.deepEqual(await unlocked({}), [false, false], 'nobody has proved anything');
    await assert.rejects(bench.handler('session.stepUp').run({}, steppingUp), { code: 'wrongSecret' });
    assert.deepEqual(await unlocked({ passphrase: { secretId: 1 } }), [true, true]);
    await installation.passkeys.retire(slotId, { confirmed: true }, signal);
    assert.deepEqual(await unlocked({}), [true, true], 'one that is retired proves nothing');
  });
});

describe('making way for a newer daemon', () => {
  it('is refused while an action is under way, and ends the daemon once none is', async () => {
    using bench = new Bench();
    const handler = bench.handler('session.makeWay');
    const { end } = bench.submit('x');
    await assert.rejects(handler.run({}, context), { code: 'stillInUse' });
    assert.equal(bench.stops, 0);
    end();
    await bench.queue.close();
    assert.deepEqual(await handler.run({}, context), { pid: process.pid });
    assert.equal(bench.stops, 1);
  });
});
