import type { DaemonEvent } from '../../protocol/events.ts';
import type { Method, SecretRef, StreamRef } from '../../protocol/method.ts';
import type { Logger } from './logger.ts';

/** What a handler may know of the session that called it. */
export interface SessionFacts {
  readonly sessionId: number;
  readonly clientName: string;
  readonly clientVersion: string;
}

/** Where a stream's producer puts its bytes. */
export interface ContentSink {
  /** Aborted when the client goes away or has seen enough. */
  readonly signal: AbortSignal;
  /** Sends bytes of any length in frames; resolves when the client has granted credit for all of them, rejects with `cancelled` when it is gone. The bytes may be used again afterwards. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface HandlerContext {
  /** Aborted when the client cancels the request or its session ends; for methods that start work only when the client cancels. */
  readonly signal: AbortSignal;
  readonly session: SessionFacts;
  readonly log: Logger;
  readonly secrets: {
    /** The bytes of a secret that this request names. The caller owns and overwrites them. A second take, or a secret that never came, is `badValue`. */
    readonly take: (ref: SecretRef) => Buffer;
  };
  readonly stepUp: {
    /** The user has just proved a passphrase: opens what asks for a step-up. Returns until when. */
    readonly grant: () => Date;
    readonly isGranted: () => boolean;
    /** For `lock`. */
    readonly revoke: () => void;
  };
  /** Opens a stream of bytes to the client; its reference goes into the result. `produce` starts when the client first grants credit, after the result is on its way; what it throws reaches the reader. */
  readonly openStream: (produce: (sink: ContentSink) => Promise<void>) => StreamRef;
  /** As `openStream`, for a secret: taken over, sealed for this session at once and overwritten. */
  readonly openSecret: (secret: Buffer) => StreamRef;
  /** Tells every session that subscribed to it. */
  readonly publish: (event: DaemonEvent) => void;
}

export type HandlerFunction<Params, Result> = (params: Params, context: HandlerContext) => Promise<Result>;

/** A handler with refusals by rule: `rule` runs before the step-up is asked for, and throws `refusedByRule`, `stillInUse` and the like. */
export interface RuledHandler<Params, Result> {
  readonly rule: (params: Params, context: HandlerContext) => Promise<void>;
  readonly run: HandlerFunction<Params, Result>;
}

/** A handler whose method is known by its name alone: made by `handlerOf`, called with parameters that have passed that method's schema. */
export interface BoundHandler {
  rule(params: unknown, context: HandlerContext): Promise<void>;
  run(params: unknown, context: HandlerContext): Promise<unknown>;
}

/** By method name. `hello` and `events.subscribe` are the server's own and not in here. */
export type HandlerMap = Readonly<Record<string, BoundHandler>>;

/** An entry of the map, with the handler's types bound to the method's: `Object.fromEntries([handlerOf(policyCreate, …), …])`. */
export function handlerOf<Params, Result>(
  method: Method<Params, Result>,
  handler: HandlerFunction<Params, Result> | RuledHandler<Params, Result>,
): readonly [string, BoundHandler] {
  const { rule, run } = typeof handler === 'function' ? { rule: () => Promise.resolve(), run: handler } : handler;
  return [method.name, { rule, run }];
}
