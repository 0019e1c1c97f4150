import type {
  GetOptions,
  ListedObject,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutResult,
  ReadOptions,
  StoreCapabilities,
} from '../../daemon/locations/objectStore.ts';
import { type ErrorCode, HoldfastError } from '../../protocol/errors.ts';
import type { StoreId } from '../../protocol/ids.ts';
import { SeededRandom } from './random.ts';

export type Verb = 'put' | 'head' | 'get' | 'list' | 'delete';

/**
 * `fail`: nothing is done. `lostAnswer`: it is done, and fails. `truncated`, `flipped`, `longer`, `otherBytes`: reads answer such bytes and call it well
 * (a put stores such bytes).
 */
export type Effect = 'fail' | 'lostAnswer' | 'truncated' | 'flipped' | 'longer' | 'otherBytes';

export interface StoreFault {
  /** All verbs where left out. */
  readonly verb?: Verb;
  /** Only keys that hold this text, or match. */
  readonly key?: string | RegExp;
  readonly effect: Effect;
  /** The error's code; `storeFailed` where left out. */
  readonly code?: ErrorCode;
  /** With which probability a matching call is hit; 1 where left out. */
  readonly probability?: number;
  /** Only the n-th matching call, counted from 1. */
  readonly atCall?: number;
  /** The n-th matching call and all after it. */
  readonly fromCall?: number;
}

/** Any store with seeded faults. `seed` belongs into the message of a failing test. */
export class FaultyStore implements ObjectStore {
  readonly seed: number;
  readonly #inner: ObjectStore;
  readonly #random: SeededRandom;
  readonly #counts: Map<StoreFault, number> = new Map();
  #faults: readonly StoreFault[];
  #hits = 0;

  constructor(inner: ObjectStore, faults: readonly StoreFault[], seed = 1) {
    this.#inner = inner;
    this.#faults = faults;
    this.#random = new SeededRandom(seed);
    this.seed = seed;
  }

  get storeId(): StoreId {
    return this.#inner.storeId;
  }

  get capabilities(): StoreCapabilities {
    return this.#inner.capabilities;
  }

  /** How many calls were hit. */
  get hits(): number {
    return this.#hits;
  }

  /** From now on no fault. */
  heal(): void {
    this.#faults = [];
  }

  async put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult> {
    const fault = this.#hit('put', key);
    if (fault?.effect === 'fail') throw failure(fault, 'put', key);
    const result = await this.#inner.put(key, fault === undefined ? body : this.#spoiled(body, fault.effect), options);
    if (fault?.effect === 'lostAnswer') throw failure(fault, 'put', key);
    return result;
  }

  async head(key: string, options?: ReadOptions): Promise<ObjectFacts | undefined> {
    const fault = this.#hit('head', key);
    if (fault !== undefined) throw failure(fault, 'head', key);
    return await this.#inner.head(key, options);
  }

  async get(key: string, options?: GetOptions): Promise<ObjectBody | undefined> {
    const fault = this.#hit('get', key);
    if (fault?.effect === 'fail' || fault?.effect === 'lostAnswer') throw failure(fault, 'get', key);
    const found = await this.#inner.get(key, options);
    return found === undefined || fault === undefined ? found : { ...found, body: this.#spoiled(found.body, fault.effect) };
  }

  async *list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly ListedObject[]> {
    for await (const page of this.#inner.list(prefix, options)) {
      const fault = this.#hit('list', prefix);
      if (fault !== undefined) throw failure(fault, 'list', prefix);
      yield page;
    }
  }

  async delete(key: string, versionId: string | null, options?: { readonly signal?: AbortSignal }): Promise<void> {
    const fault = this.#hit('delete', key);
    if (fault?.effect === 'fail') throw failure(fault, 'delete', key);
    await this.#inner.delete(key, versionId, options);
    if (fault !== undefined) throw failure(fault, 'delete', key);
  }

  #hit(verb: Verb, key: string): StoreFault | undefined {
    for (const fault of this.#faults) {
      if (fault.verb !== undefined && fault.verb !== verb) continue;
      if (fault.key !== undefined && !(typeof fault.key === 'string' ? key.includes(fault.key) : fault.key.test(key))) continue;
      const count = (this.#counts.get(fault) ?? 0) + 1;
      this.#counts.set(fault, count);
      if (fault.atCall !== undefined && fault.atCall !== count) continue;
      if (fault.fromCall !== undefined && count < fault.fromCall) continue;
      if (fault.probability !== undefined && this.#random.next() >= fault.probability) continue;
      this.#hits += 1;
      return fault;
    }
    return undefined;
  }

  #spoiled(bytes: Uint8Array, effect: Effect): Uint8Array {
    switch (effect) {
      case 'truncated':
        return bytes.slice(0, this.#random.below(bytes.length));
      case 'longer':
        return Buffer.concat([bytes, this.#random.bytes(1 + this.#random.below(64))]);
      case 'otherBytes':
        return this.#random.bytes(bytes.length);
      case 'flipped': {
        const copy = Uint8Array.from(bytes);
        const at = this.#random.below(copy.length);
        copy[at] = (copy[at] ?? 0) ^ (1 << this.#random.below(8));
        return copy;
      }
      case 'fail':
      case 'lostAnswer':
        return bytes;
    }
  }
}

function failure(fault: StoreFault, verb: Verb, key: string): HoldfastError {
  return new HoldfastError(fault.code ?? 'storeFailed', `Failed to ${verb} object ${key}: injected fault.`);
}
