import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId, StoreId } from '../../protocol/ids.ts';
import type { LocationKind } from '../../protocol/methods/locations.ts';
import type { SealedCells } from './cellSeal.ts';
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
  /** `null`: a soft location, where nothing is locked. */
  readonly lockMode: LockMode | null;
  /** There exactly where `lockMode` is. */
  readonly protectionPeriodDays: number | null;
  /** Sealed; where the spec says that the credentials are. */
  readonly credentials: Uint8Array | null;
  /** JSON: what the last validation that passed saw, which drift is told from. */
  readonly validated: string | null;
  /** JSON: the newest lock proof. */
  readonly lockProof: string | null;
  /** When an audit for tampering last came through here, whatever it found. */
  readonly auditedAt: string | null;
}

export type LockMode = 'governance' | 'compliance';

type Immutability = 'lockMode' | 'protectionPeriodDays' | 'validated' | 'lockProof' | 'auditedAt';

/** What stands in the row of a location where nothing is locked and no secret is needed. */
export const softLocation: Pick<LocationRecord, Immutability | 'credentials'> = {
  lockMode: null,
  protectionPeriodDays: null,
  credentials: null,
  validated: null,
  lockProof: null,
  auditedAt: null,
};

/** The location profiles. Readable while locked. `Catalog.forgetLocation` removes one with all that hangs on it. */
export class LocationStore {
  readonly #table: Table<LocationRecord>;
  readonly #cells: SealedCells;

  constructor(connection: Connection, cells: SealedCells) {
    this.#table = new Table(connection, 'locations');
    this.#cells = cells;
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

  change(locationId: LocationId, changes: Partial<Omit<LocationRecord, 'locationId' | 'kind' | 'createdAt'>>): void {
    const row = this.get(locationId);
    if (row === undefined) throw new HoldfastError('unknownName', `Failed to find location ${locationId}: there is none.`);
    const changed: LocationRecord = { ...row, ...changes };
    this.#refuseTaken(changed);
    this.#table.replace(changed);
  }

  /** The secrets that a location is reached with; `undefined` while locked, and where none are kept. */
  credentials(locationId: LocationId): unknown {
    const sealed = this.get(locationId)?.credentials ?? null;
    return sealed === null ? undefined : this.#cells.open('locations', 'credentials', locationId, sealed);
  }

  /** Throws `locked` while there is no seal. */
  sealCredentials(locationId: LocationId, credentials: unknown): Uint8Array {
    return this.#cells.seal('locations', 'credentials', locationId, credentials);
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
