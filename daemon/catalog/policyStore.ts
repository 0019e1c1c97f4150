import { HoldfastError } from '../../protocol/errors.ts';
import type { LocationId, PolicyId } from '../../protocol/ids.ts';
import type { SealedCells } from './cellSeal.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

export interface PolicyRecord {
  readonly policyId: PolicyId;
  readonly name: string;
  /** `null` once the policy is deleted and its location removed. */
  readonly locationId: LocationId | null;
  /** What the policies room stored, JSON; sealed, so `undefined` while locked. */
  readonly definition: unknown;
  readonly keyGeneration: number;
  readonly createdAt: string;
  readonly paused: boolean;
  readonly deletedAt: string | null;
}

export type PolicyChanges = Partial<Pick<PolicyRecord, 'name' | 'locationId' | 'definition' | 'keyGeneration' | 'paused'>>;

type Row = Omit<PolicyRecord, 'definition' | 'paused'> & { readonly definition: Uint8Array; readonly paused: number };

const table = 'policies';

/** The policies, deleted ones included: their restore points keep the name. */
export class PolicyStore {
  readonly #table: Table<Row>;
  readonly #cells: SealedCells;

  constructor(connection: Connection, cells: SealedCells) {
    this.#table = new Table(connection, table);
    this.#cells = cells;
  }

  /** Throws `nameTaken`, `locked`. */
  add(policy: PolicyRecord): void {
    this.#refuseTaken(policy);
    this.#table.insert({ ...policy, paused: policy.paused ? 1 : 0, definition: this.#sealed(policy.policyId, policy.definition) });
  }

  get(policyId: PolicyId): PolicyRecord | undefined {
    const row = this.#table.get({ policyId });
    return row === undefined ? undefined : this.#fromRow(row);
  }

  /** The one of that name that is not deleted. */
  byName(name: string): PolicyRecord | undefined {
    const row = this.#table.get({ name, deletedAt: null });
    return row === undefined ? undefined : this.#fromRow(row);
  }

  /** By name. A person makes each by hand, so this list has no pages. */
  list(options: { readonly includeDeleted?: boolean } = {}): readonly PolicyRecord[] {
    const tail = options.includeDeleted === true ? '' : 'WHERE deletedAt IS NULL ';
    return this.#table.select(`${tail}ORDER BY name, createdAt, policyId`).map((row) => this.#fromRow(row));
  }

  /** Those not deleted that store at a location. */
  atLocation(locationId: LocationId): readonly PolicyRecord[] {
    return this.#table.select('WHERE locationId = ? AND deletedAt IS NULL ORDER BY name', [locationId]).map((row) => this.#fromRow(row));
  }

  /** Throws `unknownName`, `nameTaken`, `locked`. */
  change(policyId: PolicyId, changes: PolicyChanges): void {
    const row = this.#table.get({ policyId });
    if (row === undefined) throw unknownPolicy(policyId);
    const { definition, paused, ...plain } = changes;
    const changed: Row = {
      ...row,
      ...plain,
      ...(definition === undefined ? {} : { definition: this.#sealed(policyId, definition) }),
      ...(paused === undefined ? {} : { paused: paused ? 1 : 0 }),
    };
    if (changed.deletedAt === null) this.#refuseTaken(changed);
    this.#table.replace(changed);
  }

  /** Marks it deleted; its restore points stay. */
  delete(policyId: PolicyId, at: string): void {
    if (this.#table.change({ policyId }, { deletedAt: at }) === undefined) throw unknownPolicy(policyId);
  }

  /** Without a trace: for imported ones, once nothing names it. */
  remove(policyId: PolicyId): void {
    this.#table.delete({ policyId });
  }

  /** Of deleted policies: their location is no more. */
  forgetLocation(locationId: LocationId): void {
    for (const row of this.#table.select('WHERE locationId = ?', [locationId])) this.#table.replace({ ...row, locationId: null });
  }

  #sealed(policyId: PolicyId, definition: unknown): Uint8Array {
    return this.#cells.seal(table, 'definition', policyId, definition);
  }

  #fromRow(row: Row): PolicyRecord {
    return { ...row, paused: row.paused === 1, definition: this.#cells.open(table, 'definition', row.policyId, row.definition) };
  }

  #refuseTaken(policy: { readonly policyId: PolicyId; readonly name: string }): void {
    const taken = this.#table.get({ name: policy.name, deletedAt: null });
    if (taken === undefined || taken.policyId === policy.policyId) return;
    throw new HoldfastError('nameTaken', `Failed to name the policy ${policy.name}: another policy has this name.`, {
      fix: 'Choose another name.',
    });
  }
}

function unknownPolicy(policyId: PolicyId): HoldfastError {
  return new HoldfastError('unknownName', `Failed to find policy ${policyId}: there is none.`);
}
