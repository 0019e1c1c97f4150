import { DatabaseSync } from 'node:sqlite';
import { digestColumn, rowDigest, type SqlValue } from '../../daemon/catalog/rowDigest.ts';
import { columnsOf } from '../../daemon/catalog/table.ts';

/** One act upon one row of any table: `table` and `row` choose by their remainders, `seed` what is written. */
export interface Act {
  readonly what: 'put' | 'delete';
  readonly table: number;
  readonly row: number;
  readonly seed: number;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isKey: boolean;
  readonly isNullable: boolean;
}

const keysEach = 4;
const texts = ['a', 'ä', '\u{1f512}', "'", '%', ' '];

/**
 * Does these acts to a catalog behind its back: in any table, with any values that its columns take, and right digests. What a constraint refuses is left
 * out. Every table of the schema takes part, whatever it is called.
 */
export function play(path: string, acts: readonly Act[]): void {
  using database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name").all();
  const tables = names.map(({ name }) => ({ name: String(name), columns: columnsIn(database, String(name)) }));
  database.exec('PRAGMA synchronous = OFF; BEGIN');
  for (const { what, table, row, seed } of acts) {
    const { name, columns } = tables[table % tables.length] ?? { name: '', columns: [] };
    const values = columns.map((column, at) => valueOf(column, column.isKey ? (row % keysEach) + at : seed + at, seed));
    const keys = columns.flatMap((column, at) => (column.isKey ? [{ name: column.name, value: values[at] ?? null }] : []));
    if (what === 'delete') {
      const where = keys.map((key) => `${key.name} = ?`).join(' AND ');
      database.prepare(`DELETE FROM ${name} WHERE ${where}`).run(...keys.map(({ value }) => value));
      continue;
    }
    const written = columnsOf(database, name).columns;
    const digest = rowDigest(name, written, Object.fromEntries(columns.map((column, at) => [column.name, values[at] ?? null])));
    const list = [...written, digestColumn];
    const sql = `INSERT OR REPLACE INTO ${name} (${list.join(', ')}) VALUES (${list.map(() => '?').join(', ')})`;
    try {
      database.prepare(sql).run(...values, digest);
    } catch (error) {
      if (!(error instanceof Error && /constraint/.test(error.message))) throw error;
    }
  }
  database.exec('COMMIT');
}

function columnsIn(database: DatabaseSync, table: string): readonly Column[] {
  return database
    .prepare(`SELECT name, type, pk, "notnull" AS required FROM pragma_table_info('${table}') ORDER BY cid`)
    .all()
    .filter(({ name }) => name !== digestColumn)
    .map(({ name, type, pk, required }) => ({
      name: String(name),
      type: String(type),
      isKey: Number(pk) > 0,
      isNullable: Number(required) === 0 && Number(pk) === 0,
    }));
}

/** Text has 24 characters, as times have to have. */
function valueOf({ name, type, isNullable }: Column, number: number, seed: number): SqlValue {
  if (name === 'single') return 1;
  if (isNullable && number % 3 === 0) return null;
  if (type === 'INTEGER') return number % 5 === 0 ? -number : number % 7 === 0 ? Number.MAX_SAFE_INTEGER - number : number;
  if (type === 'BLOB') return name === 'runs' ? new Uint8Array([number % 100, 3]) : Buffer.alloc(number % 40, seed % 251);
  return `${number}${texts[number % texts.length] ?? ''}`.padEnd(24, '.').slice(0, 24);
}
