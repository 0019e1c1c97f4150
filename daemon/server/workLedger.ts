import { HoldfastError } from '../../protocol/errors.ts';

const remembered = 1000;

interface Entry {
  readonly method: string;
  readonly params: string;
  readonly result: Promise<unknown>;
}

/** Remembers by the client's id what requests have started, so that a repeat after a lost answer gets the first result and starts nothing. Failures are forgotten: they started nothing. */
export class WorkLedger {
  readonly #entries = new Map<string, Entry>();

  /** `params` is the request's JSON with references to secrets left out, as a repeat sends its secrets anew. */
  async once(requestId: string, method: string, params: string, start: () => Promise<unknown>): Promise<unknown> {
    const known = this.#entries.get(requestId);
    if (known !== undefined) {
      if (known.method === method && known.params === params) return known.result;
      throw new HoldfastError('badValue', `Failed to start ${method}: its requestId was used for another request.`);
    }
    const result = start();
    this.#entries.set(requestId, { method, params, result });
    try {
      return await result;
    } catch (error) {
      this.#entries.delete(requestId);
      throw error;
    } finally {
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    for (const requestId of this.#entries.keys()) {
      if (this.#entries.size <= remembered) return;
      this.#entries.delete(requestId);
    }
  }
}
