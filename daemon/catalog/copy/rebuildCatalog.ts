import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { HoldfastError } from '../../../protocol/errors.ts';
import { migrate } from '../migrate.ts';
import { decodeRuns } from '../numberRuns.ts';
import { syncFolder } from '../openCatalog.ts';
import { digestColumn, rowDigest, type SqlValue } from '../rowDigest.ts';
import { type Migration, migrations as knownMigrations } from '../schema.ts';
import { columnsOf } from '../table.ts';
import { copyDamaged, copyError, frozenUri, makeFile, openCopy } from './copyFile.ts';
import { type CopySchema, leftOutPacksTable } from './copySchema.ts';
import { ExpectedPacks, type ExpectedPack, type IndexedPack, type PackOrigin } from './expectedPacks.ts';
import { highestNumber, leftOutKey } from './leftOutPacks.ts';

export interface RebuildOptions {
  /** A full copy, or what a delta and its base have given. */
  readonly copyPath: string;
  /** Of a state directory that has none. */
  readonly catalogPath: string;
  /** Where the catalog is made until it gets its name; a folder on the same disk. */
  readonly scratch: string;
  readonly migrations?: readonly Migration[];
}

export interface RebuildFacts {
  /** Of the copy; the catalog is of the newest. */
  readonly schemaVersion: number;
  /** Of the packs whose rows the copy leaves out, how many came back how. */
  readonly packs: Readonly<Record<PackOrigin, number>>;
}

/** A row of the ledger that is made anew, by the newest schema. */
type LedgerRow = Readonly<Record<string, SqlValue>>;

/**
 * Makes the catalog of a new state directory out of a copy: its rows alone, into tables of our own, brought up to date. What indexes name is told to `name` before
 * `finish`; each expected pack gets its row in the ledger back, with its number, its lock not yet read. Blocks its thread.
 */
export class CatalogRebuild {
  readonly #options: RebuildOptions;
  readonly #schema: CopySchema;
  readonly #expected: ExpectedPacks;

  /** Throws `catalogDamaged`, `catalogNewer`, and `targetNotEmpty` where there is a catalog already. */
  constructor(options: RebuildOptions) {
    this.#options = options;
    refuseExisting(options.catalogPath);
    using copy = openCopy(options.copyPath, 'full', options.migrations ?? knownMigrations);
    this.#schema = copy.schema;
    try {
      checkNumbers(copy.database);
      this.#expected = new ExpectedPacks(copy.database);
    } catch (error) {
      throw copyError(error);
    }
  }

  get expectedPacks(): number {
    return this.#expected.count;
  }

  name(packs: Iterable<IndexedPack>): void {
    for (const pack of packs) this.#expected.name(pack);
  }

  /** The catalog gets its name when it is whole. `recordedAt`: RFC 3339, when the ledger heard of what comes back now. */
  finish(recordedAt: string): RebuildFacts {
    const { catalogPath, scratch } = this.#options;
    const temporary = join(scratch, `${randomBytes(8).toString('hex')}.new`);
    try {
      const packs = makeFile(temporary, (database) => this.#fill(database, recordedAt));
      refuseExisting(catalogPath);
      linkSync(temporary, catalogPath);
      syncFolder(dirname(catalogPath));
      return { schemaVersion: this.#schema.version, packs };
    } catch (error) {
      throw copyError(error);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  #fill(database: DatabaseSync, recordedAt: string): RebuildFacts['packs'] {
    const { copyPath, migrations = knownMigrations } = this.#options;
    const { version, tables } = this.#schema;
    // Indexes of a million rows grow in memory.
    database.exec('PRAGMA cache_size = -65536');
    migrate(
      database,
      migrations.filter((migration) => migration.version <= version),
    );
    database.prepare('ATTACH ? AS copy').run(frozenUri(copyPath));
    database.exec('BEGIN');
    for (const { name, columns } of tables) {
      const list = columns.join(', ');
      if (name !== leftOutPacksTable) database.exec(`INSERT INTO main.${name} (${list}) SELECT ${list} FROM copy.${name}`);
    }
    database.exec('COMMIT; DETACH copy');
    if (database.prepare('PRAGMA foreign_key_check').get() !== undefined) throw copyDamaged('its rows contradict each other');
    migrate(database, migrations);
    return this.#addPacks(database, recordedAt);
  }

  #addPacks(database: DatabaseSync, recordedAt: string): RebuildFacts['packs'] {
    const installationId = String(database.prepare('SELECT installationId FROM installation').get()?.['installationId'] ?? '');
    const isThere = database.prepare('SELECT 1 FROM locations WHERE locationId = ?');
    for (const locationId of this.#expected.locationIds) {
      if (isThere.get(locationId) === undefined) throw copyDamaged('it leaves out packs of a location that it does not know');
    }
    // Made anew behind the last row, they cost a third.
    const indexes = database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'objects' AND sql IS NOT NULL")
      .all();
    for (const { name } of indexes) database.exec(`DROP INDEX ${String(name)}`);
    const { columns } = columnsOf(database, 'objects');
    const names = [...columns, digestColumn];
    const insert = database.prepare(`INSERT INTO objects (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
    const counts = { same: 0, other: 0, unnamed: 0 };
    database.exec('BEGIN');
    for (const pack of this.#expected.rows()) {
      const row = ledgerRow(pack, installationId, recordedAt);
      insert.run(...columns.map((column) => row[column] ?? null), rowDigest('objects', columns, row));
      counts[pack.origin] += 1;
    }
    for (const { sql } of indexes) database.exec(String(sql));
    database.exec('COMMIT');
    return counts;
  }
}

/** As after an import: whether it is there, and until when it is locked, the store has to say. */
function ledgerRow(
  { locationId, policyId, objectId, versionId, size, sha256, number }: ExpectedPack,
  installationId: string,
  recordedAt: string,
): LedgerRow {
  return {
    locationId,
    objectKey: leftOutKey(installationId, policyId, objectId),
    policyId,
    kind: 'pack',
    objectId,
    versionId,
    size,
    sha256,
    state: 'present',
    recordedAt,
    readBackAt: null,
    retainUntil: null,
    lockReadAt: null,
    number,
  };
}

/** Whoever keeps a bit for each number of a location must be able to. */
function checkNumbers(database: DatabaseSync): void {
  const outside = database.prepare('SELECT 1 FROM objects WHERE number < 0 OR number > ? LIMIT 1').get(highestNumber);
  if (outside !== undefined) throw copyDamaged('it has a number that no ledger gives');
  for (const { runs } of database.prepare('SELECT runs FROM reaches').iterate()) {
    if (!(runs instanceof Uint8Array)) throw copyDamaged('what a restore point reaches is nothing');
    for (const [, last] of decodeRuns(runs)) if (last > highestNumber) throw copyDamaged('a restore point reaches what no ledger has');
  }
}

function refuseExisting(catalogPath: string): void {
  if (!existsSync(catalogPath) && !existsSync(`${catalogPath}-wal`)) return;
  throw HoldfastError.failedTo('targetNotEmpty', 'restore the catalog', 'the state directory has one already', {
    fix: 'Recover into a state directory of its own, or move the catalog that is there aside.',
  });
}
