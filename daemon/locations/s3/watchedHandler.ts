import { Readable } from 'node:stream';
import type { LeastProgress } from './leastProgress.ts';
import { SlicedBody } from './s3Body.ts';

/** What the SDK's client sends a request with. */
export type Handle = (request: object, options?: { readonly abortSignal?: unknown }) => Promise<{ readonly response: unknown }>;

/** The same, but a request whose bytes hardly move is ended with an error named `TooSlow`, be it on its way to the store or its answer on the way back. */
export function watchedHandle(handle: Handle, progress: LeastProgress): Handle {
  return async (request, options = {}) => {
    const abort = new AbortController();
    const { abortSignal } = options;
    const forward = (): void => abort.abort();
    if (abortSignal instanceof AbortSignal) {
      if (abortSignal.aborted) abort.abort();
      abortSignal.addEventListener('abort', forward, { once: true });
    }
    let slow: Error | undefined;
    let answer: Answer | undefined;
    let before = 0;
    const watch = progress.watch(
      () => sentOf(request) + (answer === undefined ? 0 : answer.socket.bytesRead - before),
      (error) => {
        slow = error;
        if (answer === undefined) abort.abort();
        else answer.destroy(error);
      },
    );
    const end = (): void => {
      watch[Symbol.dispose]();
      if (abortSignal instanceof AbortSignal) abortSignal.removeEventListener('abort', forward);
    };
    try {
      const result = await handle(request, { ...options, abortSignal: abort.signal });
      const body = bodyOf(result.response);
      if (isAnswer(body) && !body.closed) {
        answer = body;
        before = body.socket.bytesRead;
        body.once('close', end);
      } else {
        end();
      }
      return result;
    } catch (error) {
      end();
      throw slow ?? error;
    }
  };
}

/** Bytes of its body that the system has taken. */
function sentOf(request: object): number {
  const body = bodyOf(request);
  return body instanceof SlicedBody ? body.taken : 0;
}

/** The body of an answer as Node's client gives it. */
type Answer = Readable & { readonly socket: { readonly bytesRead: number } };

function isAnswer(body: unknown): body is Answer {
  if (!(body instanceof Readable) || !('socket' in body)) return false;
  const { socket } = body;
  return typeof socket === 'object' && socket !== null && 'bytesRead' in socket && typeof socket.bytesRead === 'number';
}

function bodyOf(message: unknown): unknown {
  return typeof message === 'object' && message !== null && 'body' in message ? message.body : undefined;
}
