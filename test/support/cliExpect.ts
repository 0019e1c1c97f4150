import assert from 'node:assert/strict';
import * as z from 'zod';
import type { CliOptions } from './cli.ts';
import {
  type BackupDocument,
  backupDocument,
  type CliError,
  type EntryDocument,
  entryDocument,
  errorDocument,
  type RestoreDocument,
  restoreDocument,
} from './cliShapes.ts';
import type { ScratchState } from './daemon.ts';

/** Runs a call that is refused: its exit status, its code, one sentence and one way out. Gives the error. */
export async function refused(
  scratch: ScratchState,
  args: readonly string[],
  status: number,
  code: string,
  options: CliOptions = {},
): Promise<CliError> {
  const result = await scratch.cli([...args, '--json'], options);
  const context = `${args.join(' ')}: ${result.stdout}${result.stderr}`;
  assert.equal(result.status, status, context);
  const { error } = errorDocument.parse(result.json);
  assert.equal(error.code, code, context);
  assert.match(error.message, /^(Failed to|Cancelled)[^\n]*[.?]$/, context);
  assert.match(error.fix ?? '', /^\S[^\n]*[.?>]$/, `${context} has one way out`);
  return error;
}

/** Backs up one policy and demands the exit status. */
export async function backUp(scratch: ScratchState, policy: string, status = 0, flags: readonly string[] = []): Promise<BackupDocument> {
  return await scratch.json(backupDocument, ['backup', policy, ...flags], { status });
}

/** The id of the restore point that a backup made. */
export function restorePointOf(document: BackupDocument): string {
  assert.ok(document.restorePointId !== null);
  return document.restorePointId;
}

export async function restore(
  scratch: ScratchState,
  restorePoint: string,
  target: string,
  status = 0,
  flags: readonly string[] = [],
): Promise<RestoreDocument> {
  return await scratch.json(restoreDocument, ['restore', restorePoint, '--target', target, ...flags], { status });
}

/** All of a restore point by its paths. */
export async function filesOf(scratch: ScratchState, restorePoint: string): Promise<ReadonlyMap<string, EntryDocument>> {
  const entries = await scratch.json(z.array(entryDocument), ['restore-point', 'files', restorePoint, '--recursive']);
  return new Map(entries.map((entry) => [entry.path, entry]));
}

export async function createPolicy(
  scratch: ScratchState,
  name: string,
  sources: readonly string[],
  flags: readonly string[] = [],
): Promise<void> {
  const result = await scratch.cli([
    'policy',
    'create',
    name,
    ...sources.flatMap((source) => ['--source', source]),
    '--location',
    'store',
    ...flags,
  ]);
  assert.equal(result.status, 0, result.stderr);
}
