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
import type { StoreId } from '../../protocol/ids.ts';
import type { Verb } from './faultyStore.ts';

export interface CountedCall {
  readonly verb: Verb;
  readonly key: string;
  readonly bytes: number;
}

/** Any store, with a record of the calls that reached it. `beforeCall` runs before each one and may throw to stop it. */
export class CountingStore implements ObjectStore {
  readonly calls: CountedCall[] = [];
  readonly #inner: ObjectStore;
  readonly #beforeCall: (call: CountedCall, index: number) => void;

  constructor(inner: ObjectStore, beforeCall: (call: CountedCall, index: number) => void = () => undefined) {
    this.#inner = inner;
    this.#beforeCall = beforeCall;
  }

  get storeId(): StoreId {
    return this.#inner.storeId;
  }

  get capabilities(): StoreCapabilities {
    return this.#inner.capabilities;
  }

  count(verb: Verb): number {
    return this.calls.filter((call) => call.verb === verb).length;
  }

  bytesOf(verb: Verb): number {
    return this.calls.reduce((sum, call) => sum + (call.verb === verb ? call.bytes : 0), 0);
  }

  async put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult> {
    this.#note('put', key, body.length);
    return await this.#inner.put(key, body, options);
  }

  async head(key: string, options?: ReadOptions): Promise<ObjectFacts | undefined> {
    this.#note('head', key, 0);
    return await this.#inner.head(key, options);
  }

  async get(key: string, options?: GetOptions): Promise<ObjectBody | undefined> {
    this.#note('get', key, options?.length ?? 0);
    return await this.#inner.get(key, options);
  }

  list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly ListedObject[]> {
    this.#note('list', prefix, 0);
    return this.#inner.list(prefix, options);
  }

  async delete(key: string, versionId: string | null, options?: { readonly signal?: AbortSignal }): Promise<void> {
    this.#note('delete', key, 0);
    await this.#inner.delete(key, versionId, options);
  }

  #note(verb: Verb, key: string, bytes: number): void {
    const call: CountedCall = { verb, key, bytes };
    this.#beforeCall(call, this.calls.length);
    this.calls.push(call);
  }
}
