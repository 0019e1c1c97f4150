import { DatabaseSync } from 'node:sqlite';
import { migrate, schemaVersion, tablesOf } from '../migrate.ts';
import { digestColumn } from '../rowDigest.ts';
import type { Migration } from '../schema.ts';
import { columnsOf } from '../table.ts';

/** "HOLC", in the header of the file: a copy is no catalog, and is never opened as one. */
export const copyApplicationId = 0x484f4c43;

/** The version from which on copies are made. */
export const oldestCopiedVersion = 14;

/**
 * Tables that no copy has. Actions and their findings are what this machine did and how far it came: on another one nothing of it is under way, and what
 * they did to stored data stands in the other tables. Alerts are raised anew by whatever still is so.
 */
const leftOut: ReadonlySet<string> = new Set(['actions', 'findings', 'alerts']);

export const copyFactsTable = 'copyFacts';
export const leftOutPacksTable = 'leftOutPacks';
export const removedRowsTable = 'removedRows';

/**
 * What a copy has beside the tables of the catalog. `copyFacts`: which copy it is and, of a delta, which one it builds on. `leftOutPacks`: packs whose rows
 * are left out, see leftOutPacks.ts.
 */
const ownTables = [
  `CREATE TABLE ${copyFactsTable} (single INTEGER NOT NULL PRIMARY KEY CHECK (single = 1), copyId BLOB NOT NULL, baseId BLOB, digest BLOB NOT NULL) STRICT`,
  `CREATE TABLE ${leftOutPacksTable} (
  locationId TEXT NOT NULL, policyId TEXT NOT NULL, block INTEGER NOT NULL, numbers BLOB NOT NULL, objectIds BLOB NOT NULL, versionChecks BLOB NOT NULL,
  digest BLOB NOT NULL, PRIMARY KEY (locationId, policyId, block)) STRICT`,
];
/** The primary keys of rows that a delta takes away, in the order of the table's columns; null behind the last of them. */
const deltaTable = `CREATE TABLE ${removedRowsTable} (tableName TEXT NOT NULL, key1 ANY NOT NULL, key2 ANY, key3 ANY, key4 ANY, digest BLOB NOT NULL) STRICT`;

export type CopyKind = 'full' | 'delta';

export interface CopiedTable {
  readonly name: string;
  /** All, the digest last. */
  readonly columns: readonly string[];
  /** Of the primary key. */
  readonly key: readonly string[];
}

export interface CopySchema {
  readonly version: number;
  /** What makes the tables: of the catalog first as its migrations have left them, without indexes. */
  readonly statements: readonly string[];
  /** The tables whose rows are copied one to one; `copyFacts` and `removedRows` are not among them. */
  readonly tables: readonly CopiedTable[];
}

/** The schema of copies of a catalog of some version: tables alone, for whoever takes one back makes its indexes anew. */
export function copySchema(migrations: readonly Migration[], version: number, kind: CopyKind): CopySchema {
  using database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  migrate(
    database,
    migrations.filter((migration) => migration.version <= version),
  );
  const names = tablesOf(database).filter((name) => !leftOut.has(name));
  const textOf = database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?");
  const statements = [...names.map((name) => String(textOf.get(name)?.['sql'])), ...ownTables, ...(kind === 'delta' ? [deltaTable] : [])];
  for (const statement of ownTables) database.exec(statement);
  const tables = [...names, leftOutPacksTable].map((name): CopiedTable => {
    const { columns, key } = columnsOf(database, name);
    return { name, columns: [...columns, digestColumn], key };
  });
  return { version: schemaVersion(database), statements, tables };
}

/** What `schemaText` gives of a file that was made by this schema. */
export function expectedText(schema: CopySchema): string {
  using database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false });
  for (const statement of schema.statements) database.exec(statement);
  return schemaText(database);
}

/** Everything that a schema says, as SQLite keeps it. */
export function schemaText(database: DatabaseSync): string {
  return JSON.stringify(database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all());
}
