import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { HoldfastError } from '../../../protocol/errors.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { catalogError } from '../catalogErrors.ts';
import { readFileHeader } from '../fileHeader.ts';
import { checkDigests, newestOf, schemaVersion } from '../migrate.ts';
import { digestColumn, rowDigest } from '../rowDigest.ts';
import type { Migration } from '../schema.ts';
import {
  copyApplicationId,
  type CopyKind,
  copyFactsTable,
  type CopySchema,
  copySchema,
  expectedText,
  oldestCopiedVersion,
  schemaText,
} from './copySchema.ts';

/** No cell of a catalog comes near: the longest are runs of numbers, and keyrings. */
const longestCell = 16 * 2 ** 20;

/** Of `copyFacts`: 16 random bytes each. */
export interface CopyIdentity {
  readonly copyId: Uint8Array;
  /** Of a delta: the copy that it builds on. */
  readonly baseId: Uint8Array | null;
}

export interface OpenedCopy extends Disposable {
  readonly database: DatabaseSync;
  readonly schema: CopySchema;
  readonly identity: CopyIdentity;
}

/** What is wrong with a copy, as `catalogDamaged`. */
export function copyDamaged(cause: string, error?: unknown): HoldfastError {
  return HoldfastError.failedTo('catalogDamaged', 'use a copy of the catalog', cause, {
    fix: 'Choose an earlier or a later point in time: it has another copy.',
    details: { copy: true },
    cause: error,
  });
}

/** Where a file is attached: nothing is ever written there, and no log beside it is looked for. */
export function frozenUri(path: string): string {
  return `${pathToFileURL(path).href}?immutable=1`;
}

/** Where a catalog in use is attached, for reading. */
export function readOnlyUri(path: string): string {
  return `${pathToFileURL(path).href}?mode=ro`;
}

