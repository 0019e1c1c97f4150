import { HoldfastError } from '../../protocol/errors.ts';
import type { InstallationId, LocationId, PolicyId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LedgerObject } from '../catalog/objectLedger.ts';
import type { ReachedObjects } from '../engine/jobs.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { LockKeeper } from '../locks/lockKeeper.ts';
import type { IdSet } from '../repository/idSet.ts';
import { packKey } from '../repository/names.ts';
import { packsMissing } from './runLedger.ts';

export interface CommitGateOptions {
  readonly catalog: Catalog;
  readonly store: ObjectStore;
  /** At a location with locks. */
  readonly keeper?: LockKeeper;
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

type Found = Partial<Pick<LedgerObject, 'versionId' | 'retainUntil' | 'lockReadAt'>>;

const lookupsAtOnce = 16;
/** Older than this by store time, in milliseconds, a check says nothing any more. */
const checkHoldsMs = 3_600_000;
/** The first look extends what is short, which the next ones find done: what takes too long three times always does. */
const mostLooks = 3;

/**
 * The commit gate (docs/format.md, Commit gate): every object that the manifest reaches is looked at, for an index entry proves nothing about its
 * pack. On a soft location that is a look into the store; at one with locks, a lock that lasts for as long as promised and was read back, which is made
 * where it is not there. Rejects with `objectMissing`; the packs of earlier runs among the missing stand in `details.packs`, and the
 * ledger knows them as missing from then on. What a list of condemned objects names may be deleted at any time: it is refused in the same way, and a
 * run can start again without it. The lists are read before anything is looked for, so that what is gone when its list is gone is found missing.
 * Rejects with `lockRefused` where the store does not lock for as long as promised, and with `storeFailed` where it is too slow to tell. Gives, at a location
 * with locks, the store time until which it holds.
 */
export async function passCommitGate(options: CommitGateOptions, reached: ReachedObjects): Promise<Date | null> {
  const { keeper, signal } = options;
  const wanted = wantedOf(options, reached);
  await refuseCondemned(options, wanted);
  if (keeper === undefined) {
    await lookForAll(options, wanted);
    return null;
  }
  for (let look = 1; look <= mostLooks; look += 1) {
    // Both by one bound: where the store's clock was set back, the two stay apart by that much, and the check would never be young enough.
    const { latest } = await keeper.freshNow(signal);
    await lookForAll(options, wanted);
    const holdsUntil = new Date(latest.getTime() + checkHoldsMs);
    if ((await keeper.now(signal)).latest <= holdsUntil) return holdsUntil;
  }
  throw HoldfastError.failedTo(
    'storeFailed',
    'commit',
    `a look at all ${wanted.length} objects that it needs takes the store longer than an hour`,
    {
      fix: 'Run the backup again when the store answers faster; in compliance mode fewer objects have to be asked for.',
    },
  );
}

async function lookForAll(options: CommitGateOptions, wanted: readonly Wanted[]): Promise<void> {
  const { catalog, locationId } = options;
  const missing: Wanted[] = [];
  for (let at = 0; at < wanted.length; at += lookupsAtOnce) {
    const batch = wanted.slice(at, at + lookupsAtOnce);
    const looks = await Promise.allSettled(batch.map((object) => lookFor(options, object)));
    catalog.transaction(() => {
      for (const [index, look] of looks.entries()) {
        const object = batch[index];
        if (object === undefined || look.status === 'rejected') continue;
        if (look.value === undefined) missing.push(object);
        else note(options, object, look.value);
      }
    });
    // What was found is written down before the first failure ends the run: the next one need not ask again.
    for (const look of looks) if (look.status === 'rejected') throw look.reason;
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

/** The numbers of everything that a restore point reaches, once the gate has let it pass: the catalog keeps them with it. */
export function reachedNumbers(
  options: Pick<CommitGateOptions, 'catalog' | 'installationId' | 'locationId' | 'policyId'>,
  reached: ReachedObjects,
): readonly number[] {
  const { catalog, locationId } = options;
  return wantedOf(options, reached).flatMap(({ key }) => catalog.objects.get(locationId, key)?.number ?? []);
}

function wantedOf(
  { catalog, installationId, locationId, policyId }: Pick<CommitGateOptions, 'catalog' | 'installationId' | 'locationId' | 'policyId'>,
  reached: ReachedObjects,
): readonly Wanted[] {
  const own = new Set(reached.uploaded.map(({ key }) => key));
  return [
    ...reached.uploaded.map(({ key, length, objectId, kind }) => ({ key, size: length, objectId, kind, hit: false })),
    ...reached.indexes
      .filter(({ key }) => !own.has(key))
      .map(({ key, length, objectId }) => ({ key, size: length, objectId, kind: 'index' as const, hit: false })),
    ...reached.hits.map((objectId) => {
      const key = packKey(installationId, policyId, objectId);
      return { key, size: catalog.objects.get(locationId, key)?.size, objectId, kind: 'pack' as const, hit: true };
    }),
  ];
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

/** What is now known of an object that is there; `undefined` where it is not, or is not what was put. */
async function lookFor(
  { catalog, store, keeper, locationId, signal }: CommitGateOptions,
  { key, size }: Wanted,
): Promise<(Found & { readonly size: number }) | undefined> {
  const known = catalog.objects.get(locationId, key);
  if (keeper === undefined) {
    const facts = await store.head(key, { signal });
    return facts === undefined || (size !== undefined && facts.size !== size) ? undefined : { size: facts.size };
  }
  const version =
    known?.state === 'present' && known.versionId !== null
      ? { versionId: known.versionId, size: known.size }
      : await find(store, key, size, signal);
  if (version === undefined) return undefined;
  const { versionId } = version;
  const retainUntil = known?.versionId === versionId && known.retainUntil !== null ? new Date(known.retainUntil) : null;
  const held = await keeper.hold({ key, versionId, retainUntil }, { signal });
  if (held === undefined) return undefined;
  const { readAt } = held;
  return {
    size: version.size,
    versionId,
    ...(readAt === null ? {} : { retainUntil: held.retainUntil.toISOString(), lockReadAt: readAt.toISOString() }),
  };
}

/** Only an index knows it, or the answer to its put was lost: what lies there is looked for by its name. */
async function find(
  store: ObjectStore,
  key: string,
  size: number | undefined,
  signal: AbortSignal,
): Promise<{ readonly versionId: string; readonly size: number } | undefined> {
  const facts = await store.head(key, { signal });
  if (facts === undefined || facts.versionId === null || (size !== undefined && facts.size !== size)) return undefined;
  return { versionId: facts.versionId, size: facts.size };
}

function note(
  { catalog, keeper, locationId, policyId, wallClock }: CommitGateOptions,
  { key, kind, objectId }: Wanted,
  { size, ...found }: Found & { readonly size: number },
): void {
  // The ledger's word was enough.
  if (keeper !== undefined && found.lockReadAt === undefined) return;
  const readBackAt = wallClock().toISOString();
  if (catalog.objects.change(locationId, key, { state: 'present', readBackAt, ...found }) || keeper === undefined) return;
  catalog.objects.record({
    locationId,
    objectKey: key,
    policyId,
    kind,
    objectId,
    versionId: null,
    size,
    // Nobody here has seen its bytes; what they have to be stands in the indexes.
    sha256: new Uint8Array(0),
    state: 'present',
    recordedAt: readBackAt,
    readBackAt,
    retainUntil: null,
    ...found,
  });
}
