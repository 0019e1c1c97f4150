import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

/** So much may lie about before it is collected. */
const collectAfter = 16 * 1024 * 1024;

/**
 * Buffers that live for a moment (ciphertext of a segment, a compressed block) lie outside the heap, and the runtime lets 64 MiB and more of them
 * lie about in each thread before it collects. This collects the young generation, which is cheap, in time.
 */
export class ShortLivedMemory {
  readonly #collect: Collect | undefined;
  #bytes = 0;

  constructor() {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('globalThis.gc');
    this.#collect = isCollect(collect) ? collect : undefined;
  }

  /** So many bytes were allocated and are done with. */
  note(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < collectAfter) return;
    this.#bytes = 0;
    this.#collect?.({ type: 'minor' });
  }
}

function isCollect(value: unknown): value is Collect {
  return typeof value === 'function';
}
