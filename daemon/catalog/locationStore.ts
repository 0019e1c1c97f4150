import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId, StoreId } from '../../protocol/ids.ts';
import type { LocationKind } from '../../protocol/methods/locations.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

export interface LocationRecord {
  readonly locationId: LocationId;
  readonly name: string;
  readonly kind: LocationKind;
  /** The location profile, JSON without secrets; to be parsed by `parseLocationSpec`. */
  readonly spec: string;
  readonly storeId: StoreId;
  readonly createdAt: string;
  readonly lastValidatedAt: string | null;
  /** Bytes a second; `null`: no limit. */
  readonly uploadLimit: number | null;
}

/** The location profiles. Readable while locked. `Catalog.forgetLocation` removes one with all that hangs on it. */
export class LocationStore {
  readonly #table: Table<LocationRecord>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'locations');
  }

  /** Throws `nameTaken`. */
  add(location: LocationRecord): void {
    this.#refuseTaken(location);
    this.#table.insert(location);
  }

  get(locationId: LocationId): LocationRecord | undefined {
    return this.#table.get({ locationId });
  }

  byName(name: string): LocationRecord | undefined {
    return this.#table.get({ name });
  }

  /** The locations that hold this store: one, or also copies of it. */
  byStore(storeId: StoreId): readonly LocationRecord[] {
    return this.#table.select('WHERE storeId = ? ORDER BY createdAt, locationId', [storeId]);
  }

  /** By name. A person adds each by hand, so this list has no pages. */
  list(): readonly LocationRecord[] {
    return this.#table.select('ORDER BY name');
  }

  change(
    locationId: LocationId,
    changes: Partial<Pick<LocationRecord, 'name' | 'spec' | 'storeId' | 'lastValidatedAt' | 'uploadLimit'>>,
  ): void {
    const row = this.get(locationId);
    if (row === undefined) throw new HoldfastError('unknownName', `Failed to find location ${locationId}: there is none.`);
    const changed: LocationRecord = { ...row, ...changes };
    this.#refuseTaken(changed);
    this.#table.replace(changed);
  }

  remove(locationId: LocationId): boolean {
    return this.#table.delete({ locationId }) > 0;
  }

  #refuseTaken(location: LocationRecord): void {
    const taken = this.byName(location.name);
    if (taken === undefined || taken.locationId === location.locationId) return;
    throw new HoldfastError('nameTaken', `Failed to name the location ${location.name}: another location has this name.`, {
      fix: 'Choose another name.',
    });
  }
}
