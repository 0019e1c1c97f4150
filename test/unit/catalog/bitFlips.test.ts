import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { Catalog } from '../../../daemon/catalog/catalog.ts';
import { openCatalog } from '../../../daemon/catalog/openCatalog.ts';
import { HoldfastError } from '../../../protocol/errors.ts';
import { CatalogFolder, someAction, someLocation, someObject, somePoint, somePolicy, timeAt } from '../../support/catalog.ts';
import { dumpCatalog } from '../../support/catalogDump.ts';
import { newId } from '../../support/ids.ts';

/** Some rows in every table, the big ones over several pages. */
function fill(catalog: Catalog): void {
  const location = someLocation();
  const policy = somePolicy(location.locationId);
  catalog.installation.create({ installationId: newId(), masterKeyId: randomBytes(16), keyEpoch: 1, createdAt: timeAt(0) });
  catalog.transaction(() => {
    catalog.locations.add(location);
    catalog.policies.add(policy);
    catalog.passkeys.add({
      slotId: newId(),
      name: 'main',
      kind: 'passphrase',
      slot: '{"slot":1}',
      state: 'ready',
      inUse: true,
      createdAt: timeAt(0),
      verifiedAt: null,
    });
    catalog.keyrings.add({ sequence: 1, objectId: randomBytes(16), bytes: randomBytes(6000), createdAt: timeAt(0) });
    catalog.keyrings.recordCopy({
      locationId: location.locationId,
      sequence: 1,
      key: 'i/keyring/1',
      versionId: null,
      readBackAt: timeAt(1),
    });
  });
  for (let run = 1; run <= 5; run += 1) {
    catalog.transaction(() => {
      for (let index = 0; index < 25; index += 1) {
        catalog.objects.record(someObject(location.locationId, `i/packs/${run}-${index}`, { policyId: policy.policyId }));
      }
      catalog.restorePoints.add(somePoint(policy.policyId, run));
      catalog.sequences.next(`index/${policy.policyId}`);
      const action = someAction({ state: 'complete', queuedAt: timeAt(run), finishedAt: timeAt(run + 1), result: { files: run } });
      catalog.actions.insert(action, newId());
      catalog.actions.addFindings(action.actionId, 'skipped', [{ path: `/file ${run}`, reason: 'unreadable' }]);
      catalog.runPins.pin({ actionId: newId(), locationId: location.locationId, objectKey: `i/packs/${run}-1`, reason: 'upload' });
    });
  }
}

describe('catalog with flipped bits', () => {
  let folder: CatalogFolder;
  let whole: string;
  let beforeLast: string;
  /** The files of a catalog that was closed, and of one whose process was killed. */
  const closed = new Map<string, Buffer>();
  const killed = new Map<string, Buffer>();
  let scratch: string;
  let lastCommit = 0;

  before(() => {
    folder = new CatalogFolder();
    scratch = join(folder.folder, 'scratch');
    mkdirSync(scratch);
    const catalog = folder.open();
    fill(catalog);
    beforeLast = dumpCatalog(catalog);
    lastCommit = readFileSync(`${folder.path}-wal`).length;
    catalog.locations.add(someLocation({ name: 'the last transaction', createdAt: timeAt(77) }));
    whole = dumpCatalog(catalog);
    for (const name of ['catalog.db', 'catalog.db-wal']) {
      copyFileSync(join(folder.folder, name), join(scratch, name));
      killed.set(name, readFileSync(join(scratch, name)));
    }
    catalog.close();
    closed.set('catalog.db', readFileSync(folder.path));
  });
  after(() => folder[Symbol.dispose]());

  /** What a catalog of these files gives: its dump, or `refused`. */
  function read(files: ReadonlyMap<string, Uint8Array>): string {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch);
    for (const [name, bytes] of files) writeFileSync(join(scratch, name), bytes);
    let catalog: Catalog | undefined;
    try {
      catalog = openCatalog(join(scratch, 'catalog.db'));
      catalog.useSeal(folder.seal);
      return dumpCatalog(catalog);
    } catch (error) {
      assert.ok(HoldfastError.is(error, 'catalogDamaged', 'catalogNewer'), `another error: ${String(error)}`);
      return 'refused';
    } finally {
      catalog?.close();
    }
  }

  it('is whole without them, whether it was closed or its process killed', () => {
    assert.equal(read(closed), whole);
    assert.equal(read(killed), whole);
    assert.ok(!existsSync(join(scratch, 'catalog.db-wal')));
  });

  it('X6: reads as it was or is refused, wherever in the file a bit flips', function () {
    this.timeout(60_000);
    const bits = (closed.get('catalog.db')?.length ?? 0) * 8;
    let refused = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          { weight: 1, arbitrary: fc.integer({ min: 0, max: 799 }) },
          { weight: 4, arbitrary: fc.integer({ min: 0, max: bits - 1 }) },
        ),
        (bit) => {
          const found = read(flipped(closed, 'catalog.db', bit));
          if (found === 'refused') refused += 1;
          else assert.equal(found, whole, `bit ${bit & 7} of byte ${bit >> 3}`);
        },
      ),
      { numRuns: 250 },
    );
    assert.ok(refused > 50, `only ${refused} were refused`);
  });

  it('X6: reads as it was or is refused, wherever in the log of a killed process a bit flips before its last transaction', function () {
    this.timeout(60_000);
    let refused = 0;
    const headAndBody = fc.oneof(
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 * 56 }) },
      { weight: 4, arbitrary: fc.integer({ min: 0, max: lastCommit * 8 - 1 }) },
    );
    fc.assert(
      fc.property(headAndBody, (bit) => {
        const found = read(flipped(killed, 'catalog.db-wal', bit));
        if (found === 'refused') refused += 1;
        else assert.equal(found, whole, `bit ${bit & 7} of byte ${bit >> 3}`);
      }),
      { numRuns: 150 },
    );
    assert.ok(refused > 50, `only ${refused} were refused`);
  });

  it('X3: takes a last transaction of which not all pages arrived as one that never was', () => {
    const frame = 24 + 4096;
    assert.ok((killed.get('catalog.db-wal')?.length ?? 0) >= lastCommit + 2 * frame, 'it has several pages');
    assert.equal(read(flipped(killed, 'catalog.db-wal', (lastCommit + 100) * 8)), beforeLast);
  });

  it('X3: takes a log that was cut in the middle of its last transaction as it was before that, and never in between', () => {
    const log = killed.get('catalog.db-wal') ?? Buffer.alloc(0);
    for (const keep of [lastCommit, lastCommit + 1, lastCommit + 4000, log.length - 4120, log.length - 1]) {
      assert.equal(read(new Map<string, Uint8Array>([...killed, ['catalog.db-wal', log.subarray(0, keep)]])), beforeLast, `${keep} bytes`);
    }
  });
});

function flipped(files: ReadonlyMap<string, Buffer>, name: string, bit: number): ReadonlyMap<string, Uint8Array> {
  const bytes = Buffer.from(files.get(name) ?? Buffer.alloc(0));
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return new Map<string, Uint8Array>([...files, [name, bytes]]);
}
