import type { LocationId, PolicyId, RestorePointId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { decodeRuns, encodeRuns } from './numberRuns.ts';
import { Table } from './table.ts';

interface ReachRow {
  readonly restorePointId: RestorePointId;
  readonly locationId: LocationId;
  readonly policyId: PolicyId;
  /** Numbers of the ledger, see numberRuns.ts. */
  readonly runs: Uint8Array;
}

export interface ReachedNumbers {
  readonly restorePointId: RestorePointId;
  readonly policyId: PolicyId;
  readonly runs: Iterable<readonly [first: number, last: number]>;
}

/** Which objects of the ledger each restore point reaches, its own manifest among them. Not sealed: a locked daemon goes on extending. */
export class ReachStore {
  readonly #table: Table<ReachRow>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, 'reaches');
  }

  record(point: Omit<ReachRow, 'runs'>, numbers: Iterable<number>): void {
    const row: ReachRow = { ...point, runs: encodeRuns(numbers) };
    if (!this.#table.replace(row)) this.#table.insert(row);
  }

  /** `undefined` where nobody has looked. */
  of(restorePointId: RestorePointId): ReachedNumbers | undefined {
    const row = this.#table.get({ restorePointId });
    return row === undefined ? undefined : numbersOf(row);
  }

  atLocation(locationId: LocationId): readonly ReachedNumbers[] {
    return this.#table.select('WHERE locationId = ? ORDER BY restorePointId', [locationId]).map(numbersOf);
  }

  forget(restorePointId: RestorePointId): void {
    this.#table.delete({ restorePointId });
  }

  forgetLocation(locationId: LocationId): void {
    this.#table.delete({ locationId });
  }
}

const numbersOf = ({ restorePointId, policyId, runs }: ReachRow): ReachedNumbers => ({
  restorePointId,
  policyId,
  runs: { [Symbol.iterator]: () => decodeRuns(runs) },
});
