import { HoldfastError } from '../../../protocol/errors.ts';
import type { ActionId, LocationId, PolicyId } from '../../../protocol/ids.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { PinnedIndex } from '../../engine/jobs.ts';
import { hexOf } from '../../repository/bytes.ts';
import type { IdSet } from '../../repository/idSet.ts';
import { packKey } from '../../repository/names.ts';
import type { PolicyKeys } from '../../repository/policyKeys.ts';
import type { ObjectStore } from '../../locations/objectStore.ts';
import { CondemnedLists, type CondemnedBook, namedIn } from './condemnedLists.ts';

/** The lists of condemned objects of a policy, under its newest keys. Throws `locked` where its owner's key is not held. */
export function condemnedBook(
  store: ObjectStore,
  keys: Pick<PolicyKeys, 'installationId' | 'policyId' | 'owner'> | undefined,
): CondemnedBook {
  if (keys?.owner === undefined) throw new HoldfastError('locked', 'Failed to read the lists of condemned objects: no key is held.');
  const { installationId, policyId, owner } = keys;
  return new CondemnedLists({ store, installationId, policyId, owner });
}

/** Where there are locks nobody publishes lists, so that whoever puts a million of something in their place makes no backup read it. Throws as `condemnedBook`. */
export function bookToRead(store: ObjectStore, keys: Parameters<typeof condemnedBook>[1], hasLocks: boolean): Pick<CondemnedBook, 'read'> {
  return hasLocks ? { read: () => Promise.resolve([]) } : condemnedBook(store, keys);
}

export interface RelianceRequest {
  readonly catalog: Catalog;
  /** `undefined`: nothing is pinned, for a run that stores nothing. */
  readonly actionId: ActionId | undefined;
  readonly locationId: LocationId;
  readonly policyId: PolicyId;
  /** What a run would deduplicate against. */
  readonly indexes: readonly PinnedIndex[];
  /** Packs that it knows to be gone. */
  readonly gone: readonly Uint8Array[];
  /** Ids that lists of condemned objects name. */
  readonly condemned: IdSet;
}

/** What a run may rely on: these indexes, pinned for it, but none of those packs. */
export interface Reliance {
  readonly indexes: readonly PinnedIndex[];
  readonly unusablePacks: readonly Uint8Array[];
}

/** Condemned packs are no target for deduplication, and neither are those that are gone, although indexes name them. */
export function relyOn({ catalog, actionId, locationId, policyId, indexes, gone, condemned }: RelianceRequest): Reliance {
  const free = indexes.filter(({ objectId }) => !condemned.has(objectId));
  const keys = free.map(({ key }) => key);
  const refused = new Set(actionId === undefined ? [] : catalog.pinHits(actionId, locationId, keys));
  const unusable = new Map([...gone, ...unusablePacks(catalog, locationId, policyId)].map((objectId) => [hexOf(objectId), objectId]));
  return { indexes: free.filter(({ key }) => !refused.has(key)), unusablePacks: [...unusable.values()] };
}

/** What no run may find again: everything of the ledger that is not there for good. */
function unusablePacks(catalog: Catalog, locationId: LocationId, policyId: PolicyId): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const state of ['condemned', 'deleting', 'missing'] as const) {
    let after: string | undefined;
    do {
      const page = catalog.objects.list({ locationId, policyId, kind: 'pack', state, ...(after === undefined ? {} : { after }) });
      found.push(...page.items.map(({ objectId }) => objectId));
      after = page.next ?? undefined;
    } while (after !== undefined);
  }
  return found;
}

/** The ids that the lists in the store name now, told to the ledger: a pack that another installation condemned is none for runs of this one. */
export async function takeCondemned(
  catalog: Catalog,
  place: { readonly locationId: LocationId; readonly policyId: PolicyId; readonly installationId: PolicyKeys['installationId'] },
  book: Pick<CondemnedBook, 'read'>,
  signal: AbortSignal,
): Promise<IdSet> {
  const lists = await book.read(signal);
  const { locationId, policyId, installationId } = place;
  for (const { rows } of lists) {
    for (let row = 0; row < rows.count; row += 1) {
      if (rows.typeAt(row) !== 'pack') continue;
      const key = packKey(installationId, policyId, rows.idAt(row));
      if (catalog.objects.get(locationId, key)?.state === 'present') catalog.condemn(locationId, key);
    }
  }
  return namedIn(lists);
}
