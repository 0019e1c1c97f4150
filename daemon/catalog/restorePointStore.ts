import { HoldfastError } from '../../protocol/errors.ts';
import type { PolicyId, RestorePointId, StoreId } from '../../protocol/ids.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import type { SealedCells } from './cellSeal.ts';
import { type CursorKey, decodeCursor, limitOf, pageFrom } from './paging.ts';
import type { SqlValue } from './rowDigest.ts';
import type { Connection } from './connection.ts';
import { Table } from './table.ts';

export type RestorePointState = 'live' | 'retired' | 'damaged';
export type VerifiedResult = 'ok' | 'damaged';

export interface RestorePointRecord {
  /** The manifest's objectId as a UUID. */
  readonly id: RestorePointId;
  readonly policyId: PolicyId;
  readonly sequence: number;
  readonly manifestKey: string;
  readonly versionId: string | null;
  /** Of the manifest's stored bytes. */
  readonly sha256: Uint8Array;
  readonly length: number;
  readonly storeId: StoreId;
  readonly startedAt: string;
  /** The manifest's claimed.finished: uploadEndTime in the command line. */
  readonly finishedAt: string;
  readonly storeTime: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly addedBytes: number;
  readonly outcome: 'complete' | 'completeWithWarnings';
  readonly state: RestorePointState;
  readonly pinned: boolean;
  readonly verifiedAt: string | null;
  readonly verifiedResult: VerifiedResult | null;
  /** Description, statistics, what was skipped, …: JSON, sealed, so `undefined` while locked. */
  readonly details: unknown;
}

export interface RestorePointFilter extends PageParams {
  readonly policyId?: PolicyId;
  /** Those that started at this time or later. */
  readonly since?: string;
  readonly includeRetired?: boolean;
}

type Row = Omit<RestorePointRecord, 'details' | 'pinned'> & { readonly details: Uint8Array; readonly pinned: number };

const table = 'restorePoints';

/** Every acknowledged restore point; retired ones stay. Dates and counts are readable while locked. */
export class RestorePointStore {
  readonly #table: Table<Row>;
  readonly #cells: SealedCells;

  constructor(connection: Connection, cells: SealedCells) {
    this.#table = new Table(connection, table);
    this.#cells = cells;
  }

