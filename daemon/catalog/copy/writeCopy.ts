import { rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { catalogDamaged } from '../catalogErrors.ts';
import { newestOf } from '../migrate.ts';
import { type Migration, migrations as knownMigrations } from '../schema.ts';
import { beginCopy, fileError, makeFile, newCopyId, openCopy, readOnlyUri } from './copyFile.ts';
import { copySchema, type CopySchema, leftOutPacksTable } from './copySchema.ts';
import { leftOutCondition, LeftOutWriter, reachedNumbers, versionCheck } from './leftOutPacks.ts';

export interface CopyOptions {
  /** A catalog that this program has opened, in use or not. */
  readonly catalogPath: string;
  /** A file that is not there yet. */
  readonly copyPath: string;
  /** The program's own where left out. */
  readonly migrations?: readonly Migration[];
}

export interface CopyFacts {
  readonly schemaVersion: number;
  /** Packs whose rows are not in the copy. */
  readonly leftOutPacks: number;
}

/**
 * Writes a copy of a catalog as it is at one moment, while others read and write it, and opens it again as a recovery would. Table by table into a new file
 * within one read transaction: it holds up no writer, and takes what a recovery needs alone. Blocks its thread. Throws `catalogDamaged` where a row is not
 * what was written: such a copy would be refused when it is needed. Throws `diskFailed`.
 */
export function writeCopy({ catalogPath, copyPath, migrations = knownMigrations }: CopyOptions): CopyFacts {
  const schema = copySchema(migrations, newestOf(migrations), 'full');
  try {
    const leftOutPacks = makeFile(copyPath, (database) => fill(database, catalogPath, schema));
    try {
      openCopy(copyPath, 'full', migrations)[Symbol.dispose]();
    } catch (error) {
      rmSync(copyPath, { force: true });
      throw error;
    }
    return { schemaVersion: schema.version, leftOutPacks };
  } catch (error) {
    throw fileError('copy the catalog', error);
  }
}

function fill(database: DatabaseSync, catalogPath: string, schema: CopySchema): number {
  beginCopy(database, schema, { copyId: newCopyId(), baseId: null });
  database.prepare('ATTACH ? AS live').run(readOnlyUri(catalogPath));
  database.exec('BEGIN');
  const version = Number(database.prepare('PRAGMA live.user_version').get()?.['user_version']);
  if (version !== schema.version) throw catalogDamaged(`its schema version is ${version}, not ${schema.version}`);
  for (const { name, columns, key } of schema.tables) {
    if (name === leftOutPacksTable || name === 'objects') continue;
    const list = columns.join(', ');
    database.exec(`INSERT INTO main.${name} (${list}) SELECT ${list} FROM live.${name} ORDER BY ${key.join(', ')}`);
  }
  const leftOut = copyLedger(database, schema);
  database.exec('COMMIT; DETACH live');
  return leftOut;
}

/** Gives the number of packs that are left out. */
function copyLedger(database: DatabaseSync, { tables }: CopySchema): number {
  const list = tables.find(({ name }) => name === 'objects')?.columns.join(', ') ?? '';
  // By number, at the location that is being copied: reached, and left out.
  let [reached, gone]: readonly Uint8Array[] = [];
  database.function('isReached', (number) => reached?.[Number(number)] ?? 0);
  database.function('isLeftOut', (number) => gone?.[Number(number)] ?? 0);
  const leave = database.prepare(
    `SELECT policyId, number, objectId, versionId FROM live.objects WHERE locationId = ? AND ${leftOutCondition} ORDER BY number`,
  );
  // A million objects with names take twice the memory.
  leave.setReturnArrays(true);
  const take = database.prepare(
    `INSERT INTO main.objects (${list}) SELECT ${list} FROM live.objects WHERE locationId = ? AND NOT (kind = 'pack' AND isLeftOut(number)) ORDER BY number`,
  );
  let count = 0;
  const installationId = String(database.prepare('SELECT installationId FROM live.installation').get()?.['installationId'] ?? '');
  const places = database.prepare('SELECT locationId, kind FROM live.locations ORDER BY locationId').all();
  for (const place of places) {
    const [locationId, kind] = [String(place['locationId']), String(place['kind'])];
    reached = reachedNumbers(database, locationId);
    gone = new Uint8Array(reached.length);
    const writer = new LeftOutWriter(database, locationId);
    for (const row of leave.iterate(locationId, kind, installationId)) {
      const [policyId, number, objectId, versionId] = Object.values(row);
      if (!(objectId instanceof Uint8Array)) continue;
      const check = versionCheck(typeof versionId === 'string' ? versionId : null);
      writer.add(String(policyId), { number: Number(number), objectId, versionCheck: check });
      gone[Number(number)] = 1;
      count += 1;
    }
    writer.flush();
    take.run(locationId);
  }
  return count;
}
