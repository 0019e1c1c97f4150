import { HoldfastError } from '../../protocol/errors.ts';
import { KeyHistory, type HistoryView } from './keyHistory.ts';
import { markerName } from './marker.ts';
import type {
  GetOptions,
  ListedObject,
  ListedVersion,
  ObjectBody,
  ObjectFacts,
  ObjectStore,
  ReadOptions,
  VersionedObjects,
} from './objectStore.ts';

export interface PointInTimeOptions extends Omit<HistoryView, 'time'> {}

type Abort = { readonly signal?: AbortSignal };

/**
 * A location as it was at a time: of each key what the store wrote down at or before it (docs/format.md, Recovery). A key is there unless a delete marker is
 * the newest of that; what is served is the oldest version, since a key is written once. Reads of a version by its id find it only if it was there by then.
 * Puts, deletes and extensions reject with `storeReadOnly`. What somebody could delete since then is not seen. Throws `badValue` where the time is none,
 * `refusedByRule` where the store keeps no versions.
 */
export function atTime(store: ObjectStore, time: Date, options: PointInTimeOptions = {}): ObjectStore {
  if (Number.isNaN(time.getTime())) throw new HoldfastError('badValue', 'Failed to look at a location as it was: that is no time.');
  const { versions } = store;
  if (versions === undefined) {
    throw HoldfastError.failedTo('refusedByRule', 'look at the location as it was', 'it keeps no versions', {
      fix: 'Look at it as it is, or use a copy of it.',
    });
  }
  return new PointInTimeStore(store, versions, { ...options, time });
}

class PointInTimeStore implements ObjectStore {
  readonly storeId: ObjectStore['storeId'];
  readonly capabilities: ObjectStore['capabilities'];
  readonly versions: VersionedObjects;
  readonly #store: ObjectStore;
  readonly #all: VersionedObjects;
  readonly #view: HistoryView;

  constructor(store: ObjectStore, versions: VersionedObjects, view: HistoryView) {
    this.storeId = store.storeId;
    this.capabilities = store.capabilities;
    this.#store = store;
    this.#all = versions;
    this.#view = view;
    this.versions = {
      list: (prefix, options) => this.#listVersions(prefix, options),
      lockOf: (key, versionId, options) => versions.lockOf(key, versionId, options),
      extend: (key) => this.#refuse(`extend the lock of object ${key}`),
      time: (options) => versions.time(options),
    };
  }

  put(key: string): Promise<never> {
    return this.#refuse(`put object ${key}`);
  }

  delete(key: string): Promise<never> {
    return this.#refuse(`delete object ${key}`);
  }

  async head(key: string, options: ReadOptions = {}): Promise<ObjectFacts | undefined> {
    const versionId = options.versionId ?? (await this.#served(key, options))?.versionId;
    const facts = versionId === undefined ? undefined : await this.#store.head(key, { ...options, versionId });
    return await this.#ifInView(facts, options);
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    const versionId = options.versionId ?? (await this.#served(key, options))?.versionId;
    const body = versionId === undefined ? undefined : await this.#store.get(key, { ...options, versionId });
    return await this.#ifInView(body, options);
  }

  async *list(prefix: string, options: Abort = {}): AsyncIterable<readonly ListedObject[]> {
    let history: KeyHistory | undefined;
    for await (const page of this.#all.list(prefix, options)) {
      const served: ListedObject[] = [];
      for (const entry of page) {
        // A page may cut the history of a key.
        if (entry.key !== history?.key) {
          served.push(...shown(history?.served()));
          history = new KeyHistory(entry.key, this.#view);
        }
        history.add(entry);
      }
      if (served.length > 0) yield served;
    }
    const last = shown(history?.served());
    if (last.length > 0) yield last;
  }

  async *#listVersions(prefix: string, options: Abort = {}): AsyncIterable<readonly ListedVersion[]> {
    let history: KeyHistory | undefined;
    for await (const page of this.#all.list(prefix, options)) {
      const inView: ListedVersion[] = [];
      for (const entry of page) {
        if (entry.key !== history?.key) {
          inView.push(...(history?.late() ?? []));
          history = new KeyHistory(entry.key, this.#view);
        }
        inView.push(...history.add(entry));
      }
      if (inView.length > 0) yield inView;
    }
    const last = history?.late() ?? [];
    if (last.length > 0) yield last;
  }

  async #served(key: string, options: Abort): Promise<ListedVersion | undefined> {
    return (await this.#historyOf(key, options)).served();
  }

  async #historyOf(key: string, { signal }: Abort, onEntry?: (entry: ListedVersion) => void): Promise<KeyHistory> {
    const history = new KeyHistory(key, this.#view);
    for await (const page of this.#all.list(key, signal === undefined ? {} : { signal })) {
      for (const entry of page) {
        // Keys that only begin so come behind it.
        if (entry.key !== key) return history;
        for (const seen of history.add(entry)) onEntry?.(seen);
      }
    }
    for (const seen of history.late()) onEntry?.(seen);
    return history;
  }

  /** What the store wrote down by then was there. What has a later date may still have been: others of its key tell. */
  async #ifInView<Facts extends ObjectFacts>(facts: Facts | undefined, options: Abort): Promise<Facts | undefined> {
    if (facts === undefined || facts.lastModified <= this.#view.time) return facts;
    let isInView = false;
    await this.#historyOf(facts.key, options, ({ versionId }) => {
      isInView ||= versionId === facts.versionId;
    });
    return isInView ? facts : undefined;
  }

  #refuse(action: string): Promise<never> {
    return Promise.reject(
      HoldfastError.failedTo('storeReadOnly', action, `the location is seen as it was at ${this.#view.time.toISOString()}`, {
        fix: 'Use the location as it is.',
      }),
    );
  }
}

/** The location's marker is no object. */
function shown(entry: ListedVersion | undefined): readonly ListedObject[] {
  if (entry === undefined) return [];
  const { key, versionId, size, lastModified } = entry;
  return key === markerName ? [] : [{ key, versionId, size, lastModified }];
}
