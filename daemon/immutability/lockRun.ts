import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LockedObject } from '../catalog/objectLedger.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { HeldLock, LockKeeper } from '../locks/lockKeeper.ts';
import type { LockPlan } from '../locks/lockPlan.ts';
import type { KeptObjects } from './keptObjects.ts';

export interface LockRunOptions {
  readonly catalog: Catalog;
  readonly locationId: LocationId;
  readonly store: ObjectStore;
  readonly kept: KeptObjects;
  readonly keeper: LockKeeper;
  readonly plan: LockPlan;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: LockRunProgress) => void;
}

export interface LockRunProgress {
  /** Objects that were short and are not any more. */
  readonly extended: number;
}

export interface LockRunResult extends LockRunProgress {
  /** Kept objects that are not in the store any more: restore points are damaged. The first hundred. */
  readonly missing: readonly string[];
  /** Kept objects whose lock the store did not take: what is promised does not hold for them. The first hundred. */
  readonly refused: readonly { readonly objectKey: string; readonly error: HoldfastError }[];
}

const pageSize = 500;
const atOnce = 8;
const mostTold = 100;

/**
 * One run of the monitor over a location: every kept object whose lock is short is extended and read back, the soonest end first. The ledger is the cursor:
 * a run that was cut short finds what is left to do. Calls nobody for an object that does not need it. Rejects where the store can not be reached; what was
 * extended until then is written down.
 */
export async function keepLocked(options: LockRunOptions): Promise<LockRunResult> {
  const { catalog, locationId, kept, keeper, plan, signal, onProgress } = options;
  const missing: string[] = [];
  const refused: { readonly objectKey: string; readonly error: HoldfastError }[] = [];
  let extended = 0;
  let last: LockedObject | undefined;
  for (;;) {
    const { latest } = await keeper.now(signal);
    const before = new Date(latest.getTime() + plan.protectionPeriod + plan.reserve).toISOString();
    const page = catalog.objects.endingBefore(locationId, before, pageSize, last);
    const short = page.filter((object) => kept.has(object));
    for (let at = 0; at < short.length; at += atOnce) {
      const batch = short.slice(at, at + atOnce);
      const looks = await Promise.allSettled(batch.map((object) => holdOne(options, object)));
      catalog.transaction(() => {
        for (const [index, look] of looks.entries()) {
          const object = batch[index];
          if (object === undefined) continue;
          const { objectKey } = object;
          if (look.status === 'fulfilled') {
            if (look.value === undefined) {
              catalog.objects.change(locationId, objectKey, { state: 'missing' });
              if (missing.length < mostTold) missing.push(objectKey);
            } else {
              note(options, objectKey, look.value);
              extended += 1;
            }
          } else if (HoldfastError.is(look.reason, 'lockRefused', 'storeRefused') && refused.length < mostTold) {
            refused.push({ objectKey, error: look.reason });
          }
        }
      });
      for (const look of looks) {
        if (look.status === 'rejected' && !HoldfastError.is(look.reason, 'lockRefused', 'storeRefused')) throw look.reason;
      }
      onProgress?.({ extended });
      // Where nothing at all is taken, nothing is gained by asking for each of a hundred thousand objects.
      if (extended === 0 && refused.length === mostTold) return { extended, missing, refused };
    }
    if (page.length < pageSize) return { extended, missing, refused };
    last = page.at(-1);
  }
}

interface Held extends HeldLock {
  readonly versionId: string;
}

async function holdOne(
  { store, keeper, signal }: LockRunOptions,
  { objectKey, versionId: known, retainUntil }: LockedObject,
): Promise<Held | undefined> {
  // A location that was not immutable before may hold what was put without looking at versions.
  const versionId = known ?? (await store.head(objectKey, { signal }))?.versionId ?? null;
  if (versionId === null) return undefined;
  const version = { key: objectKey, versionId, retainUntil: retainUntil === null ? null : new Date(retainUntil) };
  const held = await keeper.hold(version, { signal });
  return held === undefined ? undefined : { ...held, versionId };
}

function note({ catalog, locationId }: LockRunOptions, objectKey: string, { retainUntil, readAt, versionId }: Held): void {
  if (readAt === null) return;
  catalog.objects.change(locationId, objectKey, {
    versionId,
    retainUntil: retainUntil.toISOString(),
    lockReadAt: readAt.toISOString(),
  });
}
