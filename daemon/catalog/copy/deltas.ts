import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { newestOf } from '../migrate.ts';
import { digestColumn, rowDigest } from '../rowDigest.ts';
import { type Migration, migrations as knownMigrations } from '../schema.ts';
import { beginCopy, copyDamaged, copyError, copyIdentity, fileError, frozenUri, makeFile, openCopy } from './copyFile.ts';
import { type CopiedTable, copySchema, removedRowsTable } from './copySchema.ts';

export interface DeltaOptions {
  /** The full copy that the delta builds on. */
  readonly basePath: string;
  /** A full copy that was made later. */
  readonly laterPath: string;
  /** A file that is not there yet. */
  readonly deltaPath: string;
  readonly migrations?: readonly Migration[];
}

export interface DeltaFacts {
  /** New or changed. */
  readonly rows: number;
  readonly removedRows: number;
}

export interface ApplyOptions {
  readonly basePath: string;
  readonly deltaPath: string;
  /** A file that is not there yet. */
  readonly copyPath: string;
  readonly migrations?: readonly Migration[];
}

const keyColumns = ['key1', 'key2', 'key3', 'key4'] as const;
const removedColumns = ['tableName', ...keyColumns] as const;

/**
 * Writes what makes the later one of two full copies out of the earlier one: the rows that are new or not the same, and the keys of those that are gone. `undefined`,
 * and nothing is written, where the two are of different schema versions: then a full copy is needed. Blocks its thread.
 */
export function writeDelta({ basePath, laterPath, deltaPath, migrations = knownMigrations }: DeltaOptions): DeltaFacts | undefined {
  const schema = copySchema(migrations, newestOf(migrations), 'delta');
  try {
    const [base, later] = [copyIdentity(basePath), copyIdentity(laterPath)];
    if (base.version !== schema.version || later.version !== schema.version) return undefined;
    return makeFile(deltaPath, (database) => {
      beginCopy(database, schema, { copyId: later.copyId, baseId: base.copyId });
      attach(database, { base: basePath, later: laterPath });
      database.exec('BEGIN');
      let [rows, removedRows] = [0, 0];
      for (const table of schema.tables) {
        rows += addChanged(database, table);
        removedRows += addRemoved(database, table);
      }
      database.exec('COMMIT; DETACH base; DETACH later');
      return { rows, removedRows };
    });
  } catch (error) {
    throw fileError('compare two copies of the catalog', error);
  }
}

/**
 * Puts the later copy together again, row for row, from a full copy and a delta upon it; both may come from anywhere. Throws `catalogDamaged` where either is no such thing, or the
 * delta builds on another copy, and `catalogNewer`. Blocks its thread.
 */
export function applyDelta({ basePath, deltaPath, copyPath, migrations = knownMigrations }: ApplyOptions): void {
  try {
    using base = openCopy(basePath, 'full', migrations);
    using delta = openCopy(deltaPath, 'delta', migrations);
    const { copyId, baseId } = delta.identity;
    if (base.schema.version !== delta.schema.version || baseId === null || Buffer.compare(baseId, base.identity.copyId) !== 0) {
      throw copyDamaged('the delta builds on another copy');
    }
    const removed = removedKeys(delta.database, delta.schema.tables);
    makeFile(copyPath, (database) => {
      beginCopy(database, base.schema, { copyId, baseId: null });
      attach(database, { base: basePath, delta: deltaPath });
      database.exec('BEGIN');
      for (const { name, columns, key } of base.schema.tables) {
        const list = columns.join(', ');
        const isSame = key.map((column) => `changed.${column} = kept.${column}`).join(' AND ');
        database.exec(`INSERT INTO main.${name} (${list}) SELECT ${list} FROM base.${name} AS kept
          WHERE NOT EXISTS (SELECT 1 FROM delta.${name} AS changed WHERE ${isSame})`);
        const remove = database.prepare(`DELETE FROM main.${name} WHERE ${key.map((column) => `${column} = ?`).join(' AND ')}`);
        for (const values of removed.get(name) ?? []) remove.run(...values);
        database.exec(`INSERT INTO main.${name} (${list}) SELECT ${list} FROM delta.${name}`);
      }
      database.exec('COMMIT; DETACH base; DETACH delta');
    });
  } catch (error) {
    throw copyError(error);
  }
}

function attach(database: DatabaseSync, files: Readonly<Record<string, string>>): void {
  for (const [name, path] of Object.entries(files)) database.prepare(`ATTACH ? AS ${name}`).run(frozenUri(path));
}

/** Whole rows are compared: nothing rests upon digests here. */
function addChanged(database: DatabaseSync, { name, columns, key }: CopiedTable): number {
  const list = columns.join(', ');
  const isSame = columns.map((column) => `old.${column} ${key.includes(column) ? '=' : 'IS'} new.${column}`).join(' AND ');
  const { changes } = database
    .prepare(`INSERT INTO main.${name} (${list}) SELECT ${list} FROM later.${name} AS new
      WHERE NOT EXISTS (SELECT 1 FROM base.${name} AS old WHERE ${isSame})`)
    .run();
  return Number(changes);
}

function addRemoved(database: DatabaseSync, { name, key }: CopiedTable): number {
  const isSame = key.map((column) => `new.${column} = old.${column}`).join(' AND ');
  const gone = database.prepare(`SELECT ${key.join(', ')} FROM base.${name} AS old
    WHERE NOT EXISTS (SELECT 1 FROM later.${name} AS new WHERE ${isSame})`);
  const names = [...removedColumns, digestColumn];
  const insert = database.prepare(`INSERT INTO main.${removedRowsTable} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
  let count = 0;
  for (const found of gone.iterate()) {
    const row = { tableName: name, ...Object.fromEntries(keyColumns.map((column, at) => [column, found[key[at] ?? ''] ?? null])) };
    const values: Readonly<Record<string, SQLOutputValue>> = row;
    insert.run(...removedColumns.map((column) => values[column] ?? null), rowDigest(removedRowsTable, removedColumns, row));
    count += 1;
  }
  return count;
}

function removedKeys(database: DatabaseSync, tables: readonly CopiedTable[]): ReadonlyMap<string, readonly (readonly SQLOutputValue[])[]> {
  const found = new Map<string, SQLOutputValue[][]>(tables.map(({ name }) => [name, []]));
  const widths = new Map(tables.map(({ name, key }) => [name, key.length]));
  for (const row of database.prepare(`SELECT ${removedColumns.join(', ')} FROM ${removedRowsTable}`).iterate()) {
    const name = String(row['tableName']);
    const values = keyColumns.map((column) => row[column] ?? null);
    const width = widths.get(name);
    const isKey = width !== undefined && values.every((value, at) => at < width === (value !== null));
    if (!isKey) throw copyDamaged('it removes a row that cannot be');
    found.get(name)?.push(values.slice(0, width));
  }
  return found;
}
