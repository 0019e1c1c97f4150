import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CatalogCopier } from '../../../../daemon/catalog/copy/catalogCopier.ts';
import { expandCopy } from '../../../../daemon/catalog/copy/copyFrame.ts';
import { createReadStream } from 'node:fs';
import { CatalogRebuild } from '../../../../daemon/catalog/copy/rebuildCatalog.ts';
import { oldestCopiedVersion } from '../../../../daemon/catalog/copy/copySchema.ts';
import { writeCopy } from '../../../../daemon/catalog/copy/writeCopy.ts';
import type { LedgerObject } from '../../../../daemon/catalog/objectLedger.ts';
import { openCatalog } from '../../../../daemon/catalog/openCatalog.ts';
import { type Migration, migrations } from '../../../../daemon/catalog/schema.ts';
import { HoldfastError } from '../../../../protocol/errors.ts';
import { CopiedCatalog, indexed, named } from '../../../support/copies.ts';
import { timeAt } from '../../../support/catalog.ts';

const workerUrl = new URL('../../../../daemon/worker.ts', import.meta.url);
const never = new AbortController().signal;

const nextVersion = (migrations.at(-1)?.version ?? 0) + 1;
const next: Migration = {
  version: nextVersion,
  run: (database) => database.exec("ALTER TABLE locations ADD COLUMN note TEXT NOT NULL DEFAULT 'none'"),
};

/** What comes back of a row that was left out. */
function withoutDates(object: LedgerObject | undefined): unknown {
  return { ...object, recordedAt: null, readBackAt: null, retainUntil: null, lockReadAt: null };
}

