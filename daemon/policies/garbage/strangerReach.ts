import { HoldfastError } from '../../../protocol/errors.ts';
import type { ObjectStore } from '../../locations/objectStore.ts';
import { isUnreadable } from '../../repository/chunkReader.ts';
import { IdSet } from '../../repository/idSet.ts';
import type { PolicyKeySource } from '../../repository/keySource.ts';
import type { OpenedManifest } from '../../repository/manifest.ts';
import { Reach, type ReachedPacks } from '../../repository/reach.ts';

/**
 * What restore points reach that the catalog does not know, at a location with locks: docs/format.md, Garbage collection. One that can not be read whole counts
 * for nothing, since anybody with the credentials of the location could put it there and nobody could take it away; whoever relies on one keeps it locked. They
 * are read apart from those that are known: what was begun of one that is broken must not pass for read where a whole one shares it.
 */
export class StrangerReach {
  readonly #store: ObjectStore;
  readonly #keys: PolicyKeySource;
  readonly #indexes: IdSet = new IdSet();
  readonly #packs: ReachedPacks[] = [];

  constructor(store: ObjectStore, keys: PolicyKeySource) {
    this.#store = store;
    this.#keys = keys;
  }

  /** Rejects as stores do, and with the signal. */
  async add(manifests: readonly OpenedManifest[], signal: AbortSignal): Promise<void> {
    if (manifests.length === 0) return;
    const all = await this.#wholeReach(manifests, signal);
    if (all !== undefined) return await this.#take(manifests, all, signal);
    const whole: OpenedManifest[] = [];
    for (const manifest of manifests) {
      // Twice: an answer that was wrong once gives nothing away.
      const reach = (await this.#wholeReach([manifest], signal)) ?? (await this.#wholeReach([manifest], signal));
      if (reach !== undefined) whole.push(manifest);
    }
    if (whole.length === 0) return;
    const reach = await this.#wholeReach(whole, signal);
    if (reach === undefined) {
      throw HoldfastError.failedTo('storeFailed', 'read what restore points reach', 'the store gives other bytes each time', {
        fix: 'Try again.',
      });
    }
    await this.#take(whole, reach, signal);
  }

  pinsIndex(objectId: Uint8Array): boolean {
    return this.#indexes.has(objectId);
  }

  reachesPack(objectId: Uint8Array): boolean {
    return this.#packs.some(({ reached }) => reached.has(objectId));
  }

  /** Whether an index of theirs names this pack. */
  namesPack(objectId: Uint8Array): boolean {
    return this.#packs.some(({ named }) => named.has(objectId));
  }

  async #take(manifests: readonly OpenedManifest[], reach: Reach, signal: AbortSignal): Promise<void> {
    for (const { manifest } of manifests) for (const { objectId } of manifest.indexes) this.#indexes.add(objectId);
    this.#packs.push(await reach.packs(signal));
  }

  async #wholeReach(manifests: readonly OpenedManifest[], signal: AbortSignal): Promise<Reach | undefined> {
    const reach = new Reach(this.#store, this.#keys);
    try {
      await reach.add(manifests, signal);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return undefined;
    }
    return reach.unreadable === undefined ? reach : undefined;
  }
}
