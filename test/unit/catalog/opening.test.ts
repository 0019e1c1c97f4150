import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openCatalog } from '../../../daemon/catalog/openCatalog.ts';
import { type Migration, migrations } from '../../../daemon/catalog/schema.ts';
import { type ErrorCode, HoldfastError } from '../../../protocol/errors.ts';
import { CatalogFolder, someLocation, someObject, somePoint, somePolicy } from '../../support/catalog.ts';

const hasCode = (code: ErrorCode) => (error: unknown) => HoldfastError.is(error, code);

const isOnWindows = process.platform === 'win32';
const nextVersion = (migrations.at(-1)?.version ?? 0) + 1;
const next: Migration = {
  version: nextVersion,
  run: (database) =>
    database.exec(
      "ALTER TABLE locations ADD COLUMN note TEXT NOT NULL DEFAULT 'none'; CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, digest BLOB NOT NULL) STRICT",
    ),
};

describe('opening the catalog', () => {
  let folder: CatalogFolder;
  beforeEach(() => {
    folder = new CatalogFolder();
  });
  afterEach(() => folder[Symbol.dispose]());

  it('makes a new one, whole, for this user alone, and leaves no other file', () => {
    const catalog = folder.open();
    assert.equal(catalog.installation.get(), undefined);
    catalog.locations.add(someLocation());
    for (const name of readdirSync(folder.folder)) {
      if (!isOnWindows) assert.equal(statSync(join(folder.folder, name)).mode & 0o777, 0o600, name);
    }
    catalog.close();
    assert.deepEqual(readdirSync(folder.folder), ['catalog.db']);
  });

  it('takes rights of others away from one that is there', function () {
    if (isOnWindows) this.skip();
    folder.open().close();
    chmodSync(folder.path, 0o644);
    folder.open();
    assert.equal(statSync(folder.path).mode & 0o777, 0o600);
  });

  it('writes ahead, and overwrites what is deleted', () => {
    const catalog = folder.open();
    const location = someLocation({ name: 'a name that must not stay behind' });
    catalog.locations.add(location);
    assert.ok(readdirSync(folder.folder).includes('catalog.db-wal'));
    catalog.forgetLocation(location.locationId);
    catalog.close();
    assert.ok(!readFileSync(folder.path).includes('must not stay behind'));
  });

  it('refuses what a newer program wrote, and leaves it as it is', () => {
    folder.open({ migrations: [...migrations, next] }).close();
    const before = readFileSync(folder.path);
    assert.throws(
      () => folder.open(),
      (error) => HoldfastError.is(error, 'catalogNewer') && error.fix !== undefined,
    );
    assert.deepEqual(readFileSync(folder.path), before);
  });

  it('brings an older one up to date with all that is in it', () => {
    const catalog = folder.open();
    const location = someLocation();
    const policy = somePolicy(location.locationId);
    const point = somePoint(policy.policyId, 1);
    catalog.locations.add(location);
    catalog.policies.add(policy);
    catalog.restorePoints.add(point);
    catalog.close();
    const newer = folder.open({ migrations: [...migrations, next] });
    assert.deepEqual(newer.locations.get(location.locationId), { ...location, note: 'none' });
    assert.deepEqual(newer.restorePoints.get(point.id)?.details, point.details);
    newer.close();
    folder.open({ migrations: [...migrations, next] }).close();
  });

  it('D3: a passkey in use that keyrings left out is in them again, and keyrings are behind', () => {
    const at = '2026-01-02T03:04:05.678Z';
    folder.open({ migrations: migrations.filter(({ version }) => version <= 10) }).close();
    const database = new DatabaseSync(folder.path);
    database.exec(`
      INSERT INTO passkeys (slotId, name, kind, slot, state, inUse, createdAt, digest) VALUES
        ('a', 'a', 'awsKms', '{}', 'ready', 1, '${at}', x'00'), ('b', 'b', 'awsKms', '{}', 'ready', 0, '${at}', x'00');
      INSERT INTO serviceKeys (slotId, access, leftKeyringsAt, replaces, digest) VALUES
        ('a', '{}', '${at}', NULL, x'00'), ('b', '{}', '${at}', 'a', x'00');
      INSERT INTO sequences (scope, last, digest) VALUES ('keyring', 4, x'00')`);
    migrations.find(({ version }) => version === 11)?.run(database);
    const rows = database.prepare('SELECT slotId, leftKeyringsAt, replaces FROM passkeys ORDER BY slotId').all();
    assert.deepEqual(
      rows.map((row) => Object.values(row)),
      [
        ['a', null, null],
        ['b', at, 'a'],
      ],
    );
    assert.equal(database.prepare('SELECT last FROM sequences').get()?.['last'], 5);
    database.close();
  });

  it('knows of each location when an audit last came through there', () => {
    folder.open({ migrations: migrations.filter(({ version }) => version <= 13) }).close();
    const database = new DatabaseSync(folder.path);
    for (const id of ['a', 'b']) {
      database.exec(
        `INSERT INTO locations (locationId, name, kind, spec, storeId, createdAt, digest) VALUES ('${id}', '${id}', 's3', '{}', '${id}', '', x'00')`,
      );
    }
    const audits = [
      ['a', 'complete', null, 2],
      ['a', 'failed', 'tampered', 3],
      ['a', 'failed', 'storeUnreachable', 4],
      ['b', 'cancelled', 'cancelled', 5],
      ['b', 'failed', 'daemonEnded', 6],
    ] as const;
    for (const [subject, state, code, day] of audits) {
      const at = `2026-01-0${day}T00:00:00.000Z`;
      database.exec(`INSERT INTO actions (actionId, kind, subject, state, requestId, queuedAt, finishedAt, progress, errorCode, subjectId, digest)
        VALUES ('${day}', 'auditLocks', '', '${state}', '${day}', '${at}', '${at}', '{}', ${code === null ? 'NULL' : `'${code}'`}, '${subject}', x'00')`);
    }
    migrations.find(({ version }) => version === 14)?.run(database);
    const rows = database.prepare('SELECT auditedAt FROM locations ORDER BY locationId').all();
    assert.deepEqual(
      rows.map((row) => row['auditedAt']),
      ['2026-01-03T00:00:00.000Z', null],
    );
    database.close();
  });

  it('changes nothing where a step of the migration fails', () => {
    const catalog = folder.open();
    catalog.locations.add(someLocation());
    catalog.close();
    const broken: Migration = {
      version: nextVersion,
      run: (database) => database.exec('ALTER TABLE locations ADD COLUMN note TEXT; INSERT INTO nowhere VALUES (1)'),
    };
    assert.throws(() => folder.open({ migrations: [...migrations, broken] }), hasCode('failed'));
    assert.equal(folder.open().locations.list().length, 1);
  });

  it('reads the catalog that the first version wrote', () => {
    const database = new DatabaseSync(':memory:');
    migrations[0]?.run(database);
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name").all();
    assert.deepEqual(
      tables.map((row) => row['name']),
      [
        'actions',
        'findings',
        'installation',
        'keyringCopies',
        'keyrings',
        'locations',
        'objects',
        'passkeys',
        'policies',
        'restorePoints',
        'runPins',
        'sequences',
      ],
    );
  });

  it('X6: refuses a row that changed under an open catalog, and goes on with the others', () => {
    const catalog = folder.open();
    catalog.locations.add(someLocation());
    const policy = somePolicy(catalog.locations.list()[0]?.locationId ?? someLocation().locationId);
    catalog.policies.add(policy);
    change(folder.path, "UPDATE locations SET spec = '{}'");
    assert.throws(() => catalog.locations.list(), hasCode('catalogDamaged'));
    assert.equal(catalog.policies.list()[0]?.policyId, policy.policyId);
  });

  for (const [title, damage] of [
    ['cut to nothing', (path: string) => truncateSync(path, 0)],
    ['cut short', (path: string) => truncateSync(path, 8192)],
    ['that is something else', (path: string) => writeFileSync(path, 'not a database, but long enough to look like one'.repeat(200))],
    ['that is another program’s database', replaceByForeign],
    ['with one table more', (path: string) => change(path, 'CREATE TABLE extra (a)')],
    ['with a trigger', (path: string) => change(path, 'CREATE TRIGGER t AFTER INSERT ON objects BEGIN DELETE FROM locations; END')],
    ['with a changed row', (path: string) => change(path, "UPDATE locations SET name = 'other'")],
    ['with a changed number', (path: string) => change(path, 'UPDATE objects SET size = size + 1')],
    ['with an impossible number', (path: string) => change(path, 'UPDATE objects SET size = 9223372036854775807')],
    ['of an unknown file format', (path: string) => setByte(path, 18, 3)],
    ['of an unknown schema format', (path: string) => setByte(path, 47, 5)],
    ['of another text encoding', (path: string) => setByte(path, 59, 2)],
    ['of another program by its id', (path: string) => setByte(path, 71, 0)],
    ['without its file, but with its log', leaveLogOnly],
  ] as const) {
    it(`X6 X8: refuses a catalog ${title} and names the way out`, () => {
      const catalog = folder.open();
      const location = someLocation();
      catalog.locations.add(location);
      catalog.objects.record(someObject(location.locationId, 'i/a'));
      catalog.close();
      damage(folder.path);
      assert.throws(
        () => openCatalog(folder.path),
        (error) => HoldfastError.is(error, 'catalogDamaged') && error.fix?.includes('import-stored') === true,
      );
    });
  }
});

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function setByte(path: string, offset: number, value: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = value;
  writeFileSync(path, bytes);
}

function replaceByForeign(path: string): void {
  rmSync(path);
  change(path, 'CREATE TABLE bookmarks (url TEXT); PRAGMA user_version = 1');
}

function leaveLogOnly(path: string): void {
  rmSync(path);
  writeFileSync(`${path}-wal`, 'x'.repeat(5000));
}