/** A new file for this user alone that `fill` writes, on the disk when this returns; where it throws, nothing is left of it. */
export function makeFile<Result>(path: string, fill: (database: DatabaseSync) => Result): Result {
  closeSync(openSync(path, 'wx', 0o600));
  try {
    const database = new DatabaseSync(path, { enableForeignKeyConstraints: false, timeout: 5000, allowExtension: false });
    let result: Result;
    try {
      // What a crash leaves of it is thrown away.
      database.exec(
        `PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY`,
      );
      result = fill(database);
    } finally {
      database.close();
    }
    const file = openSync(path, 'r+');
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return result;
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Makes the tables of a copy and says which one it is. */
export function beginCopy(database: DatabaseSync, schema: CopySchema, identity: CopyIdentity): void {
  for (const statement of schema.statements) database.exec(statement);
  database.exec(`PRAGMA application_id = ${copyApplicationId}; PRAGMA user_version = ${schema.version}`);
  writeIdentity(database, identity);
}

export function newCopyId(): Uint8Array {
  return randomBytes(16);
}

function writeIdentity(database: DatabaseSync, { copyId, baseId }: CopyIdentity): void {
  const row = { single: 1, copyId, baseId };
  database
    .prepare(`INSERT INTO ${copyFactsTable} (single, copyId, baseId, ${digestColumn}) VALUES (1, ?, ?, ?)`)
    .run(copyId, baseId, rowDigest(copyFactsTable, ['single', 'copyId', 'baseId'], row));
}

/**
 * Opens a copy that was made elsewhere, for reading. Whoever has the DR passphrase alone can make one that authenticates, so everything is looked at before it
 * is used: the file's header, the text of its schema, which has to be ours to the letter, its structure, the length of its cells and the digest of each row.
 * Nothing that it says is ever executed. Throws `catalogDamaged`, `catalogNewer`.
 */
export function openCopy(path: string, kind: CopyKind, migrations: readonly Migration[]): OpenedCopy {
  let database: DatabaseSync | undefined;
  try {
    checkHeader(path);
    database = new DatabaseSync(frozenUri(path), { readOnly: true, enableForeignKeyConstraints: false, allowExtension: false });
    database.enableDefensive(true);
    database.exec('PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON');
    const version = schemaVersion(database);
    refuseOtherVersions(version, newestOf(migrations));
    const schema = copySchema(migrations, version, kind);
    if (schemaText(database) !== expectedText(schema)) throw copyDamaged('its tables are not those of its schema version');
    const [finding] = database.prepare('PRAGMA integrity_check(1)').all();
    const said = String(finding?.['integrity_check']);
    if (said !== 'ok') throw copyDamaged('its structure is broken');
    checkCells(database, schema);
    checkDigests(database);
    const opened = database;
    return { database, schema, identity: identityOf(database, kind), [Symbol.dispose]: () => opened.close() };
  } catch (error) {
    if (database?.isOpen === true) database.close();
    throw copyError(error);
  }
}

/** Which copy a file of our own is, and of which schema version; nothing else of it is looked at. */
export function copyIdentity(path: string): CopyIdentity & { readonly version: number } {
  using database = new DatabaseSync(frozenUri(path), { readOnly: true, enableForeignKeyConstraints: false, allowExtension: false });
  checkDigests(database, [copyFactsTable]);
  return { ...identityOf(database, 'full'), version: schemaVersion(database) };
}

/** What SQLite found wrong is wrong with the copy. */
export function copyError(error: unknown): HoldfastError {
  if (HoldfastError.is(error))
    return error.code === 'catalogDamaged' && error.details?.['copy'] !== true ? copyDamaged(error.reason, error) : error;
  const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
  if (code !== undefined && brokenBy.has(code)) return copyDamaged('its rows contradict each other', error);
  const mapped = fileError('use a copy of the catalog', error);
  return mapped.code === 'catalogDamaged' ? copyDamaged('its file is damaged', error) : mapped;
}

/** What the system says of a file, as `diskFailed`; everything else as `catalogError` has it. `action` reads "copy the catalog". */
export function fileError(action: string, error: unknown): HoldfastError {
  const code = HoldfastError.is(error) ? undefined : systemCode(error);
  if (code === undefined) return catalogError(action, error);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return HoldfastError.failedTo('diskFailed', action, isFull ? 'the disk is full' : `the system says ${code}`, {
    fix: isFull
      ? 'Free some space on the disk of the state directory, then try again.'
      : 'Check the state directory, its disk and its rights.',
    cause: error,
  });
}

/** sqlite.org/rescode.html: SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH. */
const brokenBy: ReadonlySet<number> = new Set([18, 19, 20]);

function refuseOtherVersions(version: number, newest: number): void {
  if (version > newest) {
    throw HoldfastError.failedTo(
      'catalogNewer',
      'use a copy of the catalog',
      `its schema version is ${version}, and this program knows versions up to ${newest}`,
      { fix: 'Recover with the version of Holdfast that made the copy, or a newer one.', details: { version } },
    );
  }
  if (version < oldestCopiedVersion) throw copyDamaged(`no program made copies of schema version ${version}`);
}

/** It was never written ahead, so nothing lies beside it. */
function checkHeader(path: string): void {
  const { isOurs, formats } = readFileHeader(path, copyApplicationId);
  if (!isOurs || !formats.every((format) => format === 1)) throw copyDamaged('it is none');
}

function checkCells(database: DatabaseSync, { tables }: CopySchema): void {
  for (const { name, columns } of tables) {
    const isLong = columns.map((column) => `octet_length(${column}) > ${longestCell}`).join(' OR ');
    if (database.prepare(`SELECT 1 FROM ${name} WHERE ${isLong} LIMIT 1`).get() !== undefined) {
      throw copyDamaged(`a cell of table ${name} is too long`);
    }
  }
}

function identityOf(database: DatabaseSync, kind: CopyKind): CopyIdentity {
  const { copyId, baseId } = database.prepare(`SELECT copyId, baseId FROM ${copyFactsTable}`).get() ?? {};
  const isOne = copyId instanceof Uint8Array && copyId.length === 16;
  const isBuiltOn = baseId instanceof Uint8Array && baseId.length === 16;
  if (!isOne || (kind === 'delta') !== isBuiltOn || (kind === 'full' && baseId !== null))
    throw copyDamaged('it does not say which one it is');
  return { copyId, baseId: isBuiltOn ? baseId : null };
}
