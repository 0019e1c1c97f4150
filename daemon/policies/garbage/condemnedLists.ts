import type { KeyObject } from 'node:crypto';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { InstallationId, PolicyId } from '../../../protocol/ids.ts';
import type { ObjectStore } from '../../locations/objectStore.ts';
import {
  type CondemnedObject,
  type CondemnedRows,
  condemnedReadLength,
  encodeCondemnedList,
  maxCondemned,
  openCondemnedList,
} from '../../repository/condemnedList.ts';
import { type Entropy, newObjectId, systemEntropy } from '../../repository/entropy.ts';
import { IdSet } from '../../repository/idSet.ts';
import { condemnedKey, condemnedListId, condemnedPrefix } from '../../repository/names.ts';

export interface CondemnedListsOptions {
  readonly store: ObjectStore;
  readonly installationId: InstallationId;
  readonly policyId: PolicyId;
  /** Signs lists, so that nobody who can only write to the store makes backups store their data anew. */
  readonly owner: KeyObject;
  /** Gives the lists their ids; the system's where left out. */
  readonly entropy?: Entropy;
}

/** A list that is in the store. */
export interface CondemnedList {
  readonly key: string;
  /** Store time of its put. */
  readonly at: Date;
  readonly rows: CondemnedRows;
}

/** What the daily work of a sweep and of the commit gate needs of the lists of condemned objects of one policy. */
export interface CondemnedBook {
  /** Puts lists that name these objects, durable when it resolves; none for none. */
  publish(objects: readonly CondemnedObject[], signal: AbortSignal): Promise<readonly CondemnedList[]>;
  /** All authentic lists, the oldest first. What else lies there is nobody's and is not looked at. */
  read(signal: AbortSignal): Promise<readonly CondemnedList[]>;
  /** Only of a list whose every object is gone from the store. */
  remove(list: CondemnedList, signal: AbortSignal): Promise<void>;
  /** The store's own time: that of a put which is made for it. */
  storeTime(signal: AbortSignal): Promise<Date>;
}

/**
 * The lists of condemned objects of one policy in its store (docs/format.md, Garbage collection). Whoever shares the store finds there what another
 * installation is about to delete.
 */
export class CondemnedLists implements CondemnedBook {
  readonly #options: CondemnedListsOptions;

  constructor(options: CondemnedListsOptions) {
    this.#options = options;
  }

  async publish(objects: readonly CondemnedObject[], signal: AbortSignal): Promise<readonly CondemnedList[]> {
    const lists: CondemnedList[] = [];
    for (let at = 0; at < objects.length; at += maxCondemned) lists.push(await this.#put(objects.slice(at, at + maxCondemned), signal));
    return lists;
  }

  async read(signal: AbortSignal): Promise<readonly CondemnedList[]> {
    const { store, installationId, policyId, owner } = this.#options;
    const { storeId } = store;
    const lists: CondemnedList[] = [];
    for await (const page of store.list(condemnedPrefix(installationId, policyId), { signal })) {
      for (const { key, lastModified } of page) {
        const listId = condemnedListId(key);
        const stored = listId === undefined ? undefined : await store.get(key, { length: condemnedReadLength, signal });
        const rows = listId === undefined || stored === undefined ? undefined : openCondemnedList(stored.body, { storeId, listId }, owner);
        if (rows !== undefined) lists.push({ key, at: lastModified, rows });
      }
    }
    return lists.toSorted((one, other) => one.at.getTime() - other.at.getTime());
  }

  async remove({ key }: CondemnedList, signal: AbortSignal): Promise<void> {
    await this.#options.store.delete(key, null, { signal });
  }

  async storeTime(signal: AbortSignal): Promise<Date> {
    const probe = await this.#put([], signal);
    await this.remove(probe, signal);
    return probe.at;
  }

  async #put(objects: readonly CondemnedObject[], signal: AbortSignal): Promise<CondemnedList> {
    const { store, installationId, policyId, owner } = this.#options;
    const { storeId } = store;
    const listId = newObjectId(this.#options.entropy ?? systemEntropy);
    const key = condemnedKey(installationId, policyId, listId);
    const bytes = encodeCondemnedList({ storeId, listId }, objects, owner);
    await store.put(key, bytes, { signal });
    const facts = await store.head(key, { signal });
    const rows = openCondemnedList(bytes, { storeId, listId }, owner);
    if (facts === undefined || rows === undefined) {
      throw new HoldfastError('objectMissing', `Failed to collect garbage: ${key} was put and is not there.`, {
        fix: 'Find out who else writes to this location, then collect again.',
      });
    }
    return { key, at: facts.lastModified, rows };
  }
}

/** The ids that lists name. */
export function namedIn(lists: readonly CondemnedList[]): IdSet {
  const named = new IdSet(lists.reduce((sum, { rows }) => sum + rows.count, 0));
  for (const { rows } of lists) for (let row = 0; row < rows.count; row += 1) named.add(rows.idAt(row));
  return named;
}
