import assert from 'node:assert/strict';
import * as z from 'zod';
import { type AuditTrail, type CallingSession, type CallSignals, Dispatcher } from '../../../daemon/server/dispatcher.ts';
import { type BoundHandler, handlerOf, type HandlerMap } from '../../../daemon/server/handler.ts';
import type { LogFacts, Logger } from '../../../daemon/server/logger.ts';
import { redactFacts } from '../../../daemon/server/redaction.ts';
import { SecretStore } from '../../../daemon/server/secretStore.ts';
import { StepUp } from '../../../daemon/server/stepUp.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { hello } from '../../../protocol/hello.ts';
import type { AnyMethod, Method, Right, WorkParams } from '../../../protocol/method.ts';
import { requestId } from '../../../protocol/method.ts';
import { methods } from '../../../protocol/methods/index.ts';
import type { DaemonState } from '../../../protocol/methods/session.ts';
import { noAudit } from '../../support/noAudit.ts';

const states: readonly DaemonState[] = ['notSetUp', 'locked', 'unlocked'];
const requestIdOne = '6f9619ff-8b86-4d11-b42d-00cf4fc964ff';

/** What protocol.md and cli.md say, written once more: state, then step-up. `undefined`: allowed. */
function refusalExpected(right: Right, state: DaemonState, isSteppedUp: boolean): string | undefined {
  const table: Readonly<Record<Right, Readonly<Record<DaemonState, string | undefined>>>> = {
    always: { notSetUp: undefined, locked: undefined, unlocked: undefined },
    notSetUp: { notSetUp: undefined, locked: 'alreadySetUp', unlocked: 'alreadySetUp' },
    whileLocked: { notSetUp: 'notSetUp', locked: undefined, unlocked: undefined },
    unlocked: { notSetUp: 'notSetUp', locked: 'locked', unlocked: undefined },
    stepUp: { notSetUp: 'notSetUp', locked: 'locked', unlocked: isSteppedUp ? undefined : 'stepUpNeeded' },
  };
  return table[right][state];
}

function named(...rights: readonly Right[]): readonly string[] {
  return methods.filter(({ right }) => rights.includes(right)).map(({ name }) => name);
}

class Recorder implements Logger {
  readonly lines: string[] = [];
  readonly error = (message: string, facts?: LogFacts): void => this.#add(message, facts);
  readonly warn = (message: string, facts?: LogFacts): void => this.#add(message, facts);
  readonly info = (message: string, facts?: LogFacts): void => this.#add(message, facts);
  readonly debug = (message: string, facts?: LogFacts): void => this.#add(message, facts);
  readonly trace = (message: string, facts?: LogFacts): void => this.#add(message, facts);

  #add(message: string, facts: LogFacts | undefined): void {
    this.lines.push(JSON.stringify({ message, facts: redactFacts(facts) }));
  }
}

function sessionOf(options: { readonly isSilent?: boolean; readonly ownHandlers?: HandlerMap } = {}): CallingSession {
  return {
    facts: options.isSilent === true ? undefined : { sessionId: 1, clientName: 'test', clientVersion: '1' },
    secrets: new SecretStore(),
    ownHandlers: options.ownHandlers ?? {},
    openStream: () => ({ streamId: 0 }),
    openSecret: () => ({ streamId: 0 }),
  };
}

const never: CallSignals = { cancelled: new AbortController().signal, sessionEnded: new AbortController().signal };

function dispatcherOf(
  table: readonly AnyMethod[],
  entries: readonly (readonly [string, BoundHandler])[],
  options: { readonly state?: DaemonState; readonly stepUp?: StepUp; readonly log?: Logger; readonly audit?: AuditTrail } = {},
): Dispatcher {
  return new Dispatcher({
    methods: table,
    handlers: Object.fromEntries(entries),
    daemonState: () => options.state ?? 'unlocked',
    stepUp: options.stepUp ?? new StepUp(),
    audit: options.audit ?? noAudit,
    log: options.log ?? new Recorder(),
    publish: () => undefined,
  });
}

async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    assert.ok(error instanceof HoldfastError, 'nothing but HoldfastError leaves the dispatcher');
    return error.code;
  }
}

