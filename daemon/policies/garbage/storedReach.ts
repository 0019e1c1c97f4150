import { createHash } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { PolicyId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ObjectStore } from '../../locations/objectStore.ts';
import { sameBytes } from '../../repository/bytes.ts';
import { type PolicyKeySource } from '../../repository/keySource.ts';
import { manifestReadLength, type OpenedManifest, openManifest, restorePointIdOf } from '../../repository/manifest.ts';
import { parseObjectKey } from '../../repository/names.ts';
import { Reach } from '../../repository/reach.ts';
import { refusal } from '../../repository/refusal.ts';
import { type ListedManifest, StrangerManifests } from './strangerManifests.ts';
import { StrangerReach } from './strangerReach.ts';
import type { ReachedObjects, ReachReader } from './sweep.ts';

/** In the details of an error: the key of a manifest that can not be read and is no restore point of the catalog. */
export const strangerDetail = 'unknownManifest';

export interface StoredReachOptions {
  readonly catalog: { readonly restorePoints: Pick<Catalog['restorePoints'], 'get'> };
  readonly store: ObjectStore;
  readonly policyId: PolicyId;
  readonly keys: PolicyKeySource;
  /** The location has locks: what somebody else relies on he keeps locked, so that what can not be read of it holds nothing up. */
  readonly hasLocks?: boolean;
}

/** Reads what restore points of one policy reach from the store: manifests as they lie there, known to the catalog or not. */
export class StoredReach implements ReachReader {
  readonly #options: StoredReachOptions;
  readonly #reach: Reach;
  readonly #manifests: StrangerManifests;
  readonly #strangers: StrangerReach;

  constructor(options: StoredReachOptions) {
    this.#options = options;
    this.#reach = new Reach(options.store, options.keys);
    this.#manifests = new StrangerManifests(options);
    this.#strangers = new StrangerReach(options.store, options.keys);
  }

  /** Why a tree could not be read, so that no pack is collected which an index names. */
  get unreadable(): HoldfastError | undefined {
    return this.#reach.unreadable;
  }

  async add(manifests: readonly ListedManifest[], signal: AbortSignal): Promise<void> {
    const opened: OpenedManifest[] = [];
    const strangers: ListedManifest[] = [];
    for (const one of manifests) {
      if (this.#options.hasLocks !== true || this.#isKnown(one.key)) opened.push(await this.#open(one.key, signal));
      else if (!this.#isCopy(one.key)) strangers.push(one);
    }
    await this.#reach.add(opened, signal);
    await this.#strangers.add(await this.#manifests.open(strangers, signal), signal);
  }

  async reached(signal: AbortSignal): Promise<ReachedObjects> {
    const { reached, named, unusedBytes } = await this.#reach.packs(signal);
    return {
      has: (type, objectId) =>
        type === 'pack'
          ? reached.has(objectId) || this.#strangers.reachesPack(objectId)
          : this.#reach.pinsIndex(objectId) || this.#strangers.pinsIndex(objectId),
      names: (objectId) => named.has(objectId) || this.#strangers.namesPack(objectId),
      unusedBytes,
    };
  }

  #isKnown(key: string): boolean {
    return this.#recordOf(key)?.manifestKey === key;
  }

  /** Has the id of a manifest of this store that is known under another name: the bytes of a manifest say its name, so it is not authentic. */
  #isCopy(key: string): boolean {
    const known = this.#recordOf(key);
    return known !== undefined && known.manifestKey !== key;
  }

  /** Of a restore point at this very store: names of others lie open too, and anybody could put them here. */
  #recordOf(key: string): ReturnType<Catalog['restorePoints']['get']> {
    const name = parseObjectKey(key);
    const known = name?.type === 'manifest' ? this.#options.catalog.restorePoints.get(restorePointIdOf(name.objectId)) : undefined;
    return known?.storeId === this.#options.store.storeId ? known : undefined;
  }

  async #open(key: string, signal: AbortSignal): Promise<OpenedManifest> {
    const { catalog, store, policyId, keys } = this.#options;
    const subject = `restore point ${key.slice(key.lastIndexOf('/') + 1)}`;
    const stored = await store.get(key, { length: manifestReadLength, signal });
    if (stored === undefined) throw refusal(subject, 'missing', 'it is not there', 'objectMissing');
    const name = parseObjectKey(key);
    const known = name?.type === 'manifest' ? catalog.restorePoints.get(restorePointIdOf(name.objectId)) : undefined;
    if (known !== undefined && !sameBytes(createHash('sha256').update(stored.body).digest(), known.sha256)) {
      throw refusal(subject, 'storedHash', 'its bytes are not those that were recorded');
    }
    try {
      return openManifest(stored.body, keys, { key, policyId, storeId: store.storeId }, subject);
    } catch (error) {
      if (known !== undefined || !HoldfastError.is(error)) throw error;
      const { code, message, reason, fix, details } = error;
      throw new HoldfastError(code, message, {
        reason,
        ...(fix === undefined ? {} : { fix }),
        details: { ...details, [strangerDetail]: key },
        cause: error,
      });
    }
  }
}
