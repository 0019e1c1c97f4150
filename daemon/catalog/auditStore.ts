import type { Page, PageParams } from '../../protocol/method.ts';
import type { Connection } from './connection.ts';
import { decodeCursor, limitOf, pageFrom } from './paging.ts';
import { Table } from './table.ts';

/** One row of the audit log as it is stored: docs/format.md, The audit log. */
export interface AuditRow {
  /** 1 and up, without gaps. */
  readonly sequence: number;
  /** As in the entry. */
  readonly outcome: string;
  /** As in the entry: the sequence of the row whose act this one ends. */
  readonly ends: number | null;
  /** JSON text; its bytes are what is hashed. */
  readonly entry: string;
  /** SHA-256 over the hash before it and the entry. */
  readonly hash: Uint8Array;
}

/** The newest row: what names a whole log, wherever it is kept. */
export type AuditHead = Pick<AuditRow, 'sequence' | 'hash'>;

/** As many as surely fit into one message. */
const pageRows = 250;

/** The rows of the audit log. They are added and never changed; nothing takes one away. */
export class AuditStore {
  readonly #connection: Connection;
  readonly #table: Table<AuditRow>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#table = new Table(connection, 'auditLog');
  }

  /** `undefined` where nothing was written yet. Of a copy of the catalog: what was written when it was made. */
  head(): AuditHead | undefined {
    const [last] = this.#table.select('ORDER BY sequence DESC LIMIT 1');
    return last === undefined ? undefined : { sequence: last.sequence, hash: last.hash };
  }

  /** Writes the row that `make` gives for the head as it is; on the disk when it returns. */
  append(make: (head: AuditHead | undefined) => AuditRow): AuditRow {
    return this.#connection.transaction(() => {
      const row = make(this.head());
      this.#table.insert(row);
      return row;
    });
  }

  /** Newest first. */
  list(page: PageParams = {}): Page<AuditRow> {
    const limit = Math.min(limitOf(page), pageRows);
    const after = decodeCursor(page.after, [0]);
    const where = after === undefined ? '' : 'WHERE sequence < ? ';
    const rows = this.#table.select(`${where}ORDER BY sequence DESC LIMIT ?`, [...(after ?? []), limit + 1]);
    return pageFrom(
      rows,
      limit,
      (row) => [row.sequence],
      (row) => row,
    );
  }

  /** Up to `limit` rows behind one, oldest first and as they lie there: whoever checks the chain wants to see what is wrong. */
  rowsBehind(sequence: number, limit: number): readonly AuditRow[] {
    const tail = 'WHERE sequence > ? ORDER BY sequence LIMIT ?';
    return [...this.#table.scan(['sequence', 'outcome', 'ends', 'entry', 'hash'], tail, [sequence, limit])];
  }

  count(): number {
    return this.#table.number('count(*)', '');
  }

  /** What was begun and not ended, oldest first. */
  unended(): readonly AuditRow[] {
    return this.#table.select(
      "WHERE outcome = 'begun' AND NOT EXISTS (SELECT 1 FROM auditLog AS ended WHERE ended.ends = auditLog.sequence) ORDER BY sequence",
    );
  }
}