describe('dispatcher', () => {
  for (const { name, right } of methods) {
    it(`W9: ${name} (${right}) runs for exactly the sessions that may call it`, async () => {
      // The real name and right, with a shape that takes anything: what is looked at is who gets as far as the handler.
      const open: AnyMethod = { name, right, params: z.unknown(), result: z.unknown() };
      for (const state of states) {
        for (const isSteppedUp of [false, true]) {
          let ran = 0;
          const run = (): Promise<unknown> => Promise.resolve((ran += 1));
          const stepUp = new StepUp();
          if (isSteppedUp) stepUp.grant();
          const dispatcher = dispatcherOf([open], [handlerOf(open, run)], { state, stepUp });
          const expected = refusalExpected(right, state, isSteppedUp);
          const what = `${name} while ${state}, step-up ${isSteppedUp}`;
          assert.equal(await codeOf(dispatcher.call(sessionOf(), name, {}, never)), expected, what);
          assert.equal(ran, expected === undefined ? 1 : 0, what);
          const silent = await codeOf(dispatcher.call(sessionOf({ isSilent: true }), name, {}, never));
          assert.equal(silent, name === hello.name ? expected : 'protocolViolation', `${what}, before hello`);
        }
      }
    });
  }

  it('W9: what works while locked is what the command line promises, and what destroys or widens asks for a step-up', () => {
    const whileLocked = named('always', 'whileLocked');
    for (const name of ['session.status', 'session.unlock', 'session.lock', 'session.stop', 'log.read', 'passkey.list', 'location.list']) {
      assert.ok(whileLocked.includes(name), name);
    }
    for (const name of [
      'passkey.addPassphrase',
      'passkey.use',
      'passkey.rotate',
      'passkey.retire',
      'location.edit',
      'location.remove',
      'restorePoint.retire',
      'unattended.set',
    ]) {
      assert.ok(named('stepUp').includes(name), name);
    }
    for (const name of ['policy.create', 'backup.start', 'restorePoint.cat', 'restore.start'])
      assert.ok(named('unlocked').includes(name), name);
    assert.equal(new Set(methods.map(({ name }) => name)).size, methods.length, 'no name twice');
  });

  it('W9: names that no method has, those of an object’s own among them, are not in this version', async () => {
    const dispatcher = dispatcherOf([], []);
    for (const name of ['nothing', 'constructor', '__proto__', 'toString', 'hello\n', '']) {
      assert.equal(await codeOf(dispatcher.call(sessionOf(), name, {}, never)), 'notInThisVersion', name);
    }
    const known: AnyMethod = { name: 'test.known', right: 'always', params: z.unknown(), result: z.unknown() };
    assert.equal(await codeOf(dispatcherOf([known], []).call(sessionOf(), known.name, {}, never)), 'notInThisVersion');
  });

  it('refuses by rule before it asks for a step-up, and looks at the parameters before both', async () => {
    const method: Method<{ readonly n: number }, number> = {
      name: 'test.m',
      right: 'stepUp',
      params: z.strictObject({ n: z.int() }),
      result: z.int(),
    };
    const dispatcher = dispatcherOf(
      [method],
      [
        handlerOf(method, {
          rule: ({ n }) => (n === 1 ? Promise.reject(new HoldfastError('refusedByRule', 'Failed to do it: a rule.')) : Promise.resolve()),
          run: ({ n }) => Promise.resolve(n),
        }),
      ],
    );
    assert.equal(await codeOf(dispatcher.call(sessionOf(), 'test.m', { n: 'x' }, never)), 'badValue');
    assert.equal(await codeOf(dispatcher.call(sessionOf(), 'test.m', { n: 2, more: 1 }, never)), 'badValue', 'unknown parameters');
    assert.equal(await codeOf(dispatcher.call(sessionOf(), 'test.m', { n: 1 }, never)), 'refusedByRule');
    assert.equal(await codeOf(dispatcher.call(sessionOf(), 'test.m', { n: 2 }, never)), 'stepUpNeeded');
  });

  it('answers a repeat of a request that starts work with the first result, and starts nothing', async () => {
    const method: Method<WorkParams & { readonly what: string }, number> = {
      name: 'test.start',
      right: 'always',
      startsWork: true,
      params: z.strictObject({ requestId, what: z.string() }),
      result: z.int(),
    };
    let started = 0;
    let fails = true;
    const dispatcher = dispatcherOf(
      [method],
      [
        handlerOf(method, () => {
          started += 1;
          if (fails) return Promise.reject(new HoldfastError('storeUnreachable', 'Failed to start: the store is away.'));
          return Promise.resolve(started);
        }),
      ],
    );
    const params = { requestId: requestIdOne, what: 'a' };
    assert.equal(await codeOf(dispatcher.call(sessionOf(), method.name, params, never)), 'storeUnreachable');
    fails = false;
    const both = await Promise.all([1, 2].map(() => dispatcher.call(sessionOf(), method.name, params, never)));
    assert.deepEqual([both, started], [[2, 2], 2], 'a failure started nothing and may be repeated; then it starts once');
    assert.equal(await dispatcher.call(sessionOf(), method.name, params, never), 2, 'also when the first is long over');
    assert.equal(await codeOf(dispatcher.call(sessionOf(), method.name, { ...params, what: 'b' }, never)), 'badValue');
    assert.equal(await dispatcher.call(sessionOf(), method.name, { ...params, requestId: crypto.randomUUID() }, never), 3);
  });

  it('lets started work go on when its client goes away, and stops everything else', async () => {
    const ended = AbortSignal.abort();
    const seen: boolean[] = [];
    for (const startsWork of [true, false]) {
      const method: Method<WorkParams, null> = {
        name: 'test.m',
        right: 'always',
        startsWork,
        params: z.strictObject({ requestId }),
        result: z.null(),
      };
      const dispatcher = dispatcherOf(
        [method],
        [
          handlerOf(method, (_params, { signal }) => {
            seen.push(signal.aborted);
            return Promise.resolve(null);
          }),
        ],
      );
      await dispatcher.call(sessionOf(), 'test.m', { requestId: requestIdOne }, { ...never, sessionEnded: ended });
    }
    assert.deepEqual(seen, [false, true]);
  });

  it('does not send a result that does not fit its schema', async () => {
    const method: Method<Readonly<Record<never, never>>, { readonly n: number }> = {
      name: 'test.m',
      right: 'always',
      params: z.strictObject({}),
      result: z.strictObject({ n: z.int() }),
    };
    const wrong: Method<Readonly<Record<never, never>>, unknown> = { ...method, result: z.unknown() };
    const log = new Recorder();
    const dispatcher = dispatcherOf([method], [handlerOf(wrong, () => Promise.resolve({ n: 1, masterKey: 'canary' }))], { log });
    assert.equal(await codeOf(dispatcher.call(sessionOf(), 'test.m', undefined, never)), 'failed');
    assert.ok(!log.lines.join('').includes('canary'));
  });

  it('K6: an unforeseen error reaches neither the client nor the most talkative log with a value in it', async () => {
    const canary = 'canary-7f3a9c51e0-passphrase';
    const encoded = [canary, Buffer.from(canary).toString('hex'), Buffer.from(canary).toString('base64')];
    const errors: readonly (() => unknown)[] = [
      () => new TypeError(`The argument 'x' is invalid. Received '${canary}'`),
      () => new Error('outer', { cause: new Error(`inner "${canary}"`) }),
      () => Object.assign(new Error('with members'), { passphrase: canary, received: canary }),
      () => new Error(Buffer.from(canary).toString('hex')),
      () => new Error(Buffer.from(canary).toString('base64')),
      () => new AggregateError([new Error(canary)], `Received ${canary}`),
      () => JSON.parse(`{"passphrase": ${canary}}`),
      () => Buffer.from(canary).readUInt32LE(1000),
      () => canary,
      () => ({ token: canary }),
      () => [Buffer.from(canary)],
    ];
    const method: Method<unknown, unknown> = { name: 'test.m', right: 'always', params: z.unknown(), result: z.unknown() };
    for (const make of errors) {
      const log = new Recorder();
      const fail = async (): Promise<unknown> => {
        await Promise.resolve();
        throw make();
      };
      const dispatcher = dispatcherOf([method], [handlerOf(method, fail)], { log });
      const error = await dispatcher.call(sessionOf(), 'test.m', {}, never).then(
        () => assert.fail('it answered'),
        (reason: unknown) => reason,
      );
      assert.ok(HoldfastError.is(error, 'failed'));
      assert.equal(log.lines.length, 1);
      const shown = `${JSON.stringify({ message: error.message, fix: error.fix, details: error.details })}${log.lines.join('')}`;
      for (const form of encoded) assert.ok(!shown.includes(form), `${form} in ${shown}`);
    }
  });

  it('K6: parameters that do not fit are named by where they are, never by what they hold', async () => {
    const canary = 'canary-7f3a9c51e0-passphrase';
    for (const { name, params, result } of methods) {
      const log = new Recorder();
      const open: AnyMethod = { name, params, result, right: 'always' };
      const dispatcher = dispatcherOf([open], [handlerOf(open, () => Promise.resolve(null))], { log });
      for (const value of [
        canary,
        [canary],
        { [canary]: 1 },
        { passphrase: canary, name: canary, [canary]: canary },
        { requestId: canary },
      ]) {
        const error = await dispatcher.call(sessionOf(), name, value, never).catch((reason: unknown) => reason);
        if (!(error instanceof HoldfastError)) continue;
        assert.ok(!`${error.message}${JSON.stringify(error.details)}${log.lines.join('')}`.includes(canary), `${name}: ${error.message}`);
      }
    }
  });
});