  /** The last step of a backup: what is here is acknowledged. Throws `locked`. */
  add(point: RestorePointRecord): void {
    this.#table.insert({
      ...point,
      pinned: point.pinned ? 1 : 0,
      details: this.#cells.seal(table, 'details', point.id, point.details ?? null),
    });
  }

  get(id: RestorePointId): RestorePointRecord | undefined {
    return this.#one(this.#table.get({ id }));
  }

  /** Up to `limit` whose ids begin with `prefix`: two of them mean that it is ambiguous. */
  byIdPrefix(prefix: string, limit = 2): readonly RestorePointRecord[] {
    if (!/^[0-9a-f-]{1,36}$/.test(prefix)) return [];
    return this.#table
      .select('WHERE id >= ? AND id < ? ORDER BY id LIMIT ?', [prefix, `${prefix}~`, limit])
      .map((row) => this.#fromRow(row));
  }

  /** The newest of a policy is the one of the highest sequence; of all policies, the one that started last. Retired ones do not count. */
  newest(policyId?: PolicyId): RestorePointRecord | undefined {
    return this.list({ ...(policyId === undefined ? {} : { policyId }), limit: 1 }).items[0];
  }

  /** The newest of a policy that was finished at this time or before. */
  newestAt(policyId: PolicyId, time: string): RestorePointRecord | undefined {
    const tail = "WHERE policyId = ? AND finishedAt <= ? AND state <> 'retired' ORDER BY sequence DESC, id DESC LIMIT 1";
    return this.#one(this.#table.select(tail, [policyId, time])[0]);
  }

  /** Retired ones included: what the head of a policy is, and what `previous` names. Two of one sequence are a fork. */
  bySequence(policyId: PolicyId, sequence: number): readonly RestorePointRecord[] {
    return this.#table.select('WHERE policyId = ? AND sequence = ? ORDER BY id', [policyId, sequence]).map((row) => this.#fromRow(row));
  }

  /** The highest sequence of a policy, retired ones included: the head. */
  head(policyId: PolicyId): RestorePointRecord | undefined {
    return this.#one(this.#table.select('WHERE policyId = ? ORDER BY sequence DESC, id DESC LIMIT 1', [policyId])[0]);
  }

  /** Newest first: of one policy by sequence, else by start. */
  list(filter: RestorePointFilter = {}): Page<RestorePointRecord> {
    const ofOnePolicy = filter.policyId !== undefined;
    const limit = limitOf(filter);
    const conditions: string[] = [];
    const values: SqlValue[] = [];
    const only = (condition: string, ...more: readonly SqlValue[]): void => {
      conditions.push(condition);
      values.push(...more);
    };
    if (filter.policyId !== undefined) only('policyId = ?', filter.policyId);
    if (filter.since !== undefined) only('startedAt >= ?', filter.since);
    if (filter.includeRetired !== true) only("state <> 'retired'");
    const sortColumn = ofOnePolicy ? 'sequence' : 'startedAt';
    const after = decodeCursor(filter.after, ofOnePolicy ? [0, ''] : ['', '']);
    if (after !== undefined) only(`(${sortColumn}, id) < (?, ?)`, after[0] ?? null, after[1] ?? null);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')} `;
    const rows = this.#table.select(`${where}ORDER BY ${sortColumn} DESC, id DESC LIMIT ?`, [...values, limit + 1]);
    const keyOf = (row: Row): CursorKey => [ofOnePolicy ? row.sequence : row.startedAt, row.id];
    return pageFrom(rows, limit, keyOf, (row) => this.#fromRow(row));
  }

  /** All whose objects have to stay, of one policy by rising sequence: what a manifest's `live` lists. Retired ones that an import has pinned are among them. */
  kept(policyId: PolicyId): readonly RestorePointRecord[] {
    return this.#table
      .select("WHERE policyId = ? AND (state <> 'retired' OR pinned = 1) ORDER BY sequence, id", [policyId])
      .map((row) => this.#fromRow(row));
  }

  /** All that are not retired, of one policy by rising sequence. */
  live(policyId: PolicyId): readonly RestorePointRecord[] {
    return this.#table
      .select("WHERE policyId = ? AND state <> 'retired' ORDER BY sequence, id", [policyId])
      .map((row) => this.#fromRow(row));
  }

  /** All of one store whose objects have to stay, as `kept` has them of one policy. Imported ones are the other installation's to keep. */
  keptAt(storeId: StoreId): readonly Pick<RestorePointRecord, 'id' | 'policyId'>[] {
    return this.#table
      .select(
        "WHERE storeId = ? AND (state <> 'retired' OR pinned = 1) AND policyId NOT IN (SELECT policyId FROM importedPolicies) ORDER BY policyId, sequence, id",
        [storeId],
      )
      .map(({ id, policyId }) => ({ id, policyId }));
  }

  /** Whether some at this store are retired and not pinned: their objects may go. */
  hasRetired(storeId: StoreId): boolean {
    return this.#table.number('count(*)', "WHERE storeId = ? AND state = 'retired' AND pinned = 0", [storeId]) > 0;
  }

  /** Of all policies. */
  damaged(): readonly RestorePointRecord[] {
    return this.#table.select("WHERE state = 'damaged' ORDER BY startedAt, id").map((row) => this.#fromRow(row));
  }

  countLive(policyId: PolicyId): number {
    return this.#table.number('count(*)', "WHERE policyId = ? AND state <> 'retired'", [policyId]);
  }

  setState(id: RestorePointId, state: RestorePointState): void {
    this.#change(id, { state });
  }

  setPinned(id: RestorePointId, pinned: boolean): void {
    this.#change(id, { pinned: pinned ? 1 : 0 });
  }

  setVerified(id: RestorePointId, at: string, result: VerifiedResult): void {
    this.#change(id, { verifiedAt: at, verifiedResult: result });
  }

  /** Throws `locked`. */
  setDetails(id: RestorePointId, details: unknown): void {
    this.#change(id, { details: this.#cells.seal(table, 'details', id, details ?? null) });
  }

  /** For retired ones whose manifest is gone from the store. Whoever calls sees to it that a policy's head stays. */
  remove(id: RestorePointId): void {
    this.#table.delete({ id });
  }

  /** Of a policy that leaves the catalog as a whole. */
  removeAllOf(policyId: PolicyId): void {
    this.#table.delete({ policyId });
  }

  #change(id: RestorePointId, changes: Partial<Row>): void {
    if (this.#table.change({ id }, changes) !== undefined) return;
    throw new HoldfastError('unknownName', `Failed to find restore point ${id}: there is none.`);
  }

  #one(row: Row | undefined): RestorePointRecord | undefined {
    return row === undefined ? undefined : this.#fromRow(row);
  }

  #fromRow(row: Row): RestorePointRecord {
    return { ...row, pinned: row.pinned === 1, details: this.#cells.open(table, 'details', row.id, row.details) };
  }
}
