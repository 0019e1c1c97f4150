import type { InstallationId, PolicyId, StoreId } from '../../protocol/ids.ts';
import type { SealedCells } from './cellSeal.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

/** What makes a policy an imported one: it is another installation's, and read here with the keys that this one exported. */
export interface ImportedPolicyRecord {
  readonly policyId: PolicyId;
  /** Whose it is. */
  readonly installationId: InstallationId;
  /** The store that holds its restore points. */
  readonly storeId: StoreId;
  /** Sealed by whoever holds the keys: they never pass through JSON. */
  readonly migrationKeys: Uint8Array;
  /** Of the import data. */
  readonly fingerprint: string;
  /** When that was made. */
  readonly madeAt: string;
  readonly importedAt: string;
  /** How often its restore points are looked for; `null`: only when somebody imports it again. */
  readonly pollSeconds: number | null;
  /** When they were last listed, and when that was last tried. */
  readonly refreshedAt: string;
  readonly triedAt: string;
  /** Why the last try came to nothing; `null` where it did not, and while locked. */
  readonly problem: string | null;
}

type Row = Omit<ImportedPolicyRecord, 'problem'> & { readonly problem: Uint8Array | null };

const table = 'importedPolicies';

/** The imported ones among the policies. */
export class ImportedPolicyStore {
  readonly #table: Table<Row>;
  readonly #cells: SealedCells;

  constructor(connection: Connection, cells: SealedCells) {
    this.#table = new Table(connection, table);
    this.#cells = cells;
  }

  get(policyId: PolicyId): ImportedPolicyRecord | undefined {
    const row = this.#table.get({ policyId });
    return row === undefined ? undefined : this.#fromRow(row);
  }

  has(policyId: PolicyId): boolean {
    return this.#table.get({ policyId }) !== undefined;
  }

  /** In no order that says anything. */
  list(): readonly ImportedPolicyRecord[] {
    return this.#table.select('ORDER BY policyId').map((row) => this.#fromRow(row));
  }

  /** Adds it, or writes it anew. Throws `locked` where there is a problem to seal and no seal. */
  set(record: ImportedPolicyRecord): void {
    const { policyId, problem } = record;
    const row: Row = { ...record, problem: problem === null ? null : this.#cells.seal(table, 'problem', policyId, problem) };
    if (!this.#table.replace(row)) this.#table.insert(row);
  }

  remove(policyId: PolicyId): void {
    this.#table.delete({ policyId });
  }

  #fromRow(row: Row): ImportedPolicyRecord {
    const problem = row.problem === null ? null : this.#cells.open(table, 'problem', row.policyId, row.problem);
    return { ...row, problem: typeof problem === 'string' ? problem : null };
  }
}
