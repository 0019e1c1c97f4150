import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { newId } from '../test/support/ids.ts';
import { encodeRuns } from '../daemon/catalog/numberRuns.ts';
import type { LedgerObject } from '../daemon/catalog/objectLedger.ts';
import { openCatalog } from '../daemon/catalog/openCatalog.ts';
import { digestColumn, rowDigest, type SqlValue } from '../daemon/catalog/rowDigest.ts';
import { columnsOf } from '../daemon/catalog/table.ts';
import { packKey } from '../daemon/repository/names.ts';
import type { LocationRecord } from '../daemon/catalog/locationStore.ts';
import type { InstallationId, PolicyId } from '../protocol/ids.ts';
import { someLocation, someObject, somePoint, somePolicy, timeAt } from '../test/support/catalog.ts';

export interface CatalogSize {
  readonly restorePoints: number;
  /** Rows of the ledger for each of them: packs, an index and a manifest. */
  readonly objectsEach: number;
}

/** Of a sealed cell of a restore point. */
const detailsLength = 700;
/** Of the packs of earlier ones, how many runs each restore point reaches. */
const runsReached = 60;

/** Writes the catalog of an installation that has backed up to one bucket for years, each restore point with packs of its own and many of earlier ones. */
export function writeLargeCatalog(path: string, { restorePoints, objectsEach }: CatalogSize): void {
  const catalog = openCatalog(path);
  const location = someLocation({ kind: 's3', lockMode: 'compliance', protectionPeriodDays: 30 });
  const installationId: InstallationId = newId();
  catalog.installation.create({ installationId, masterKeyId: randomBytes(16), keyEpoch: 1, createdAt: timeAt(0) });
  catalog.locations.add(location);
  catalog.close();
  using database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = DELETE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN');
  const policyId: PolicyId = newId();
  inserter(database, 'policies')({ ...somePolicy(location.locationId, { policyId }), definition: randomBytes(300), paused: 0 });
  const [addPoint, addObject, addReach] = ['restorePoints', 'objects', 'reaches'].map((table) => inserter(database, table));
  for (let sequence = 1; sequence <= restorePoints; sequence += 1) {
    const first = (sequence - 1) * objectsEach + 1;
    for (let at = 0; at < objectsEach; at += 1) {
      const objectId = randomBytes(16);
      const kind = at === 0 ? 'manifest' : at === 1 ? 'index' : 'pack';
      const objectKey = packKey(installationId, policyId, objectId);
      addObject?.({ ...storedObject(location, objectKey, sequence), policyId, objectId, kind, number: first + at });
    }
    const point = somePoint(policyId, sequence, { storeId: location.storeId, versionId: randomBytes(24).toString('base64url') });
    addPoint?.({ ...point, pinned: 0, details: randomBytes(detailsLength) });
    addReach?.({ restorePointId: point.id, locationId: location.locationId, policyId, runs: encodeRuns(reached(first, objectsEach)) });
  }
  database.exec('COMMIT');
}

function storedObject({ locationId }: LocationRecord, objectKey: string, second: number): LedgerObject {
  const [recordedAt, readBackAt, lockReadAt] = [0, 1, 2].map((later) => timeAt(second * 60 + later));
  return someObject(locationId, objectKey, {
    versionId: randomBytes(24).toString('base64url'),
    recordedAt: recordedAt ?? '',
    readBackAt: readBackAt ?? null,
    lockReadAt: lockReadAt ?? null,
    retainUntil: timeAt(second * 60 + 5_000_000),
  });
}

/** Its own, and every other stretch of what was there before. */
function reached(first: number, own: number): readonly number[] {
  const numbers = Array.from({ length: own }, (_, at) => first + at);
  const stretch = Math.max(1, Math.floor(first / runsReached / 2));
  for (let run = 0; run < runsReached; run += 1) {
    const begin = run * stretch * 2 + 1;
    for (let number = begin; number < Math.min(begin + Math.min(stretch, 50), first); number += 1) numbers.push(number);
  }
  return numbers;
}

function inserter(database: DatabaseSync, table: string): (row: Readonly<Record<string, unknown>>) => void {
  const { columns } = columnsOf(database, table);
  const names = [...columns, digestColumn];
  const statement = database.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
  return (row) => void statement.run(...columns.map((column) => valueOf(row[column])), rowDigest(table, columns, row));
}

function valueOf(value: unknown): SqlValue {
  return typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array ? value : null;
}
