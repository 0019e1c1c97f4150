import type { ZodError } from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { hello } from '../../protocol/hello.ts';
import type { AnyMethod, SecretRef, StreamRef } from '../../protocol/method.ts';
import type { DaemonState } from '../../protocol/methods/session.ts';
import type { BoundHandler, ContentSink, HandlerContext, HandlerMap, SessionFacts } from './handler.ts';
import type { Logger } from './logger.ts';
import { thrownFact } from './redaction.ts';
import { refusalByState, stepUpNeeded } from './rights.ts';
import type { SecretStore } from './secretStore.ts';
import type { StepUp } from './stepUp.ts';
import { WorkLedger } from './workLedger.ts';

/** A call as the audit log takes it; `params` is `undefined` where they were not looked at or do not fit. */
export interface AuditedCall {
  readonly method: AnyMethod;
  readonly params: unknown;
  readonly client: { readonly name: string; readonly version: string };
}

/** Where calls of methods that have an audit rule are written down, each before it takes place and again when it has ended. */
export interface AuditTrail {
  /** Nothing of it had begun. Throws nothing. */
  refused(call: AuditedCall, error: unknown): void;
  /** Throws where the call must not take place, since it can't be written down. What it gives is told once, and throws nothing. */
  begin(call: AuditedCall): { done(result: unknown): void; failed(error: unknown): void };
}

export interface DispatcherOptions {
  readonly methods: readonly AnyMethod[];
  readonly handlers: HandlerMap;
  readonly daemonState: () => DaemonState;
  readonly stepUp: StepUp;
  readonly audit: AuditTrail;
  readonly log: Logger;
  readonly publish: HandlerContext['publish'];
}

/** What the dispatcher needs of the session that a request came over. */
export interface CallingSession {
  /** `undefined` before `hello`. */
  readonly facts: SessionFacts | undefined;
  readonly secrets: SecretStore;
  /** Handlers of the server's own: `hello` and `events.subscribe`. */
  readonly ownHandlers: HandlerMap;
  openStream(produce: (sink: ContentSink) => Promise<void>): StreamRef;
  openSecret(secret: Buffer): StreamRef;
}

/** How a call may end before its handler does. */
export interface CallSignals {
  /** The client cancelled this request. */
  readonly cancelled: AbortSignal;
  /** The session is over. */
  readonly sessionEnded: AbortSignal;
}

