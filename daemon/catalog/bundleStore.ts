import type { LocationId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** A bundle of this installation. Its size, version and lock stand in the ledger, under the same key. */
export interface BundleRecord {
  /** 16 bytes in hex. */
  readonly bundleId: string;
  readonly locationId: LocationId;
  readonly objectKey: string;
  /** 16 bytes. */
  readonly drkId: Uint8Array;
  readonly sequence: number;
  /** The moment that its catalog is of. */
  readonly created: string;
  /** Bundle that a delta builds on; `null` for a full one. */
  readonly base: string | null;
  /** Of the copy in it: a delta upon that copy builds on this bundle. */
  readonly copyId: string;
  /** Keyring at the location that it carries: kept locked for as long as the bundle is there. */
  readonly keyringKey: string;
  readonly restorePoints: number;
  /** 1: it was put, read back and, where the location locks, found locked. 0: under way, or cut short. */
  readonly isWhole: number;
}

/** The bundles that were put, and those under way: each is known before it is put, so that no audit takes it for a stranger's. */
export class BundleStore {
  readonly #table: Table<BundleRecord>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'bundles');
  }

  add(bundle: BundleRecord): void {
    this.#table.insert(bundle);
  }

  get(bundleId: string): BundleRecord | undefined {
    return this.#table.get({ bundleId });
  }

  complete(bundleId: string): void {
    this.#table.change({ bundleId }, { isWhole: 1 });
  }

  forget(bundleId: string): void {
    this.#table.delete({ bundleId });
  }

  forgetLocation(locationId: LocationId): void {
    this.#table.delete({ locationId });
  }

  /** All of a location, or of all, the newest first. */
  list(locationId?: LocationId): readonly BundleRecord[] {
    if (locationId === undefined) return this.#table.select('ORDER BY sequence DESC');
    return this.#table.select('WHERE locationId = ? ORDER BY sequence DESC', [locationId]);
  }

  /** Of the whole ones at a location. */
  newest(locationId: LocationId): BundleRecord | undefined {
    return this.#table.select('WHERE locationId = ? AND isWhole = 1 ORDER BY sequence DESC LIMIT 1', [locationId])[0];
  }

  /** Of the whole ones that are no deltas. */
  newestFull(locationId: LocationId): BundleRecord | undefined {
    return this.#table.select('WHERE locationId = ? AND isWhole = 1 AND base IS NULL ORDER BY sequence DESC LIMIT 1', [locationId])[0];
  }

  ofCopy(locationId: LocationId, copyId: string): BundleRecord | undefined {
    return this.#table.select('WHERE locationId = ? AND copyId = ? AND isWhole = 1 AND base IS NULL LIMIT 1', [locationId, copyId])[0];
  }
}
