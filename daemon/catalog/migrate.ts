import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../protocol/errors.ts';
import { catalogDamaged } from './catalogErrors.ts';
import { digestColumn, rowDigest, sameDigest } from './rowDigest.ts';
import { applicationId, type Migration } from './schema.ts';
import { columnsOf } from './table.ts';

/** `user_version` of the file: 0 of one that was never initialised. */
export function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

export const newestOf = (migrations: readonly Migration[]): number => migrations.at(-1)?.version ?? 0;

/** Refuses (`catalogNewer`) what a newer program wrote. */
export function refuseNewer(database: DatabaseSync, migrations: readonly Migration[]): void {
  const version = schemaVersion(database);
  if (version <= newestOf(migrations)) return;
  throw new HoldfastError(
    'catalogNewer',
    `Failed to open the catalog: its schema version is ${version}, and this program knows versions up to ${newestOf(migrations)}.`,
    { fix: 'Use the version of Holdfast that last had this state directory open, or a newer one.', details: { version } },
  );
}

/** Brings an older schema up to date, all steps in one transaction. The digests are made anew, since steps may add columns. */
export function migrate(database: DatabaseSync, migrations: readonly Migration[]): void {
  const from = schemaVersion(database);
  const steps = migrations.filter((migration) => migration.version > from);
  if (steps.length === 0) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const step of steps) step.run(database);
    for (const table of tablesOf(database)) renewDigests(database, table);
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${newestOf(steps)}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** All tables but SQLite's own, by name. */
export function tablesOf(database: DatabaseSync): readonly string[] {
  return database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")
    .all()
    .map((row) => String(row['name']));
}

function renewDigests(database: DatabaseSync, table: string): void {
  const { columns } = columnsOf(database, table);
  const update = database.prepare(`UPDATE ${table} SET ${digestColumn} = ? WHERE rowid = ?`);
  const rows = database.prepare(`SELECT rowid AS rowNumber, * FROM ${table}`).all();
  for (const row of rows) update.run(rowDigest(table, columns, row), row['rowNumber'] ?? null);
}

/** Compares every row of these tables with its digest, of all where none are named. Throws `catalogDamaged`. */
export function checkDigests(database: DatabaseSync, tables: readonly string[] = tablesOf(database)): void {
  for (const table of tables) {
    const { columns } = columnsOf(database, table);
    for (const row of database.prepare(`SELECT * FROM ${table}`).iterate()) {
      if (!sameDigest(rowDigest(table, columns, row), row[digestColumn])) {
        throw catalogDamaged(`a row of table ${table} is not what was written`);
      }
    }
  }
}
