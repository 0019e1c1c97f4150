import type {
  ListedObject,
  ListedVersion,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  PutResult,
} from '../../../daemon/locations/objectStore.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { StoreId } from '../../../protocol/ids.ts';
import { branded } from '../ids.ts';

export interface ModelOptions {
  readonly versions: boolean;
  readonly conditionalPut: boolean;
  /** What is there stays: nobody can delete a version, nor put anything else in its place. */
  readonly isLocked: boolean;
}

export interface ModelVersion {
  /** Counts up within its key, whatever else is put meanwhile. */
  readonly versionId: string;
  /** `undefined`: a delete marker. */
  readonly body: string | undefined;
}

interface ModelKey {
  /** Versions that were ever given. */
  readonly given: number;
  /** The oldest first. */
  readonly versions: readonly ModelVersion[];
}

/** As little of a store as terms need: keys and their versions. It never changes; what is done to it makes another one. */
export class ModelStore {
  readonly options: ModelOptions;
  /** All that it holds, as text. */
  readonly fingerprint: string;
  readonly #keys: ReadonlyMap<string, ModelKey>;

  constructor(options: ModelOptions, keys: ReadonlyMap<string, ModelKey> = new Map()) {
    this.options = options;
    this.#keys = keys;
    const shown = [...keys].map(([key, { versions }]) =>
      [key, ...versions.map(({ versionId, body }) => `${versionId}=${body ?? '-'}`)].join(' '),
    );
    this.fingerprint = shown.toSorted().join('\n');
  }

