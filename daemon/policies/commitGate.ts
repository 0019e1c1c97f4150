import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, LocationId, PolicyId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LedgerObject } from '../catalog/objectLedger.ts';
import type { ReachedObjects } from '../engine/jobs.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { IdSet } from '../repository/idSet.ts';
import { packKey } from '../repository/names.ts';
import { packsMissing } from './runLedger.ts';

export interface CommitGateOptions {
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  readonly installationId: InstallationId;
  readonly locationId: LocationId;
  readonly policyId: PolicyId;
  readonly wallClock: () => Date;
  /** What lists of condemned objects name at the moment. */
  readonly condemned: (signal: AbortSignal) => Promise<IdSet>;
  readonly signal: AbortSignal;
}

interface Wanted {
  readonly key: string;
  /** `undefined` where only an index knows the object: then being there at all has to do. */
  readonly size: number | undefined;
  readonly objectId: Uint8Array;
  readonly kind: LedgerObject['kind'];
  readonly hit: boolean;
}

const lookupsAtOnce = 16;

/**
 * The commit gate of a soft location (docs/format.md, Commit gate): every object that the manifest reaches is looked at in the store, for an index
 * entry proves nothing about its pack. Rejects with `objectMissing`; the packs of earlier runs among the missing stand in `details.packs`, and the
 * ledger knows them as missing from then on. What a list of condemned objects names may be deleted at any time: it is refused in the same way, and a
 * run can start again without it. The lists are read before anything is looked for, so that what is gone when its list is gone is found missing.
 */
export async function passCommitGate(options: CommitGateOptions, reached: ReachedObjects): Promise<void> {
  const { catalog, locationId, installationId, policyId, wallClock } = options;
  const wanted: Wanted[] = [
    ...reached.uploaded.map(({ key, length, objectId, kind }) => ({ key, size: length, objectId, kind, hit: false })),
    ...reached.indexes.map(({ key, length, objectId }) => ({ key, size: length, objectId, kind: 'index' as const, hit: false })),
    ...reached.hits.map((objectId) => {
      const key = packKey(installationId, policyId, objectId);
      return { key, size: catalog.objects.get(locationId, key)?.size, objectId, kind: 'pack' as const, hit: true };
    }),
  ];
  await refuseCondemned(options, wanted);
  const missing: Wanted[] = [];
  for (let at = 0; at < wanted.length; at += lookupsAtOnce) {
    const batch = wanted.slice(at, at + lookupsAtOnce);
    const isThere = await Promise.all(batch.map((object) => isInStore(options, object)));
    const found = batch.filter((_object, index) => isThere[index]);
    missing.push(...batch.filter((_object, index) => !isThere[index]));
    const readBackAt = wallClock().toISOString();
    catalog.transaction(() => {
      for (const { key } of found) catalog.objects.change(locationId, key, { state: 'present', readBackAt });
    });
  }
  if (missing.length === 0) return;
  catalog.transaction(() => {
    for (const { key } of missing) catalog.objects.change(locationId, key, { state: 'missing' });
  });
  const packs = missing.filter((object) => object.hit).map(({ key }) => key.slice(-32));
  if (packs.length === missing.length) throw packsMissing(packs);
  throw new HoldfastError('objectMissing', `Failed to commit: ${missing[0]?.key ?? 'an object'} was put and is not there any more.`, {
    fix: 'Find out who else writes to this location, then run the backup again.',
    details: { keys: missing.slice(0, 10).map(({ key }) => key) },
  });
}

/** Of what is on its way out nothing may be relied on, although it is still there. */
async function refuseCondemned({ catalog, locationId, condemned, signal }: CommitGateOptions, wanted: readonly Wanted[]): Promise<void> {
  const named = await condemned(signal);
  const refused = wanted.filter(({ objectId }) => named.has(objectId));
  if (refused.length === 0) return;
  catalog.transaction(() => {
    for (const { key } of refused) catalog.objects.change(locationId, key, { state: 'condemned' });
  });
  const keysOf = (kind: LedgerObject['kind']): readonly string[] =>
    refused.filter((object) => object.kind === kind).map(({ key }) => key.slice(-32));
  throw packsMissing(keysOf('pack'), keysOf('index'));
}

async function isInStore({ store, signal }: CommitGateOptions, { key, size }: Wanted): Promise<boolean> {
  const facts = await store.head(key, { signal });
  return facts !== undefined && (size === undefined || facts.size === size);
}
