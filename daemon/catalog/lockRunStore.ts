import type { LocationId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

interface LockRunRow {
  readonly locationId: LocationId;
  /** JSON of the room that runs the monitor. */
  readonly state: string;
}

/** How far the keeping of locks has come at each location. */
export class LockRunStore {
  readonly #table: Table<LockRunRow>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'lockRuns');
  }

  get(locationId: LocationId): string | undefined {
    return this.#table.get({ locationId })?.state;
  }

  set(locationId: LocationId, state: string): void {
    const row: LockRunRow = { locationId, state };
    if (!this.#table.replace(row)) this.#table.insert(row);
  }

  forgetLocation(locationId: LocationId): void {
    this.#table.delete({ locationId });
  }
}
