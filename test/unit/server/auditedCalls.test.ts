import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { type AuditedCall, type AuditTrail, type CallingSession, Dispatcher } from '../../../daemon/server/dispatcher.ts';
import { handlerOf, type RuledHandler } from '../../../daemon/server/handler.ts';
import { SecretStore } from '../../../daemon/server/secretStore.ts';
import { StepUp } from '../../../daemon/server/stepUp.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { Method, WorkParams } from '../../../protocol/method.ts';
import { requestId } from '../../../protocol/method.ts';
import type { DaemonState } from '../../../protocol/methods/session.ts';

type Params = WorkParams & { readonly n: number };

const method: Method<Params, number> = {
  name: 'test.change',
  right: 'stepUp',
  params: z.strictObject({ requestId, n: z.int() }),
  result: z.int(),
  startsWork: true,
  audit: {},
};

const never = new AbortController().signal;
const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined, trace: () => undefined };

/** What happened, in its order: to the log and to the thing itself. */
class Bench implements AuditTrail {
  readonly seen: unknown[] = [];
  readonly stepUp: StepUp = new StepUp();
  readonly session: CallingSession = {
    facts: { sessionId: 1, clientName: 'cli', clientVersion: '1.2' },
    secrets: new SecretStore(),
    ownHandlers: {},
    openStream: () => ({ streamId: 0 }),
    openSecret: () => ({ streamId: 0 }),
  };
  state: DaemonState = 'unlocked';
  isFull = false;
  fails: unknown;
  rule: RuledHandler<Params, number>['rule'] = () => Promise.resolve();

  refused({ method: { name }, params, client }: AuditedCall, error: unknown): void {
    this.seen.push(['refused', name, params !== undefined, client, HoldfastError.is(error) ? error.code : error]);
  }

  begin({ params }: AuditedCall): ReturnType<AuditTrail['begin']> {
    if (this.isFull) throw new HoldfastError('diskFailed', 'Failed to write: the disk is full.');
    this.seen.push(['begin', params]);
    return {
      done: (result) => void this.seen.push(['done', result]),
      failed: (error) => void this.seen.push(['failed', HoldfastError.is(error) ? error.code : error]),
    };
  }

  /** The result, or the code of its error. */
  async call(params: unknown, dispatcher: Dispatcher = this.dispatcher(), cancelled: AbortSignal = never): Promise<unknown> {
    try {
      return await dispatcher.call(this.session, method.name, params, { cancelled, sessionEnded: never });
    } catch (error) {
      assert.ok(error instanceof HoldfastError);
      return error.code;
    }
  }

  dispatcher(one: Method<Params, number> = method): Dispatcher {
    const run = ({ n }: Params): Promise<number> => {
      this.seen.push('the act');
      return this.fails === undefined ? Promise.resolve(n) : Promise.reject(this.fails);
    };
    return new Dispatcher({
      methods: [one],
      handlers: Object.fromEntries([handlerOf(one, { rule: (params, context) => this.rule(params, context), run })]),
      daemonState: () => this.state,
      stepUp: this.stepUp,
      audit: this,
      log: silent,
      publish: () => undefined,
    });
  }
}

describe('audited calls', () => {
  const params = { requestId: randomUUID(), n: 5 };
  const client = { name: 'cli', version: '1.2' };
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
    bench.stepUp.grant();
  });

  it('are written down before the act and after it', async () => {
    assert.equal(await bench.call(params), 5);
    assert.deepEqual(bench.seen, [['begin', params], 'the act', ['done', 5]]);
  });

  it('are written down with what they failed of', async () => {
    bench.fails = new HoldfastError('storeUnreachable', 'Failed to change it: the store is away.');
    assert.equal(await bench.call(params), 'storeUnreachable');
    assert.deepEqual(bench.seen.slice(-2), ['the act', ['failed', 'storeUnreachable']]);
  });

  it('are written down as cancelled where their client gave them up, whatever they threw then', async () => {
    const cancelling = new AbortController();
    bench.fails = new DOMException('This operation was aborted', 'AbortError');
    bench.rule = () => Promise.resolve(cancelling.abort());
    assert.equal(await bench.call(params, bench.dispatcher(), cancelling.signal), 'cancelled');
    assert.deepEqual(bench.seen.slice(-2), ['the act', ['failed', 'cancelled']]);
  });

  it('X4: do not take place where they can not be written down', async () => {
    bench.isFull = true;
    assert.equal(await bench.call(params), 'diskFailed');
    assert.deepEqual(bench.seen, []);
  });

  it('R10: are written down as refused by state, parameters, rule and step-up, and nothing is done', async () => {
    bench.state = 'locked';
    assert.equal(await bench.call(params), 'locked');
    bench.state = 'unlocked';
    assert.equal(await bench.call({ ...params, n: 'five' }), 'badValue');
    bench.rule = () => Promise.reject(new HoldfastError('refusedByRule', 'Failed to change it: a rule.'));
    assert.equal(await bench.call(params), 'refusedByRule');
    bench.rule = () => Promise.resolve();
    bench.stepUp.revoke();
    assert.equal(await bench.call(params), 'stepUpNeeded');
    assert.deepEqual(bench.seen, [
      ['refused', 'test.change', false, client, 'locked'],
      ['refused', 'test.change', false, client, 'badValue'],
      ['refused', 'test.change', true, client, 'refusedByRule'],
      ['refused', 'test.change', true, client, 'stepUpNeeded'],
    ]);
  });

  it('are written down once where a client repeats its request', async () => {
    const dispatcher = bench.dispatcher();
    assert.deepEqual(await Promise.all([bench.call(params, dispatcher), bench.call(params, dispatcher)]), [5, 5]);
    assert.deepEqual(bench.seen, [['begin', params], 'the act', ['done', 5]]);
  });

  it('are those of methods that have a rule, and of no others', async () => {
    const { audit: _, ...unaudited } = method;
    const dispatcher = bench.dispatcher(unaudited);
    assert.equal(await bench.call(params, dispatcher), 5);
    bench.state = 'locked';
    assert.equal(await bench.call(params, dispatcher), 'locked');
    assert.deepEqual(bench.seen, ['the act']);
  });
});
