import type { LocationId, RestorePointId } from '../../protocol/ids.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LocationRecord } from '../catalog/locationStore.ts';
import { KeptObjects } from './keptObjects.ts';

/** The lock that ends first among all that were promised to be safe. */
export interface ShortestLock {
  readonly objectKey: string;
  /** `null`: nobody has read a lock of it back. */
  readonly retainUntil: Date | null;
}

/** What the ledger says of the locks of one location, as of one moment. */
export interface LocationFigures {
  /** Objects that were promised to be safe. */
  readonly objects: number;
  /** `null` where nothing is promised. */
  readonly shortest: ShortestLock | null;
  /** By number; `NaN` where no lock was read back. */
  readonly dates: Float64Array;
}

/**
 * Figures over all objects of a location: they take some milliseconds for every ten thousand of them, so they are kept until `changed` says that the ledger is
 * not what it was.
 */
export class LockFigures {
  readonly #catalog: Catalog;
  readonly #known: Map<LocationId, LocationFigures> = new Map();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  changed(locationId: LocationId): void {
    this.#known.delete(locationId);
  }

  of(location: Pick<LocationRecord, 'locationId' | 'storeId'>): LocationFigures {
    const known = this.#known.get(location.locationId);
    if (known !== undefined) return known;
    const made = figuresOf(this.#catalog, location);
    this.#known.set(location.locationId, made);
    return made;
  }

  /** Until when everything that a restore point reaches is locked; `null` where that is not known of all of it. */
  protectedUntil(location: Pick<LocationRecord, 'locationId' | 'storeId'>, restorePointId: RestorePointId): Date | null {
    const reach = this.#catalog.reaches.of(restorePointId);
    if (reach === undefined) return null;
    const { dates } = this.of(location);
    let soonest = Number.POSITIVE_INFINITY;
    for (const [first, last] of reach.runs) {
      for (let number = first; number <= last; number += 1) {
        const date = dates[number];
        if (date === undefined || Number.isNaN(date)) return null;
        if (date < soonest) soonest = date;
      }
    }
    return Number.isFinite(soonest) ? new Date(soonest) : null;
  }
}

function figuresOf(catalog: Catalog, location: Pick<LocationRecord, 'locationId' | 'storeId'>): LocationFigures {
  const { locationId } = location;
  const kept = new KeptObjects(catalog, location);
  const dates = new Float64Array(catalog.objects.lastNumber(locationId) + 1).fill(Number.NaN);
  let objects = 0;
  let shortest: { readonly objectKey: string; readonly date: number } | undefined;
  for (const object of catalog.objects.lockTimes(locationId)) {
    dates[object.number] = object.retainUntil;
    if (!kept.isPromised(object)) continue;
    objects += 1;
    const date = Number.isNaN(object.retainUntil) ? Number.NEGATIVE_INFINITY : object.retainUntil;
    if (shortest === undefined || date < shortest.date) shortest = { objectKey: object.objectKey, date };
  }
  return {
    objects,
    dates,
    shortest:
      shortest === undefined
        ? null
        : { objectKey: shortest.objectKey, retainUntil: Number.isFinite(shortest.date) ? new Date(shortest.date) : null },
  };
}
