import type { LocationId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** What is set for disaster recovery while it is on. */
export interface RecoveryRecord {
  readonly locationId: LocationId;
  /** 16 bytes. */
  readonly drkId: Uint8Array;
  /** A sealed cell: see `recoveryCell`. */
  readonly drKeys: Uint8Array;
  /** JSON of the slot that the DR passphrase opens, byte for byte as every bundle carries it. */
  readonly drSlot: Uint8Array;
  readonly schedule: string;
  /** 1: also after each backup of an immutable policy. */
  readonly afterBackups: number;
  readonly enabledAt: string;
}

/** Where the sealed keys stand. */
export const recoveryCell: { readonly table: string; readonly column: string; readonly primaryKey: string } = {
  table: 'recovery',
  column: 'drKeys',
  primaryKey: '1',
};

/** Whether disaster recovery is on, and how. Readable while locked, but for the keys. */
export class RecoveryStore {
  readonly #table: Table<RecoveryRecord & { readonly single: number }>;

  constructor(connection: Connection) {
    this.#table = new Table(connection, recoveryCell.table);
  }

  /** `undefined`: it is off. */
  get(): RecoveryRecord | undefined {
    const row = this.#table.get({ single: 1 });
    if (row === undefined) return undefined;
    const { single: _, ...record } = row;
    return record;
  }

  /** Once: while it is on, the table refuses another row. */
  enable(record: RecoveryRecord): void {
    this.#table.insert({ single: 1, ...record });
  }

  disable(): void {
    this.#table.delete({ single: 1 });
  }
}
