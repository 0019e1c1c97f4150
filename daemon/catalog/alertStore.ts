import { HoldfastError } from '../../protocol/errors.ts';
import type { Page, PageParams } from '../../protocol/method.ts';
import type { Alert, AlertKind } from '../../protocol/methods/alerts.ts';
import type { SealedCells } from './cellSeal.ts';
import type { Connection } from './connection.ts';
import { decodeCursor, limitOf, pageFrom } from './paging.ts';
import { Table } from './table.ts';

export interface AlertRow extends Alert {
  readonly subjectId: string;
  readonly snoozedAt: string | null;
}

type AlertRowChanges = Partial<
  Pick<AlertRow, 'severity' | 'subject' | 'message' | 'fix' | 'detail' | 'state' | 'snoozedAt' | 'snoozedUntil' | 'resolvedAt'>
>;

type Row = Omit<AlertRow, 'id' | 'detail'> & { readonly alertId: string; readonly detail: Uint8Array | null };

const table = 'alerts';

/** Alerts, resolved ones included. Readable and writable while locked, but for what an error said: that may name files and is sealed. */
export class AlertStore {
  readonly #table: Table<Row>;
  readonly #cells: SealedCells;

  constructor(connection: Connection, cells: SealedCells) {
    this.#table = new Table(connection, table);
    this.#cells = cells;
  }

  /** Whether details can be read and written now; where not, every one reads as `null`. */
  get detailsAreOpen(): boolean {
    return this.#cells.isOpen;
  }

  /** `failed` where one of its kind and subject is there that is not resolved. */
  add({ id, detail, ...plain }: AlertRow): void {
    this.#table.insert({ ...plain, alertId: id, detail: this.#sealed(id, detail) });
  }

  get(id: string): AlertRow | undefined {
    return this.#one(this.#table.get({ alertId: id }));
  }

  /** Up to two whose ids begin with `prefix`: two of them mean that it is ambiguous. */
  byIdPrefix(prefix: string): readonly AlertRow[] {
    if (!/^[0-9a-f-]{1,36}$/.test(prefix)) return [];
    return this.#table
      .select('WHERE alertId >= ? AND alertId < ? ORDER BY alertId LIMIT 2', [prefix, `${prefix}~`])
      .map((row) => this.#fromRow(row));
  }

  raised(kind: AlertKind, subjectId: string): AlertRow | undefined {
    return this.#one(this.#table.get({ kind, subjectId, resolvedAt: null }));
  }

  unresolved(): readonly AlertRow[] {
    return this.#table.select('WHERE resolvedAt IS NULL ORDER BY since DESC, alertId DESC').map((row) => this.#fromRow(row));
  }

  /** Newest first. */
  list(params: PageParams & { readonly all: boolean }): Page<AlertRow> {
    const limit = limitOf(params);
    const after = decodeCursor(params.after, ['', '']);
    const conditions = [...(params.all ? [] : ['resolvedAt IS NULL']), ...(after === undefined ? [] : ['(since, alertId) < (?, ?)'])];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')} `;
    const rows = this.#table.select(`${where}ORDER BY since DESC, alertId DESC LIMIT ?`, [...(after ?? []), limit + 1]);
    return pageFrom(
      rows,
      limit,
      (row) => [row.since, row.alertId],
      (row) => this.#fromRow(row),
    );
  }

  /** What was sealed before stays where there is no seal now. Throws `unknownName`. */
  change(id: string, { detail, ...plain }: AlertRowChanges): void {
    const sealed = detail === undefined || !this.#cells.isOpen ? {} : { detail: this.#sealed(id, detail) };
    if (this.#table.change({ alertId: id }, { ...plain, ...sealed }) !== undefined) return;
    throw new HoldfastError('unknownName', `Failed to find alert ${id}: there is none.`);
  }

  forgetResolved(keep: number): void {
    const tail = 'WHERE resolvedAt IS NOT NULL ORDER BY resolvedAt DESC, alertId DESC LIMIT -1 OFFSET ?';
    for (const { alertId } of this.#table.select(tail, [keep])) this.#table.delete({ alertId });
  }

  #sealed(id: string, detail: string | null): Uint8Array | null {
    return detail === null || !this.#cells.isOpen ? null : this.#cells.seal(table, 'detail', id, detail);
  }

  #one(row: Row | undefined): AlertRow | undefined {
    return row === undefined ? undefined : this.#fromRow(row);
  }

  #fromRow({ alertId, detail, ...plain }: Row): AlertRow {
    const opened = detail === null ? undefined : this.#cells.open(table, 'detail', alertId, detail);
    return { ...plain, id: alertId, detail: typeof opened === 'string' ? opened : null };
  }
}
