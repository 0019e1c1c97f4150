import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Collects garbage at once: all of it, or the young generation's. */
export type Collect = (options?: { readonly type: 'minor' }) => void;

/** So much may lie about before it is collected. */
const youngLimit = 8 * 1024 * 1024;
const heldLimit = 32 * 1024 * 1024;

/** Milliseconds in which it is told that a run has ended. */
const toldWithin = 100;

/** About what the state of one HMAC takes outside the heap until its object is collected. */
export const hashStateLength = 4096;

/**
 * Buffers that live for a moment (ciphertext of a segment, a compressed block) lie outside the heap, and the runtime lets 64 MiB and more of them
 * lie about in each thread before it collects. This collects in time: the young generation, which takes half a millisecond, or all of a
 * worker's small heap, which takes some.
 */
export class ShortLivedMemory {
  readonly #collect: Collect | undefined;
  #young = 0;
  #held = 0;

  constructor(collect: Collect | undefined = collector()) {
    this.#collect = collect;
  }

  /** So many bytes were allocated and are done with. */
  note(bytes: number): void {
    this.#young += bytes;
    if (this.#young < youngLimit) return;
    this.#young = 0;
    this.#collect?.({ type: 'minor' });
  }

  /** So many bytes were allocated by zlib and are done with: its handles outlive the young generation, and hold their last buffer. */
  noteHeld(bytes: number): void {
    this.#held += bytes;
    if (this.#held < heldLimit) return;
    this.#young = 0;
    this.#held = 0;
    this.#collect?.();
  }
}

/**
 * Gives back the shared memory of a run that has ended, soon: it is held until every thread that knew it has collected its garbage, and this
 * thread, which makes little, would take its time. Not at once, for somebody waits to hear that the run has ended.
 */
export function collectSoon(): void {
  setTimeout(() => collector()?.(), toldWithin).unref();
}

function collector(): Collect | undefined {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('globalThis.gc');
  return isCollect(collect) ? collect : undefined;
}

function isCollect(value: unknown): value is Collect {
  return typeof value === 'function';
}
