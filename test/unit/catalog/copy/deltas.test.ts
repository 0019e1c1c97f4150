import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { applyDelta, writeDelta } from '../../../../daemon/catalog/copy/deltas.ts';
import { openCopy } from '../../../../daemon/catalog/copy/copyFile.ts';
import { writeCopy } from '../../../../daemon/catalog/copy/writeCopy.ts';
import { openCatalog } from '../../../../daemon/catalog/openCatalog.ts';
import { rowDigest } from '../../../../daemon/catalog/rowDigest.ts';
import { type Migration, migrations } from '../../../../daemon/catalog/schema.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { someLocation } from '../../../support/catalog.ts';
import { CopiedCatalog, forged, rowsOf } from '../../../support/copies.ts';
import { type Act, play } from '../../../support/copyHistories.ts';

const act: fc.Arbitrary<Act> = fc.record({
  what: fc.constantFrom('put', 'put', 'delete'),
  table: fc.nat(1000),
  row: fc.nat(1000),
  seed: fc.nat(1000),
});
const acts = fc.array(act, { maxLength: 120 });

const nextVersion = (migrations.at(-1)?.version ?? 0) + 1;
const next: Migration = {
  version: nextVersion,
  run: (database) => database.exec("ALTER TABLE locations ADD COLUMN note TEXT NOT NULL DEFAULT 'none'"),
};

describe('deltas between copies', () => {
  let bench: CopiedCatalog;
  beforeEach(() => {
    bench = new CopiedCatalog();
  });
  afterEach(() => bench[Symbol.dispose]());

  /** A copy that is given and a delta make the later one again. */
  function joined(basePath: string, laterPath: string): string {
    const [deltaPath, copyPath] = [bench.path(), bench.path()];
    assert.notEqual(writeDelta({ basePath, laterPath, deltaPath }), undefined);
    applyDelta({ basePath, deltaPath, copyPath });
    return copyPath;
  }

  it('D5: with their base they are the later copy, row for row, after any history in any table', function () {
    this.timeout(60_000);
    bench.catalog.close();
    fc.assert(
      fc.property(acts, acts, (before, between) => {
        const catalogPath = bench.path();
        copyFileSync(bench.folder.path, catalogPath);
        play(catalogPath, before);
        const basePath = bench.path();
        writeCopy({ catalogPath, copyPath: basePath });
        play(catalogPath, between);
        const laterPath = bench.path();
        writeCopy({ catalogPath, copyPath: laterPath });
        assert.deepEqual(rowsOf(joined(basePath, laterPath)), rowsOf(laterPath));
      }),
      { numRuns: 8 },
    );
  });

  it('D5: follow packs as they are reached and gone, and hold what has changed alone', () => {
    const packs = Array.from({ length: 50 }, () => bench.pack());
    const first = bench.point(packs.slice(0, 40));
    const { locationId } = bench.location;
    const base = bench.copy();
    bench.point(packs.slice(30, 45));
    bench.catalog.objects.change(locationId, packs[3]?.objectKey ?? '', { state: 'missing' });
    bench.catalog.restorePoints.setState(first.id, 'retired');
    const later = bench.copy();
    assert.deepEqual([base.leftOutPacks, later.leftOutPacks], [40, 44]);
    const deltaPath = bench.path();
    assert.deepEqual(writeDelta({ basePath: base.path, laterPath: later.path, deltaPath }), { rows: 7, removedRows: 5 });
    assert.deepEqual(rowsOf(joined(base.path, later.path)), rowsOf(later.path));
  });

  it('hold nothing where nothing has changed', () => {
    const [base, again] = [bench.copy(), bench.copy()];
    const facts = writeDelta({ basePath: base.path, laterPath: again.path, deltaPath: bench.path() });
    assert.deepEqual(facts, { rows: 0, removedRows: 0 });
  });

  it("let two rows take each other's names", () => {
    const { catalog, location } = bench;
    const other = someLocation({ name: 'other' });
    catalog.locations.add(other);
    const base = bench.copy();
    catalog.locations.change(other.locationId, { name: 'between' });
    catalog.locations.change(location.locationId, { name: other.name });
    catalog.locations.change(other.locationId, { name: location.name });
    const later = bench.copy();
    assert.deepEqual(rowsOf(joined(base.path, later.path)), rowsOf(later.path));
  });

  it('know which copy they build on', () => {
    const [base, other] = [bench.copy(), bench.copy()];
    bench.point([]);
    const later = bench.copy();
    const [deltaPath, copyPath] = [bench.path(), bench.path()];
    writeDelta({ basePath: base.path, laterPath: later.path, deltaPath });
    for (const basePath of [other.path, deltaPath]) {
      assert.throws(
        () => applyDelta({ basePath, deltaPath, copyPath }),
        (error) => HoldfastError.is(error, 'catalogDamaged'),
      );
    }
    assert.ok(!existsSync(copyPath));
    using made = openCopy(later.path, 'full', migrations);
    using rebuilt = openCopy(joined(base.path, later.path), 'full', migrations);
    assert.deepEqual(rebuilt.identity, made.identity);
  });

  it('are not made across schema versions: a full copy is needed then', () => {
    const base = bench.copy();
    bench.catalog.close();
    openCatalog(bench.folder.path, { migrations: [...migrations, next] }).close();
    const [laterPath, deltaPath] = [bench.path(), bench.path()];
    const newer = [...migrations, next];
    writeCopy({ catalogPath: bench.folder.path, copyPath: laterPath, migrations: newer });
    assert.equal(writeDelta({ basePath: base.path, laterPath, deltaPath, migrations: newer }), undefined);
    assert.ok(!existsSync(deltaPath));
  });

  it('M1: one that removes what cannot be is refused, and leaves nothing', () => {
    const base = bench.copy();
    bench.point([]);
    const deltaPath = bench.path();
    writeDelta({ basePath: base.path, laterPath: bench.copy().path, deltaPath });
    const before = readdirSync(bench.folder.folder).length;
    const rows = [
      ['nowhere', 'a', null, null, null],
      ['sequences', 'a', 'b', null, null],
      ['objects', 'a', null, null, null],
    ] as const;
    for (const [tableName, key1, key2, key3, key4] of rows) {
      const columns = ['tableName', 'key1', 'key2', 'key3', 'key4'];
      const digest = Buffer.from(rowDigest('removedRows', columns, { tableName, key1, key2, key3, key4 })).toString('hex');
      const sql = `INSERT INTO removedRows VALUES ('${tableName}', '${key1}', ${key2 === null ? 'NULL' : `'${key2}'`}, NULL, NULL, x'${digest}')`;
      const hostile = forged(deltaPath, bench.path(), sql);
      const copyPath = bench.path();
      assert.throws(
        () => applyDelta({ basePath: base.path, deltaPath: hostile, copyPath }),
        (error) => HoldfastError.is(error, 'catalogDamaged') && error.reason === 'it removes a row that cannot be',
      );
    }
    assert.equal(readdirSync(bench.folder.folder).length, before + 3);
  });
});
