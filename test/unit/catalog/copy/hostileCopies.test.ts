import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { openCopy } from '../../../../daemon/catalog/copy/copyFile.ts';
import { highestNumber } from '../../../../daemon/catalog/copy/leftOutPacks.ts';
import { CatalogRebuild } from '../../../../daemon/catalog/copy/rebuildCatalog.ts';
import { encodeRuns } from '../../../../daemon/catalog/numberRuns.ts';
import { rowDigest } from '../../../../daemon/catalog/rowDigest.ts';
import { migrations } from '../../../../daemon/catalog/schema.ts';
import { columnsOf } from '../../../../daemon/catalog/table.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { timeAt } from '../../../support/catalog.ts';
import { CopiedCatalog, forged } from '../../../support/copies.ts';

/** What somebody who has the DR passphrase alone could put into a bundle. */
describe('copies that somebody else made', () => {
  let bench: CopiedCatalog;
  let home = '';
  let copyPath = '';
  beforeEach(() => {
    bench = new CopiedCatalog();
    home = join(bench.folder.folder, 'home');
    mkdirSync(home);
    bench.point([bench.pack(), bench.pack()]);
    copyPath = bench.copy().path;
  });
  afterEach(() => bench[Symbol.dispose]());

  function rebuild(path: string): void {
    new CatalogRebuild({ copyPath: path, catalogPath: join(home, 'catalog.db'), scratch: home }).finish(timeAt(5));
  }

  function refuses(path: string, what: string, reason?: string): void {
    assert.throws(
      () => rebuild(path),
      (error) =>
        HoldfastError.is(error, 'catalogDamaged') && error.message.includes('a copy') && (reason === undefined || error.reason === reason),
      what,
    );
    assert.deepEqual(readdirSync(home), [], what);
  }

  /** Changes a row and gives it the digest that it then has to have. */
  function rewritten(table: string, column: string, value: string | number | null | Uint8Array): string {
    const path = bench.path();
    copyFileSync(copyPath, path);
    using database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
    database.prepare(`UPDATE ${table} SET ${column} = ?`).run(value);
    const { columns } = columnsOf(database, table);
    for (const row of database.prepare(`SELECT rowid AS at, * FROM ${table}`).all()) {
      database.prepare(`UPDATE ${table} SET digest = ? WHERE rowid = ?`).run(rowDigest(table, columns, row), row['at'] ?? null);
    }
    return path;
  }

  it('M1: are refused where their schema says anything but ours does', () => {
    const otherSchema = 'its tables are not those of its schema version';
    const additions = [
      'CREATE TRIGGER gone AFTER INSERT ON policies BEGIN DELETE FROM restorePoints; END',
      'CREATE VIEW more AS SELECT * FROM passkeys',
      'CREATE TABLE more (a)',
      'CREATE INDEX more ON restorePoints (files)',
      'CREATE INDEX more ON restorePoints (abs(files)) WHERE files > 3',
      'ALTER TABLE policies ADD COLUMN more TEXT',
      "ALTER TABLE policies ADD COLUMN more TEXT AS (name || 'x')",
      'ALTER TABLE policies RENAME COLUMN name TO called',
      'DROP TABLE schedules',
      'CREATE VIRTUAL TABLE more USING fts5(a)',
      'CREATE TABLE removedRows (tableName TEXT)',
      'ANALYZE',
    ];
    for (const sql of additions) refuses(forged(copyPath, bench.path(), sql), sql, otherSchema);
    const loosened = `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ' STRICT', '') WHERE name = 'policies'`;
    refuses(forged(copyPath, bench.path(), loosened), 'not strict any more', otherSchema);
    const instead = `DROP TABLE schedules; CREATE VIEW schedules AS SELECT * FROM policies`;
    refuses(forged(copyPath, bench.path(), instead), 'a view in place of a table', otherSchema);
  });

  it('M1: are refused where the header of the file is not that of a copy', () => {
    refuses(bench.folder.path, 'a catalog', 'it is none');
    refuses(forged(copyPath, bench.path(), 'PRAGMA journal_mode = WAL'), 'written ahead', 'it is none');
    refuses(forged(copyPath, bench.path(), 'PRAGMA page_size = 8192; VACUUM'), 'other pages', 'it is none');
    refuses(forged(copyPath, bench.path(), 'PRAGMA application_id = 1'), 'of another program', 'it is none');
    refuses(forged(copyPath, bench.path(), 'PRAGMA user_version = 0'), 'of no version');
    refuses(forged(copyPath, bench.path(), 'PRAGMA user_version = 14'), 'of a version that it is not');
    const empty = bench.path();
    writeFileSync(empty, '');
    refuses(empty, 'empty', 'it is none');
  });

  it('M1: a delta is no full copy, nor the other way round', () => {
    assert.throws(
      () => openCopy(copyPath, 'delta', migrations),
      (error) => HoldfastError.is(error, 'catalogDamaged'),
    );
  });

  it('C5: are refused where rows are not what their digests say', () => {
    refuses(forged(copyPath, bench.path(), 'UPDATE restorePoints SET files = files + 1'), 'a changed row');
    refuses(forged(copyPath, bench.path(), "UPDATE leftOutPacks SET versionChecks = x'00000000'"), 'a changed block');
    refuses(forged(copyPath, bench.path(), 'DELETE FROM copyFacts'), 'nameless');
  });

  it('M3: are refused where numbers claim more than there can be', () => {
    const far = encodeRuns([highestNumber + 1]);
    // One run from 0 over more numbers than anybody can count.
    const endless = Uint8Array.from([0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    for (const runs of [far, endless, Uint8Array.from([0xff])]) {
      refuses(rewritten('reaches', 'runs', runs), 'reaches');
      refuses(rewritten('leftOutPacks', 'numbers', runs), 'leftOutPacks');
    }
    refuses(rewritten('leftOutPacks', 'objectIds', new Uint8Array(0)), 'no ids');
    refuses(rewritten('leftOutPacks', 'objectIds', new Uint8Array(32)), 'one id twice');
    refuses(rewritten('leftOutPacks', 'objectIds', new Uint8Array(16)), 'too few ids');
    refuses(rewritten('leftOutPacks', 'locationId', 'elsewhere'), 'a location that is not there');
    refuses(rewritten('leftOutPacks', 'numbers', encodeRuns([3, 4])), 'numbers that others have');
  });

  it('M3: are refused where a cell is longer than any', () => {
    refuses(rewritten('policies', 'definition', new Uint8Array(17 * 2 ** 20)), 'a long cell', 'a cell of table policies is too long');
  });

  it('M1: are refused where rows name others that are not there', () => {
    refuses(rewritten('restorePoints', 'policyId', 'nobody'), 'a restore point of no policy', 'its rows contradict each other');
  });

  it('X6: are refused cut off, and with any bit flipped that says something', function () {
    this.timeout(60_000);
    const whole = readFileSync(copyPath);
    for (const length of [whole.length - 4096, whole.length - 1, 4096, 512]) {
      const cut = bench.path();
      copyFileSync(copyPath, cut);
      truncateSync(cut, length);
      refuses(cut, `cut to ${length}`);
    }
    using original = openCopy(copyPath, 'full', migrations);
    const rows = contentOf(original.database, original.schema.tables);
    fc.assert(
      fc.property(fc.nat(whole.length * 8 - 1), (bit) => {
        const path = bench.path();
        const flipped = Buffer.from(whole);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        writeFileSync(path, flipped);
        try {
          using opened = openCopy(path, 'full', migrations);
          // Free space and counters say nothing.
          assert.deepEqual(contentOf(opened.database, opened.schema.tables), rows);
        } catch (error) {
          assert.ok(HoldfastError.is(error, 'catalogDamaged', 'catalogNewer'), String(error));
        }
      }),
      { numRuns: 30 },
    );
  });
});

function contentOf(database: DatabaseSync, tables: readonly { readonly name: string }[]): unknown {
  return tables.map(({ name }) => database.prepare(`SELECT * FROM ${name}`).all());
}
