import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CatalogCopier, removeLeftCopies } from '../../../../daemon/catalog/copy/catalogCopier.ts';
import { leftOutKey } from '../../../../daemon/catalog/copy/leftOutPacks.ts';
import { writeCopy } from '../../../../daemon/catalog/copy/writeCopy.ts';
import type { LedgerObject } from '../../../../daemon/catalog/objectLedger.ts';
import { packKey } from '../../../../daemon/repository/names.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { someAction, timeAt } from '../../../support/catalog.ts';
import { CopiedCatalog, rowsOf } from '../../../support/copies.ts';
import { newId } from '../../../support/ids.ts';

const workerUrl = new URL('../../../../daemon/worker.ts', import.meta.url);

/** Keys of the rows of the ledger that are in a copy. */
function keptKeys(path: string): ReadonlySet<string> {
  using database = new DatabaseSync(path, { readOnly: true });
  return new Set(
    database
      .prepare('SELECT objectKey FROM objects')
      .all()
      .map((row) => String(row['objectKey'])),
  );
}

/** What lies in a folder beside the catalog. */
function besides(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('catalog.db'));
}

describe('copies of the catalog', () => {
  let bench: CopiedCatalog;
  beforeEach(() => {
    bench = new CopiedCatalog();
  });
  afterEach(() => bench[Symbol.dispose]());

  it('D5: has every row but those of packs that an index names, and is for this user alone', () => {
    const packs = [bench.pack(), bench.pack()];
    bench.point(packs);
    const before = rowsOf(bench.folder.path);
    const { path, leftOutPacks } = bench.copy();
    assert.equal(leftOutPacks, 2);
    const inCopy = new Set(rowsOf(path));
    const lacking = before.filter((row) => !row.startsWith('--') && !inCopy.has(row));
    assert.equal(lacking.length, 2);
    assert.ok(packs.every(({ objectKey }) => lacking.some((row) => row.includes(objectKey))));
    if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('has no history of what this machine did, nor its alerts, and no cell of it in clear', () => {
    bench.catalog.actions.insert(someAction(), newId());
    bench.point([], { details: { description: 'only for those who have the key' } });
    const { path } = bench.copy();
    const tables = rowsOf(path).filter((row) => row.startsWith('--'));
    for (const name of ['actions', 'findings', 'alerts']) assert.ok(!tables.includes(`-- ${name}`), name);
    assert.ok(tables.includes('-- restorePoints'));
    assert.ok(!readFileSync(path).includes('only for those'));
  });

  it('leaves out what an index says alone', () => {
    const reached: Readonly<Record<string, LedgerObject>> = {
      missing: bench.pack({ state: 'missing' }),
      deleting: bench.pack({ state: 'deleting' }),
      condemned: bench.pack({ state: 'condemned' }),
      'without a version': bench.pack({ versionId: null }),
      'of which nobody has seen the bytes': bench.pack({ sha256: new Uint8Array(0) }),
      'with another name': bench.pack({ objectKey: `elsewhere/${randomBytes(16).toString('hex')}` }),
      'an index': bench.object('index'),
      'a canary': bench.object('canary'),
    };
    const plain = bench.pack();
    bench.point([...Object.values(reached), plain]);
    const ofNobody = bench.pack();
    const ofDamaged = bench.pack();
    bench.point([ofDamaged], { state: 'damaged' });
    const ofElsewhere = bench.pack();
    bench.point([ofElsewhere], { storeId: newId() });
    const index = bench.object('index', { state: 'missing' });
    const withoutIndex = bench.pack();
    const alsoOfAnother = bench.pack();
    bench.point([withoutIndex, alsoOfAnother, index]);
    bench.point([alsoOfAnother]);
    const ofRetired = bench.pack();
    bench.point([ofRetired], { state: 'retired' });

    const { path, leftOutPacks } = bench.copy();
    const kept = keptKeys(path);
    for (const [what, { objectKey }] of Object.entries(reached)) assert.ok(kept.has(objectKey), what);
    for (const { objectKey } of [ofNobody, ofDamaged, ofElsewhere, withoutIndex]) assert.ok(kept.has(objectKey));
    for (const { objectKey } of [plain, alsoOfAnother, ofRetired]) assert.ok(!kept.has(objectKey));
    assert.equal(leftOutPacks, 3);
  });

  it('leaves out packs of a folder, which has no versions', () => {
    using folder = new CopiedCatalog({ kind: 'filesystem', lockMode: null, protectionPeriodDays: null });
    const pack = folder.pack({ versionId: null });
    folder.point([pack]);
    assert.ok(!keptKeys(folder.copy().path).has(pack.objectKey));
  });

  it('knows packs by the name that they have in the store', () => {
    const { installationId, policyId } = bench;
    const objectId = randomBytes(16);
    assert.equal(leftOutKey(installationId, policyId, objectId), packKey(installationId, policyId, objectId));
  });

  it('X6: a row that is not what was written is found when the copy is made, and leaves no copy', () => {
    const point = bench.point([]);
    using database = new DatabaseSync(bench.folder.path);
    database.prepare('UPDATE restorePoints SET files = files + 1 WHERE id = ?').run(point.id);
    const copyPath = bench.path();
    assert.throws(
      () => writeCopy({ catalogPath: bench.folder.path, copyPath }),
      (error) => HoldfastError.is(error, 'catalogDamaged'),
    );
    assert.ok(!readdirSync(bench.folder.folder).some((name) => copyPath.endsWith(name)));
  });

  it('X6: a copy is of one moment, whatever is written meanwhile, and holds up no writer', async function () {
    this.timeout(60_000);
    for (let round = 0; round < 20; round += 1) bench.point([bench.pack()]);
    const [copyPath, framePath] = [bench.path(), bench.path()];
    const copier = new CatalogCopier(workerUrl);
    const ended = new AbortController();
    const made = copier
      .make({ catalogPath: bench.folder.path, basePath: null, copyPath, framePath }, new AbortController().signal)
      .finally(() => ended.abort());
    let written = 0;
    while (!ended.signal.aborted) {
      // Two rows that belong together.
      bench.catalog.transaction(() => {
        written += 1;
        bench.catalog.settings.set('autoLock', String(written));
        bench.catalog.settings.set('longestAbsence', String(written));
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal((await made).kind, 'full');
    using database = new DatabaseSync(copyPath, { readOnly: true });
    const values = database.prepare('SELECT value FROM settings').all();
    assert.equal(new Set(values.map(({ value }) => value)).size, values.length === 0 ? 0 : 1);
    assert.ok(written > 1);
  });

  it('X2: one that is given up leaves nothing, and what a crash left goes', async () => {
    bench.point([]);
    const [copyPath, framePath] = [bench.path(), bench.path()];
    const gaveUp = new AbortController();
    const copier = new CatalogCopier(workerUrl);
    const made = copier.make({ catalogPath: bench.folder.path, basePath: null, copyPath, framePath }, gaveUp.signal);
    gaveUp.abort(new Error('enough'));
    await assert.rejects(made, /enough/);
    assert.deepEqual(besides(bench.folder.folder), []);
    mkdirSync(join(bench.folder.folder, 'catalog-copy-abc'));
    await removeLeftCopies(bench.folder.folder);
    assert.deepEqual(besides(bench.folder.folder), []);
    assert.equal(bench.catalog.restorePoints.list().items[0]?.startedAt, timeAt(60));
  });
});
