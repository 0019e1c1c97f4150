import type { StoreId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** What is remembered of who owns one store (docs/format.md, Recovery: ownership). Not sealed: numbers and hashes of what lies there for everybody. */
export interface OwnershipRow {
  readonly storeId: StoreId;
  /** Number of the highest term that was ever seen, and the SHA-256 of its bytes; both or neither. */
  readonly highest: number | null;
  readonly highestSha256: Uint8Array | null;
  /** The same of the last term that this daemon took. */
  readonly own: number | null;
  readonly ownSha256: Uint8Array | null;
  readonly ownVersionId: string | null;
  /** Why it counts for nothing until the location is taken anew. */
  readonly setAside: 'restored' | 'lost' | null;
}

/** By store, so that it outlives a location that is removed and added again. */
export class OwnershipStore {
  readonly #connection: Connection;
  readonly #table: Table<OwnershipRow>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#table = new Table(connection, 'ownerships');
  }

  get(storeId: StoreId): OwnershipRow | undefined {
    return this.#table.get({ storeId });
  }

  /** Writes down what `change` makes of what is there now, in one transaction; gives it back. Nothing is written where it is the same row. */
  change(storeId: StoreId, change: (row: OwnershipRow | undefined) => OwnershipRow | undefined): OwnershipRow | undefined {
    return this.#connection.transaction(() => {
      const before = this.get(storeId);
      const row = change(before);
      if (row !== undefined && row !== before && !this.#table.replace(row)) this.#table.insert(row);
      return row;
    });
  }
}
