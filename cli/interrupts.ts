import type { Host } from './host.ts';

/** Counts Ctrl-C from the moment when work is asked for: from then on it is meant for the work and does not end this process. */
export class Interrupts implements Disposable {
  readonly #listening: Disposable;
  #wake: () => void = () => undefined;
  count = 0;

  constructor(host: Pick<Host, 'onInterrupt'>) {
    this.#listening = host.onInterrupt(() => {
      this.count += 1;
      this.#wake();
    });
  }

  /** Who is told of the next ones. */
  tell(wake: () => void): Disposable {
    this.#wake = wake;
    return { [Symbol.dispose]: () => void (this.#wake = () => undefined) };
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
  }
}
