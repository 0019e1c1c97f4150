import type { PolicyId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** What is remembered of a policy's schedule. Times are RFC 3339. */
export interface ScheduleRecord {
  readonly policyId: PolicyId;
  /** As in the policy's definition, which is sealed. */
  readonly schedule: string;
  /** Since when it holds: when it was set, or the policy was resumed. */
  readonly since: string;
  readonly doneUntil: string;
  readonly failures: number;
  readonly retryAt: string | null;
}

/** A row for each policy that has a schedule. Readable and writable while locked. */
export class ScheduleStore {
  readonly #connection: Connection;
  readonly #table: Table<ScheduleRecord>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#table = new Table(connection, 'schedules');
  }

  list(): readonly ScheduleRecord[] {
    return this.#table.select('ORDER BY policyId');
  }

  get(policyId: PolicyId): ScheduleRecord | undefined {
    return this.#table.get({ policyId });
  }

  /** Takes the place of what was there. */
  put(record: ScheduleRecord): void {
    this.#connection.transaction(() => {
      if (!this.#table.replace(record)) this.#table.insert(record);
    });
  }

  remove(policyId: PolicyId): void {
    this.#table.delete({ policyId });
  }
}