/**
 * From a request's name and parameters to its result: state of the daemon, parameters, refusals by rule, step-up, audit log, handler, result; in this order, and each for every method.
 * Rejects with nothing but `HoldfastError`: what was not foreseen goes into the log, redacted, and to the client as a constant sentence.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #methods: ReadonlyMap<string, AnyMethod>;
  readonly #work = new WorkLedger();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#methods = new Map(options.methods.map((method) => [method.name, method]));
  }

  async call(session: CallingSession, name: string, params: unknown, signals: CallSignals): Promise<unknown> {
    using secrets = session.secrets.claim(params);
    try {
      return await this.#call(session, name, params ?? {}, signals, (ref) => secrets.take(ref));
    } catch (error) {
      if (signals.cancelled.aborted) throw cancelled(name, error);
      throw this.explain(error, name);
    }
  }

  /** The error as a client may see it; logs what was not foreseen. */
  explain(error: unknown, what: string): HoldfastError {
    if (error instanceof HoldfastError) {
      this.#options.log.debug('A request was refused.', { method: shownName(what), error });
      return error;
    }
    this.#options.log.error('A request failed for a reason that was not foreseen.', { method: shownName(what), error: thrownFact(error) });
    return HoldfastError.unforeseen(`answer ${shownName(what)}`, error);
  }

  async #call(
    session: CallingSession,
    name: string,
    params: unknown,
    signals: CallSignals,
    take: (ref: SecretRef) => Buffer,
  ): Promise<unknown> {
    const method = this.#methods.get(name);
    if (method === undefined) throw notHere(name);
    const { facts } = session;
    if (facts === undefined && name !== hello.name) {
      throw new HoldfastError('protocolViolation', `Failed to answer ${name}: the first request is ${hello.name}.`);
    }
    const client = { name: facts?.clientName ?? '', version: facts?.clientVersion ?? '' };
    const refusal = refusalByState(method.right, this.#options.daemonState());
    if (refusal !== undefined) throw this.#refused({ method, params: undefined, client }, refusal);
    const checked = method.params.safeParse(params);
    if (!checked.success) throw this.#refused({ method, params: undefined, client }, badParameters(name, checked.error));
    const handler = Object.hasOwn(session.ownHandlers, name) ? session.ownHandlers[name] : this.#handlerOf(name);
    if (handler === undefined) throw notHere(name);

    const context = this.#context(session, facts ?? { sessionId: 0, clientName: '', clientVersion: '' }, method, signals, take);
    const run = async (): Promise<unknown> => {
      const value = await this.#run(handler, { method, params: checked.data, client }, context);
      const result = method.result.safeParse(value);
      if (!result.success) throw new TypeError(`the result does not fit its schema: ${pathsOf(result.error)}`);
      return result.data;
    };
    const requestId = method.startsWork === true ? requestIdOf(checked.data) : undefined;
    return requestId === undefined ? run() : this.#work.once(requestId, name, comparable(checked.data), run);
  }

  #handlerOf(name: string): BoundHandler | undefined {
    return Object.hasOwn(this.#options.handlers, name) ? this.#options.handlers[name] : undefined;
  }

  async #run(handler: BoundHandler, call: AuditedCall, context: HandlerContext): Promise<unknown> {
    const { method, params } = call;
    try {
      await handler.rule(params, context);
      if (method.right === 'stepUp' && !this.#options.stepUp.isGranted()) throw stepUpNeeded();
    } catch (error) {
      throw this.#refused(call, error);
    }
    if (method.audit === undefined) return handler.run(params, context);
    const begun = this.#options.audit.begin(call);
    try {
      const result = await handler.run(params, context);
      begun.done(result);
      return result;
    } catch (error) {
      // Whoever gave it up is why it did not come to its end, whatever that looked like inside.
      begun.failed(context.signal.aborted ? cancelled(method.name, error) : error);
      throw error;
    }
  }

  #refused(call: AuditedCall, error: unknown): unknown {
    if (call.method.audit !== undefined) this.#options.audit.refused(call, error);
    return error;
  }

  #context(
    session: CallingSession,
    facts: SessionFacts,
    method: AnyMethod,
    signals: CallSignals,
    take: (ref: SecretRef) => Buffer,
  ): HandlerContext {
    const { stepUp, publish, log } = this.#options;
    return {
      // Work that was started goes on when its client is gone; only an answer nobody waits for is dropped.
      signal: method.startsWork === true ? signals.cancelled : AbortSignal.any([signals.cancelled, signals.sessionEnded]),
      session: facts,
      log,
      secrets: { take },
      stepUp: { grant: () => stepUp.grant(), isGranted: () => stepUp.isGranted(), revoke: () => stepUp.revoke() },
      openStream: (produce) => session.openStream(produce),
      openSecret: (secret) => session.openSecret(secret),
      publish,
    };
  }
}

function cancelled(name: string, cause: unknown): HoldfastError {
  return new HoldfastError('cancelled', `Failed to finish ${shownName(name)}: it was cancelled.`, { cause });
}

function notHere(name: string): HoldfastError {
  return new HoldfastError('notInThisVersion', `Failed to answer ${shownName(name)}: this version of the daemon does not have it.`, {
    fix: 'Update the daemon: "holdfast stop", and the next command starts the new one.',
  });
}

/** Names come from the other side: what is no name is not repeated. */
function shownName(name: string): string {
  return /^[a-zA-Z][a-zA-Z.]{0,63}$/.test(name) ? name : 'a request';
}

function badParameters(name: string, error: ZodError): HoldfastError {
  return new HoldfastError('badValue', `Failed to read the parameters of ${name}: ${pathsOf(error)}.`);
}

/** Where the values do not fit and what was expected; never the values, which may be secret. Names of members that do not belong there are the sender's own and left out too. */
function pathsOf(error: ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => {
      const what = issue.code === 'unrecognized_keys' ? 'there are members that do not belong there' : issue.message;
      return issue.path.length === 0 ? what : `${issue.path.map(String).join('.')}: ${what}`;
    })
    .join('; ')
    .slice(0, 500);
}

function requestIdOf(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('requestId' in params)) return undefined;
  return typeof params.requestId === 'string' ? params.requestId : undefined;
}

function comparable(params: unknown): string {
  return JSON.stringify(params, (name, value: unknown) => (name === 'secretId' ? undefined : value));
}
