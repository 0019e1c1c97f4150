import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Catalog } from './catalog.ts';
import { catalogDamaged, catalogError } from './catalogErrors.ts';
import { readFileHeader } from './fileHeader.ts';
import { checkDigests, migrate, refuseNewer, schemaVersion } from './migrate.ts';
import { applicationId, type Migration, migrations as knownMigrations } from './schema.ts';
import { checkWriteAheadLog, readIfThere } from './writeAheadLog.ts';

export interface CatalogOptions {
  /** The program's own where left out. */
  readonly migrations?: readonly Migration[];
  /** Milliseconds to wait for another process that writes; 5 s where left out. */
  readonly busyTimeout?: number;
  /** The file may have at most so many pages of 4 KiB: a full disk, for tests. */
  readonly maxPages?: number;
}

/**
 * Opens the catalog of a state directory, or makes a new one where there is no file. Everything in it is checked first: structure, schema and each row's digest.
 * Throws `catalogNewer` (a newer program wrote it), `catalogDamaged` (rebuild it with import-stored), `diskFailed`.
 */
export function openCatalog(path: string, options: CatalogOptions = {}): Catalog {
  const migrations = options.migrations ?? knownMigrations;
  let database: DatabaseSync | undefined;
  try {
    if (!existsSync(path)) create(path, migrations);
    if (process.platform !== 'win32') chmodSync(path, 0o600);
    checkFileHeader(path);
    checkWriteAheadLog(path);
    database = connect(path, options.busyTimeout ?? 5000);
    refuseNewer(database, migrations);
    check(database, migrations);
    migrate(database, migrations);
    database.exec('PRAGMA journal_mode = WAL');
    if (options.maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${options.maxPages}`);
    return new Catalog(database);
  } catch (error) {
    if (database?.isOpen === true) database.close();
    throw catalogError('open the catalog', error);
  }
}

function connect(path: string, timeout: number): DatabaseSync {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout, allowExtension: false });
  database.exec(`PRAGMA page_size = 4096; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL;
    PRAGMA temp_store = MEMORY`);
  return database;
}

/** The new file gets its name only when it is whole, so that a catalog without tables is always one that was damaged. */
function create(path: string, migrations: readonly Migration[]): void {
  if (readIfThere(`${path}-wal`) !== undefined) throw catalogDamaged('its file is gone, its write-ahead log is still there');
  const temporary = `${path}.${randomBytes(8).toString('hex')}.new`;
  closeSync(openSync(temporary, 'wx', 0o600));
  try {
    const database = connect(temporary, 0);
    try {
      migrate(database, migrations);
    } finally {
      database.close();
    }
    try {
      linkSync(temporary, path);
    } catch (error) {
      // Another process was faster: its catalog is as good.
      if (!existsSync(path)) throw error;
    }
  } finally {
    rmSync(temporary, { force: true });
    rmSync(`${temporary}-journal`, { force: true });
  }
  syncFolder(dirname(path));
}

function check(database: DatabaseSync, migrations: readonly Migration[]): void {
  const version = schemaVersion(database);
  if (version < 1) throw catalogDamaged('it has no schema version');
  const [finding] = database.prepare('PRAGMA integrity_check(1)').all();
  const said = String(finding?.['integrity_check']);
  if (said !== 'ok') throw catalogDamaged(`its structure is broken (${said.split('\n')[0] ?? ''})`);
  if (schemaText(database) !== expectedSchema(migrations, version)) throw catalogDamaged('its tables are not those of its schema version');
  checkDigests(database);
}

function checkFileHeader(path: string): void {
  const { isOurs, formats } = readFileHeader(path, applicationId);
  // Written and read as WAL, or not yet.
  if (!isOurs || !formats.every((format) => format === 1 || format === 2)) throw catalogDamaged('its file is no catalog');
}

function schemaText(database: DatabaseSync): string {
  return JSON.stringify(database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name').all());
}

/** What the schema of a version reads like, made by the same steps. */
function expectedSchema(migrations: readonly Migration[], version: number): string {
  const database = new DatabaseSync(':memory:', { enableForeignKeyConstraints: true });
  try {
    migrate(
      database,
      migrations.filter((migration) => migration.version <= version),
    );
    return schemaText(database);
  } finally {
    database.close();
  }
}

/** Makes the new name durable; Windows keeps names by itself. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
