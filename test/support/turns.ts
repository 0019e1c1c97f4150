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
  VersionedObjects,
} from '../../daemon/locations/objectStore.ts';
import type { StoreId } from '../../protocol/ids.ts';

/** What a task is ended with that a crash takes. */
export class Crashed extends Error {}

/** Work of which one step at a time is done, whenever somebody says so: between two steps others get theirs. */
export class Task {
  readonly name: string;
  /** It gets no turn for so many. */
  stalled = 0;
  #last: Promise<void> = Promise.resolve();
  #isDead = false;
  #isDone = false;
  #resume: PromiseWithResolvers<void> | undefined;
  #parked: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(name: string) {
    this.name = name;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Runs `work` up to its first turn. What it throws is given to `onEnd`. */
  async start(work: () => Promise<void>, onEnd: (error: unknown) => void): Promise<void> {
    const run = async (): Promise<void> => {
      let failure: unknown;
      try {
        await this.turn();
        await work();
      } catch (error) {
        failure = error;
      }
      this.#isDone = true;
      onEnd(failure);
      this.#parked.resolve();
    };
    void run();
    await this.#parked.promise;
  }

  /** Waits for its turn; of calls at once, for one after the other. Rejects once the task was killed, and whatever it tries afterwards. */
  async turn(): Promise<void> {
    const before = this.#last;
    const own = Promise.withResolvers<void>();
    this.#last = own.promise;
    await before;
    try {
      await this.#wait();
    } finally {
      own.resolve();
    }
  }

  async #wait(): Promise<void> {
    this.#throwIfDead();
    this.#resume = Promise.withResolvers();
    this.#parked.resolve();
    await this.#resume.promise;
    this.#throwIfDead();
  }

  /** One step: up to the next turn or the end. */
  async step(): Promise<void> {
    this.#parked = Promise.withResolvers();
    this.#resume?.resolve();
    await this.#parked.promise;
  }

  kill(): void {
    this.#isDead = true;
  }

  /** For steps that do not wait, such as those of a catalog. */
  #throwIfDead(): void {
    if (this.#isDead) throw new Crashed(`${this.name} is gone`);
  }
}

/** A store every call of which waits for the task's turn, before and after. */
export class TurnStore implements ObjectStore {
  readonly versions?: VersionedObjects;
  readonly #inner: ObjectStore;
  readonly #task: Task;
  readonly #onTheWay: (arrive: () => Promise<void>) => void;

  /** `onTheWay` gets what a crash left on its way to the store: it may arrive at any time. */
  constructor(inner: ObjectStore, task: Task, onTheWay: (arrive: () => Promise<void>) => void) {
    this.#inner = inner;
    this.#task = task;
    this.#onTheWay = onTheWay;
    if (inner.versions !== undefined) this.versions = inTurns(inner.versions, task);
  }

  get storeId(): StoreId {
    return this.#inner.storeId;
  }

  get capabilities(): StoreCapabilities {
    return this.#inner.capabilities;
  }

  async put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult> {
    await this.#task.turn();
    const result = await this.#inner.put(key, body, options);
    await this.#task.turn();
    return result;
  }

  async head(key: string, options?: ReadOptions): Promise<ObjectFacts | undefined> {
    await this.#task.turn();
    return await this.#inner.head(key, options);
  }

  async get(key: string, options?: GetOptions): Promise<ObjectBody | undefined> {
    await this.#task.turn();
    return await this.#inner.get(key, options);
  }

  async *list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<readonly ListedObject[]> {
    await this.#task.turn();
    for await (const page of this.#inner.list(prefix, options)) {
      yield page;
      await this.#task.turn();
    }
  }

  async delete(key: string, versionId: string | null, options?: { readonly signal?: AbortSignal }): Promise<void> {
    try {
      await this.#task.turn();
    } catch (error) {
      this.#onTheWay(() => this.#inner.delete(key, versionId));
      throw error;
    }
    await this.#inner.delete(key, versionId, options);
    await this.#task.turn();
  }
}

function inTurns(versions: VersionedObjects, task: Task): VersionedObjects {
  return {
    list: (prefix, options) => versions.list(prefix, options),
    lockOf: async (...args) => {
      await task.turn();
      return await versions.lockOf(...args);
    },
    extend: async (...args) => {
      await task.turn();
      await versions.extend(...args);
      await task.turn();
    },
    time: async (...args) => {
      await task.turn();
      return await versions.time(...args);
    },
  };
}
