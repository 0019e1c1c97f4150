import type { HandlerContext } from '../../daemon/server/handler.ts';

/** What a handler is called with: a session that gave a passphrase lately or did not. */
export function contextOf(isGranted: boolean): HandlerContext {
  return {
    signal: new AbortController().signal,
    session: { sessionId: 1, clientName: 'test', clientVersion: '1' },
    log: { trace: () => undefined, debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    secrets: { take: () => Buffer.alloc(0) },
    stepUp: { grant: () => new Date(), isGranted: () => isGranted, revoke: () => undefined },
    openStream: () => ({ streamId: 0 }),
    openSecret: () => ({ streamId: 0 }),
    publish: () => undefined,
  };
}
