import type { Row } from './row.ts';

/**
 * The rows that a tree has handed out, by their ids. A row that is listed again stays the object that it was, with new facts: the editor knows rows by
 * their identity, and keeps what is selected and open by it. What is listed no more is forgotten with all that was below it.
 */
export class ShownRows {
  readonly #byId = new Map<string, Row>();
  readonly #below = new Map<Row | undefined, readonly Row[]>();

  /** How many there are. */
  get size(): number {
    return this.#byId.size;
  }

  byId(id: string): Row | undefined {
    return this.#byId.get(id);
  }

  /** Takes what is now below `parent`, and gives the rows to be shown. A second row of the same id is left out: the editor would refuse the whole list. */
  put(parent: Row | undefined, listed: readonly Row[]): Row[] {
    const before = this.#below.get(parent) ?? [];
    const ids = new Set<string>();
    const rows: Row[] = [];
    for (const row of listed) {
      if (ids.has(row.facts.id)) continue;
      ids.add(row.facts.id);
      rows.push(this.#kept(row));
    }
    for (const row of before) if (!ids.has(row.facts.id)) this.#forget(row);
    for (const row of rows) {
      row.parent = parent;
      this.#byId.set(row.facts.id, row);
    }
    this.#below.set(parent, rows);
    return rows;
  }

  #kept(row: Row): Row {
    const known = this.#byId.get(row.facts.id);
    if (known === undefined) return row;
    known.renew(row.facts);
    return known;
  }

  #forget(row: Row): void {
    // It may have been listed below another row meanwhile.
    if (this.#byId.get(row.facts.id) === row) this.#byId.delete(row.facts.id);
    for (const child of this.#below.get(row) ?? []) this.#forget(child);
    this.#below.delete(row);
  }
}
