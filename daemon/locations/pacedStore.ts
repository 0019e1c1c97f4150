import { setTimeout as delay } from 'node:timers/promises';
import { HoldfastError } from '../../protocol/errors.ts';
import { nextRelease } from '../../protocol/pace.ts';
import type { ObjectStore } from './objectStore.ts';

export interface PaceClock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Rejects when the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const processPaceClock: PaceClock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }),
};

/** Bytes a second that all runs into one location share. */
export class UploadPace {
  readonly bytesPerSecond: number;
  readonly #clock: PaceClock;
  #paidUntil = 0;

  constructor(bytesPerSecond: number, clock: PaceClock = processPaceClock) {
    this.bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** Resolves when so many bytes may go. Rejects with `cancelled`; what was cancelled counts for nothing. */
  async wait(bytes: number, signal?: AbortSignal): Promise<void> {
    const before = this.#paidUntil;
    const { wait, paidUntil } = nextRelease(before, this.#clock.now(), bytes, this.bytesPerSecond);
    this.#paidUntil = paidUntil;
    if (wait === 0) return;
    try {
      await this.#clock.sleep(wait, signal);
    } catch (error) {
      this.#paidUntil -= paidUntil - before;
      if (signal?.aborted !== true) throw error;
      throw HoldfastError.failedTo('cancelled', 'upload', 'it was cancelled', { cause: error });
    }
  }
}

/** The store, whose puts wait for their turn. An object goes in one piece: over some seconds the limit holds, within one object it does not. */
export function pacedStore(store: ObjectStore, pace: UploadPace): ObjectStore {
  const sweep = store.sweepTemporaries?.bind(store);
  return {
    storeId: store.storeId,
    capabilities: store.capabilities,
    put: async (key, body, options) => {
      await pace.wait(body.length, options?.signal);
      return await store.put(key, body, options);
    },
    head: (key, options) => store.head(key, options),
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key, versionId, options) => store.delete(key, versionId, options),
    ...(sweep === undefined ? {} : { sweepTemporaries: sweep }),
    ...(store.versions === undefined ? {} : { versions: store.versions }),
  };
}
