import { type ErrorCode, HoldfastError } from '../../protocol/errors.ts';

const rebuild =
  'Move the state directory aside and rebuild the catalog from a location: "holdfast import-stored --location-spec FILE" with any passphrase of its keyring.';
const freeDisk = 'Free some space on the disk of the state directory, then try again.';

/** Data of the catalog that can't be what was written. */
export function catalogDamaged(cause: string, error?: unknown): HoldfastError {
  return HoldfastError.failedTo('catalogDamaged', 'read the catalog', cause, { fix: rebuild, cause: error });
}

interface Answer {
  readonly code: ErrorCode;
  readonly cause: string;
  readonly fix: string;
}

/** SQLite's primary result codes: sqlite.org/rescode.html. */
const answers: ReadonlyMap<number, Answer> = new Map<number, Answer>([
  [3, { code: 'diskFailed', cause: 'access was denied', fix: 'Give this user back the right to the state directory.' }],
  [5, { code: 'failed', cause: 'another process is using it', fix: 'Stop the other process that has the state directory open.' }],
  [6, { code: 'failed', cause: 'another part of the program is using it', fix: 'Try again.' }],
  [8, { code: 'diskFailed', cause: 'it is read-only', fix: 'Give this user back the right to write to the state directory.' }],
  [10, { code: 'diskFailed', cause: 'the disk reported an input/output error', fix: 'Check the disk of the state directory.' }],
  [13, { code: 'diskFailed', cause: 'the disk is full', fix: freeDisk }],
  [14, { code: 'diskFailed', cause: 'it cannot be opened', fix: 'Check the state directory and its rights.' }],
]);
const corrupt = 11;
const notADatabase = 26;
const inputOutput = 10;

/** The primary result code of an error of node:sqlite, or `undefined`. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** After such an error nobody knows what reached the disk: the connection must not be written through again. */
export function isInputOutputError(error: unknown): boolean {
  return sqliteCode(error) === inputOutput;
}

/** Turns what node:sqlite throws into the project's error; `HoldfastError`s pass unchanged. `action` reads "read the catalog". */
export function catalogError(action: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const sqlite = sqliteCode(error);
  if (sqlite === corrupt || sqlite === notADatabase) return catalogDamaged('its file is damaged', error);
  // An integer beyond 2^53 is none that this program wrote.
  if (error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE')
    return catalogDamaged('it holds an impossible number', error);
  const answer = sqlite === undefined ? undefined : answers.get(sqlite);
  if (answer !== undefined)
    return new HoldfastError(answer.code, `Failed to ${action}: ${answer.cause}.`, { fix: answer.fix, cause: error });
  const cause = error instanceof Error ? error.message : String(error);
  return new HoldfastError('failed', `Failed to ${action}: ${cause}.`, { cause: error });
}
