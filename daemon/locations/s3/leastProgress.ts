/** Calls back again and again, and does not keep the process alive; what it gives ends that. */
export type Every = (milliseconds: number, callback: () => void) => () => void;

export interface LeastProgressRule {
  /** That have to come or go in each window; 32 KiB where left out. */
  readonly bytes?: number;
  /** Milliseconds of a window; five minutes where left out. */
  readonly window?: number;
}

/** Of one request, from its beginning until it is disposed. */
export interface ProgressWatch extends Disposable {
  /** Somebody else than the store is waited for. */
  pause(): void;
  /** With a new window. */
  resume(): void;
}

interface Watched {
  readonly moved: () => number;
  readonly onSlow: (error: Error) => void;
  from: number;
  looks: number;
  isPaused: boolean;
}

/** A window is as many looks: a process that stood still for a while has missed one of them, and not the window. */
const looksOfWindow = 10;

/**
 * Ends requests that go on and come to no end: bytes that drip keep a socket from being silent for ever. The least is little, since several requests share
 * what a slow link carries.
 */
export class LeastProgress {
  readonly #bytes: number;
  readonly #look: number;
  readonly #every: Every;
  readonly #watched = new Set<Watched>();
  #end: (() => void) | undefined;

  constructor({ bytes = 32 * 1024, window = 300_000 }: LeastProgressRule = {}, every: Every = systemEvery) {
    this.#bytes = bytes;
    this.#look = window / looksOfWindow;
    this.#every = every;
  }

  /**
   * @param moved bytes that came and went since the request began, as far as they can be seen
   * @param onSlow is told once; the error's name is `TooSlow`
   */
  watch(moved: () => number, onSlow: (error: Error) => void): ProgressWatch {
    const watched: Watched = { moved, onSlow, from: moved(), looks: 0, isPaused: false };
    this.#watched.add(watched);
    this.#end ??= this.#every(this.#look, () => this.#lookAtAll());
    return {
      pause: () => {
        watched.isPaused = true;
      },
      resume: () => void Object.assign(watched, { from: moved(), looks: 0, isPaused: false }),
      [Symbol.dispose]: () => this.#forget(watched),
    };
  }

  #lookAtAll(): void {
    for (const watched of this.#watched) {
      if (watched.isPaused) continue;
      watched.looks += 1;
      if (watched.looks < looksOfWindow) continue;
      const moved = watched.moved();
      if (moved - watched.from >= this.#bytes) {
        watched.from = moved;
        watched.looks = 0;
      } else {
        this.#forget(watched);
        watched.onSlow(tooSlow());
      }
    }
  }

  #forget(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    this.#end?.();
    this.#end = undefined;
  }
}

function systemEvery(milliseconds: number, callback: () => void): () => void {
  const timer = setInterval(callback, milliseconds).unref();
  return () => clearInterval(timer);
}

/** Named as the SDK names its own. */
function tooSlow(): Error {
  return Object.assign(new Error('Too little came in time.'), { name: 'TooSlow' });
}
