/** Has work go one after the other, in the order in which it came. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves once all before have ended; this one ends where it is disposed. Rejects with the signal's reason where that comes first: then nobody waits for it. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const before = this.#last;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#last = before.then(() => ended);
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    const onAbort = (): void => abort();
    signal.addEventListener('abort', onAbort);
    try {
      await Promise.race([before, aborted]);
      signal.throwIfAborted();
    } catch (error) {
      end();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    return { [Symbol.dispose]: end };
  }
}