describe('a catalog out of a copy', () => {
  let bench: CopiedCatalog;
  let home = '';
  const catalogPath = (): string => join(home, 'catalog.db');
  beforeEach(() => {
    bench = new CopiedCatalog();
    home = join(bench.folder.folder, 'home');
    mkdirSync(home);
  });
  afterEach(() => bench[Symbol.dispose]());

  function rebuild(
    copyPath: string,
    packs: readonly LedgerObject[],
    known: readonly Migration[] = migrations,
  ): ReturnType<CatalogRebuild['finish']> {
    const work = new CatalogRebuild({ copyPath, catalogPath: catalogPath(), scratch: home, migrations: known });
    work.name(packs.map((pack) => indexed(pack)));
    return work.finish(timeAt(5));
  }

  it('X8 D5: is what it was, from a full bundle and a delta upon it, through their frames and threads', async function () {
    this.timeout(60_000);
    const { catalog, policyId, location } = bench;
    const packs = Array.from({ length: 40 }, () => bench.pack());
    bench.point(packs.slice(0, 30));
    const copier = new CatalogCopier(workerUrl);
    const [basePath, framePath, deltaPath] = [bench.path(), bench.path(), bench.path()];
    const from = { catalogPath: bench.folder.path };
    const full = await copier.make({ ...from, basePath: null, copyPath: basePath, framePath }, never);
    bench.point(packs.slice(20));
    catalog.auditLog.append(() => ({ sequence: 1, outcome: 'done', ends: null, entry: '{}', hash: randomBytes(32) }));
    const delta = await copier.make({ ...from, basePath, copyPath: bench.path(), framePath: deltaPath }, never);
    assert.deepEqual([full.kind, delta.kind, delta.baseId], ['full', 'delta', full.copyId]);
    assert.deepEqual([full.leftOutPacks, delta.leftOutPacks], [30, 40]);
    assert.deepEqual([full.restorePoints, delta.restorePoints], [1, 2]);
    assert.deepEqual([full.audit, delta.audit], [null, catalog.auditLog.head()]);
    const files: string[] = [];
    for (const [path, { frame }] of [
      [framePath, full],
      [deltaPath, delta],
    ] as const) {
      const out = bench.path();
      await expandCopy(createReadStream(path), frame, out);
      files.push(out);
    }
    const [copyPath = '', expandedDelta = ''] = files;
    const job = { copyPath, deltaPath: expandedDelta, catalogPath: catalogPath(), recordedAt: timeAt(5), packs: named(packs) };
    const facts = await copier.restore(job, never);
    assert.deepEqual(facts.packs, { same: 40, other: 0, unnamed: 0 });
    assert.deepEqual(readdirSync(home), ['catalog.db']);
    if (process.platform !== 'win32') assert.equal(statSync(catalogPath()).mode & 0o777, 0o600);

    using restored = openCatalog(catalogPath());
    restored.useSeal(bench.folder.seal);
    assert.deepEqual(restored.installation.get(), catalog.installation.get());
    assert.deepEqual(restored.locations.list(), catalog.locations.list());
    assert.deepEqual(restored.policies.get(policyId), catalog.policies.get(policyId));
    assert.deepEqual(restored.restorePoints.list(), catalog.restorePoints.list());
    const ledgerOf = (of: typeof catalog): readonly LedgerObject[] =>
      of.objects.list({ locationId: location.locationId, limit: 1000 }).items;
    assert.deepEqual(
      ledgerOf(restored).map((row) => withoutDates(row)),
      ledgerOf(catalog).map((row) => withoutDates(row)),
    );
    assert.deepEqual(
      restored.reaches.atLocation(location.locationId).map(({ runs }) => [...runs]),
      catalog.reaches.atLocation(location.locationId).map(({ runs }) => [...runs]),
    );
    const pack = restored.objects.get(location.locationId, packs[0]?.objectKey ?? '');
    assert.deepEqual([pack?.recordedAt, pack?.retainUntil, pack?.lockReadAt], [timeAt(5), null, null]);
  });

  it('takes of what indexes say the version that the ledger knew, and says where there is none', () => {
    const packs = [bench.pack(), bench.pack(), bench.pack()] as const;
    bench.point(packs);
    const copyPath = bench.copy().path;
    const [same, other, unnamed] = packs;
    const facts = rebuild(copyPath, [
      { ...same, versionId: 'of a later index' },
      same,
      { ...same, versionId: 'again' },
      { ...other, versionId: 'its own' },
      bench.pack(),
    ]);
    assert.deepEqual(facts.packs, { same: 1, other: 1, unnamed: 1 });
    using restored = openCatalog(catalogPath());
    const row = ({ locationId, objectKey }: LedgerObject): LedgerObject | undefined => restored.objects.get(locationId, objectKey);
    assert.equal(row(same)?.versionId, same.versionId);
    assert.equal(row(other)?.versionId, 'its own');
    assert.deepEqual(
      [row(unnamed)?.versionId, row(unnamed)?.state, row(unnamed)?.size, row(unnamed)?.number],
      [null, 'present', 0, unnamed.number],
    );
  });

  it('gives numbers on where the ledger left off', () => {
    const packs = [bench.pack(), bench.pack()];
    bench.point(packs);
    const last = bench.catalog.objects.lastNumber(bench.location.locationId);
    rebuild(bench.copy().path, []);
    using restored = openCatalog(catalogPath());
    assert.equal(restored.objects.lastNumber(bench.location.locationId), last);
  });

  it('is brought up to date where the copy is of an older version', () => {
    const pack = bench.pack();
    bench.point([pack]);
    const copyPath = bench.copy().path;
    assert.equal(rebuild(copyPath, [pack], [...migrations, next]).schemaVersion, nextVersion - 1);
    using restored = openCatalog(catalogPath(), { migrations: [...migrations, next] });
    assert.equal(Object.entries(restored.locations.list()[0] ?? {}).find(([name]) => name === 'note')?.[1], 'none');
    assert.equal(restored.objects.get(pack.locationId, pack.objectKey)?.number, pack.number);
  });

  it('is brought up to date from every version that copies were made of', () => {
    for (let version = oldestCopiedVersion; version < nextVersion; version += 1) {
      const old = migrations.filter((migration) => migration.version <= version);
      const [source, copyPath] = [bench.path(), bench.path()];
      openCatalog(source, { migrations: old }).close();
      writeCopy({ catalogPath: source, copyPath, migrations: old });
      const target = bench.path();
      new CatalogRebuild({ copyPath, catalogPath: target, scratch: home }).finish(timeAt(5));
      openCatalog(target).close();
    }
  });

  it('is refused with one sentence where a newer program made the copy', () => {
    bench.catalog.close();
    const newer = [...migrations, next];
    openCatalog(bench.folder.path, { migrations: newer }).close();
    const copyPath = bench.path();
    writeCopy({ catalogPath: bench.folder.path, copyPath, migrations: newer });
    assert.throws(
      () => rebuild(copyPath, []),
      (error) => HoldfastError.is(error, 'catalogNewer') && error.fix !== undefined && error.message.includes(`version is ${nextVersion}`),
    );
    assert.deepEqual(readdirSync(home), []);
  });

  it('never takes the place of one that is there', () => {
    const copyPath = bench.copy().path;
    for (const name of ['catalog.db', 'catalog.db-wal']) {
      home = join(bench.folder.folder, `home of ${name}`);
      mkdirSync(home);
      writeFileSync(join(home, name), 'mine');
      assert.throws(
        () => rebuild(copyPath, []),
        (error) => HoldfastError.is(error, 'targetNotEmpty'),
      );
      assert.deepEqual(readdirSync(home), [name]);
    }
  });

  it('X2: is not there at all where the indexes cannot be read to their end', async () => {
    bench.point([bench.pack()]);
    const copyPath = bench.copy().path;
    const failing = (async function* () {
      yield indexed(await Promise.resolve(bench.pack()));
      throw new HoldfastError('storeUnreachable', 'Failed to read the index: the store is away.');
    })();
    const copier = new CatalogCopier(workerUrl);
    const restored = copier.restore(
      { copyPath, deltaPath: null, catalogPath: catalogPath(), recordedAt: timeAt(5), packs: failing },
      never,
    );
    await assert.rejects(restored, (error) => HoldfastError.is(error, 'storeUnreachable'));
    assert.deepEqual(readdirSync(home), []);
  });

  it('a full copy is made where the base of a delta is gone, damaged or of another schema version', async () => {
    const copier = new CatalogCopier(workerUrl);
    const from = { catalogPath: bench.folder.path, framePath: bench.path() };
    const damaged = bench.path();
    writeFileSync(damaged, randomBytes(5000));
    for (const basePath of [bench.path(), damaged]) {
      const copyPath = bench.path();
      const made = await copier.make({ ...from, basePath, copyPath }, never);
      assert.deepEqual([made.kind, made.baseId, existsSync(copyPath)], ['full', null, true]);
    }
  });
});
