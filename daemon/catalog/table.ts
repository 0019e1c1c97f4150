import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { catalogDamaged } from './catalogErrors.ts';
import type { Connection } from './connection.ts';
import { digestColumn, rowDigest, type SqlValue, sameDigest } from './rowDigest.ts';

type RowShape<Row> = { readonly [Column in keyof Row]: SqlValue };

/** The columns of a table without its digest, in their order, and those of its primary key. */
export function columnsOf(database: DatabaseSync, table: string): { readonly columns: readonly string[]; readonly key: readonly string[] } {
  const facts = database.prepare(`SELECT name, pk FROM pragma_table_info('${table}') ORDER BY cid`).all();
  const columns = facts.map((fact) => String(fact['name'])).filter((name) => name !== digestColumn);
  return { columns, key: facts.filter((fact) => Number(fact['pk']) > 0).map((fact) => String(fact['name'])) };
}

/**
 * One table of the catalog, its rows as SQLite keeps them. Every row that is read is checked against its digest (`catalogDamaged`), and every
 * write goes through here so that the digest is right. Column names come from the code alone, never from outside.
 */
export class Table<Row extends RowShape<Row>> {
  readonly name: string;
  readonly #connection: Connection;
  readonly #columns: readonly string[];
  readonly #key: readonly string[];
  readonly #statements: Map<string, StatementSync> = new Map();

  constructor(connection: Connection, name: string) {
    this.name = name;
    this.#connection = connection;
    const { columns, key } = columnsOf(connection.database, name);
    this.#columns = columns;
    this.#key = key;
  }

  insert(row: Row): void {
    const names = [...this.#columns, digestColumn];
    this.#run(`INSERT INTO ${this.name} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`, this.#valuesWithDigest(row));
  }

  /** Writes all columns of an existing row anew; `false` where it is gone. */
  replace(row: Row): boolean {
    const names = [...this.#columns, digestColumn];
    const where = this.#key.map((column) => `${column} = ?`).join(' AND ');
    const values: Readonly<Record<string, SqlValue>> = row;
    const keys = this.#key.map((column) => values[column] ?? null);
    const sql = `UPDATE ${this.name} SET ${names.map((column) => `${column} = ?`).join(', ')} WHERE ${where}`;
    return this.#run(sql, [...this.#valuesWithDigest(row), ...keys]) > 0;
  }

  /** Changes some columns of the one row that `where` names; gives the new row, or `undefined` where there is none. */
  change(where: Partial<Row>, changes: Partial<Row>): Row | undefined {
    const row = this.get(where);
    if (row === undefined) return undefined;
    const changed: Row = { ...row, ...changes };
    this.replace(changed);
    return changed;
  }

  get(where: Partial<Row>): Row | undefined {
    const names = Object.keys(where);
    return this.select(`WHERE ${names.map((column) => `${column} IS ?`).join(' AND ')} LIMIT 1`, this.#valuesOf(names, where))[0];
  }

  /** The rows that `tail` (WHERE … ORDER BY … LIMIT …) gives. */
  select(tail: string, values: readonly SqlValue[] = []): readonly Row[] {
    const sql = `SELECT ${this.#columns.join(', ')}, ${digestColumn} FROM ${this.name} ${tail}`;
    return this.#read(() => this.#statement(sql).all(...values)).map((found) => this.#checked(found));
  }

  /** Some columns of many rows, one after the other and not checked against their digests: for figures, never for what is acted upon. */
  *scan<Column extends keyof Row & string>(
    columns: readonly Column[],
    tail: string,
    values: readonly SqlValue[] = [],
  ): Generator<Pick<Row, Column>> {
    const statement = this.#connection.database.prepare(`SELECT ${columns.join(', ')} FROM ${this.name} ${tail}`);
    for (const row of this.#read(() => statement.iterate(...values))) if (hasColumns<Pick<Row, Column>>(row, columns)) yield row;
  }

  /** One number, such as a count or a sum; 0 where there is nothing to count. */
  number(expression: string, tail: string, values: readonly SqlValue[] = []): number {
    const found = this.#read(() => this.#statement(`SELECT ${expression} AS number FROM ${this.name} ${tail}`).get(...values));
    return Number(found?.['number'] ?? 0);
  }

  /** Deletes what `where` names; gives the count. */
  delete(where: Partial<Row>): number {
    const names = Object.keys(where);
    return this.#run(
      `DELETE FROM ${this.name} WHERE ${names.map((column) => `${column} IS ?`).join(' AND ')}`,
      this.#valuesOf(names, where),
    );
  }

  #valuesOf(names: readonly string[], where: Partial<Row>): readonly SqlValue[] {
    const values: Readonly<Record<string, SqlValue | undefined>> = where;
    return names.map((column) => values[column] ?? null);
  }

  #valuesWithDigest(row: Row): readonly SqlValue[] {
    const values: Readonly<Record<string, SqlValue>> = row;
    return [...this.#columns.map((column) => values[column] ?? null), rowDigest(this.name, this.#columns, values)];
  }

  #checked(found: Record<string, unknown>): Row {
    const { [digestColumn]: digest, ...row } = found;
    if (!sameDigest(rowDigest(this.name, this.#columns, row), digest) || !this.#isRow(row)) {
      throw catalogDamaged(`a row of table ${this.name} is not what was written`);
    }
    return row;
  }

  /** A row whose digest holds is one that `insert` or `replace` took as a `Row`. */
  #isRow(row: Record<string, unknown>): row is Row & Record<string, unknown> {
    return this.#columns.every((column) => column in row);
  }

  #run(sql: string, values: readonly SQLInputValue[]): number {
    return Number(this.#connection.write(`write table ${this.name} of the catalog`, () => this.#statement(sql).run(...values)).changes);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#connection.database.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #read<Result>(work: () => Result): Result {
    return this.#connection.read(`read table ${this.name} of the catalog`, work);
  }
}

function hasColumns<Some>(row: Record<string, unknown>, columns: readonly string[]): row is Some & Record<string, unknown> {
  return columns.every((column) => column in row);
}
