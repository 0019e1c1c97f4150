import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, LocationId, PolicyId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { ReachedObjects } from '../engine/jobs.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import { packKey } from '../repository/names.ts';
import { packsMissing } from './runLedger.ts';

export interface CommitGateOptions {
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  readonly installationId: InstallationId;
  readonly locationId: LocationId;
  readonly policyId: PolicyId;
  readonly wallClock: () => Date;
  readonly signal: AbortSignal;
}

interface Wanted {
  readonly key: string;
  /** `undefined` where only an index knows the object: then being there at all has to do. */
  readonly size: number | undefined;
  readonly hit: boolean;
}

const lookupsAtOnce = 16;

/**
 * The commit gate of a soft location (docs/format.md, Commit gate): every object that the manifest reaches is looked at in the store, for an index
 * entry proves nothing about its pack. Rejects with `objectMissing`; the packs of earlier runs among the missing stand in `details.packs`, and the
 * ledger knows them as missing from then on.
 */
export async function passCommitGate(options: CommitGateOptions, reached: ReachedObjects): Promise<void> {
  const { catalog, locationId, installationId, policyId, wallClock } = options;
  const wanted: Wanted[] = [
    ...reached.uploaded.map(({ key, length }) => ({ key, size: length, hit: false })),
    ...reached.indexes.map(({ key, length }) => ({ key, size: length, hit: false })),
    ...reached.hits.map((objectId) => {
      const key = packKey(installationId, policyId, objectId);
      return { key, size: catalog.objects.get(locationId, key)?.size, hit: true };
    }),
  ];
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

async function isInStore({ store, signal }: CommitGateOptions, { key, size }: Wanted): Promise<boolean> {
  const facts = await store.head(key, { signal });
  return facts !== undefined && (size === undefined || facts.size === size);
}