  get keys(): readonly string[] {
    return [...this.#keys].flatMap(([key, { versions }]) => (versions.length > 0 ? [key] : [])).toSorted();
  }

  versionsOf(key: string): readonly ModelVersion[] {
    return this.#keys.get(key)?.versions ?? [];
  }

  /** `undefined` where something is there and the put must not go over it. */
  put(key: string, body: string | undefined, isConditional: boolean): ModelStore | undefined {
    const known = this.versionsOf(key);
    if (isConditional && this.options.conditionalPut && known.at(-1)?.body !== undefined) return undefined;
    const given = (this.#keys.get(key)?.given ?? 0) + 1;
    const version = { versionId: `v${given}`, body };
    return this.#with(key, { given, versions: this.options.versions ? [...known, version] : [version] });
  }

  delete(key: string, versionId: string): ModelStore {
    const versions = this.versionsOf(key).filter((version) => version.versionId !== versionId);
    return this.#with(key, { given: this.#keys.get(key)?.given ?? 0, versions });
  }

  find(key: string, versionId: string | null): ModelVersion | undefined {
    const seen = this.versionsOf(key).filter(({ body }) => body !== undefined);
    return versionId === null ? seen[0] : seen.find((version) => version.versionId === versionId);
  }

  #with(key: string, held: ModelKey): ModelStore {
    return new ModelStore(this.options, new Map([...this.#keys, [key, held]]));
  }
}

/** One call of a store, or the wait for one request's time. */
export type ModelCall =
  | { readonly verb: 'put'; readonly key: string; readonly body: string; readonly isConditional: boolean }
  | { readonly verb: 'get'; readonly key: string; readonly versionId: string | null }
  | { readonly verb: 'list'; readonly prefix: string }
  | { readonly verb: 'sleep' };

export type ModelAnswer =
  | { readonly kind: 'done' | 'exists' | 'nothing' | 'missing' }
  | { readonly kind: 'found'; readonly version: ModelVersion }
  | { readonly kind: 'listed'; readonly versions: readonly (ModelVersion & { readonly key: string; readonly isLatest: boolean })[] };

/** What the store answers, and what it is afterwards. */
export function done(store: ModelStore, call: ModelCall): { readonly answer: ModelAnswer; readonly store: ModelStore } {
  switch (call.verb) {
    case 'put': {
      const after = store.put(call.key, call.body, call.isConditional);
      if (after === undefined) return { answer: { kind: 'exists' }, store };
      const version = after.versionsOf(call.key).at(-1);
      return { answer: version === undefined ? { kind: 'missing' } : { kind: 'found', version }, store: after };
    }
    case 'get': {
      const version = store.find(call.key, call.versionId);
      return { answer: version === undefined ? { kind: 'missing' } : { kind: 'found', version }, store };
    }
    case 'list': {
      const versions = store.keys
        .filter((key) => key.startsWith(call.prefix))
        .flatMap((key) => {
          const newestFirst = store.versionsOf(key).toReversed();
          return newestFirst.map((version, at) => ({ ...version, key, isLatest: at === 0 }));
        });
      return { answer: { kind: 'listed', versions }, store };
    }
    case 'sleep':
      return { answer: { kind: 'done' }, store };
  }
}

/** Does a call at its time. */
export type Caller = (call: ModelCall) => Promise<ModelAnswer>;

const storeId = branded<StoreId>('model');
const date = new Date('2026-01-01T00:00:00Z');

/** The store as a machine meets it, by way of its calls. */
export function storeOver(options: ModelOptions, caller: Caller): ObjectStore {
  const factsOf = (key: string, { versionId, body = '' }: ModelVersion): ObjectFacts => {
    const id = options.versions ? versionId : null;
    return { key, versionId: id, size: body.length, lastModified: date, lock: null };
  };
  const find = async (key: string, versionId: string | null): Promise<ModelVersion | undefined> => {
    const answer = await caller({ verb: 'get', key, versionId });
    if (answer.kind === 'nothing') throw timedOut();
    return answer.kind === 'found' ? answer.version : undefined;
  };
  const listed = async (prefix: string): Promise<readonly (ListedVersion & { readonly text: ModelVersion })[]> => {
    const answer = await caller({ verb: 'list', prefix });
    if (answer.kind !== 'listed') throw timedOut();
    return answer.versions.map((version) => {
      const { key, versionId, body, isLatest } = version;
      return { ...factsOf(key, version), versionId, isDeleteMarker: body === undefined, isLatest, text: version };
    });
  };
  return {
    storeId,
    capabilities: { lock: options.isLocked ? 'compliance' : 'soft', versions: options.versions, conditionalPut: options.conditionalPut },
    put: async (key, bytes, { asFurtherVersion = false } = {}): Promise<PutResult> => {
      const isConditional = !(asFurtherVersion && options.versions);
      const answer = await caller({ verb: 'put', key, body: Buffer.from(bytes).toString(), isConditional });
      if (answer.kind === 'nothing') throw timedOut();
      if (answer.kind !== 'found')
        throw HoldfastError.failedTo('objectExists', `put object ${key}`, 'an object of that name is there already');
      return { versionId: factsOf(key, answer.version).versionId, lock: null };
    },
    head: async (key, { versionId = null } = {}): Promise<ObjectFacts | undefined> => {
      const found = await find(key, versionId);
      return found === undefined ? undefined : factsOf(key, found);
    },
    get: async (key, { versionId = null } = {}): Promise<ObjectBody | undefined> => {
      const found = await find(key, versionId);
      return found?.body === undefined ? undefined : { ...factsOf(key, found), body: Buffer.from(found.body), offset: 0 };
    },
    list: async function* (prefix: string): AsyncGenerator<readonly ListedObject[]> {
      yield await listed(prefix);
    },
    delete: () => Promise.reject(new Error('nobody deletes a term')),
    ...(options.versions
      ? {
          versions: {
            list: async function* (prefix: string): AsyncGenerator<readonly ListedVersion[]> {
              yield await listed(prefix);
            },
            lockOf: () => Promise.resolve(null),
            extend: () => Promise.resolve(),
            time: () => Promise.resolve(date),
          },
        }
      : {}),
  };
}

/** A request that was given up, although it may still be done. */
function timedOut(): HoldfastError {
  return HoldfastError.failedTo('storeUnreachable', 'reach the store', 'it did not answer');
}
