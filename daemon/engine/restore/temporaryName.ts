import type { Dirent } from 'node:fs';
import { isUuid } from '../../../protocol/ids.ts';

const pattern = /^\.holdfast-(?<runId>[0-9a-f-]{36})-[1-9][0-9]{0,15}\.tmp$/;

/** The name that a file has in its folder until all of it is there: it says which run made it, and of that run the how manieth it is. */
export function temporaryName(runId: string, number: number): string {
  return `.holdfast-${runId}-${number}.tmp`;
}

/**
 * Whether an entry of a folder is a temporary file that one of these runs has left. Ids of runs are random UUIDs that no other installation has, so
 * that nothing but the name has to be looked at: what another daemon or a run under way has is never taken for one.
 */
export function isLeftover(entry: Pick<Dirent, 'name' | 'isFile' | 'isSymbolicLink'>, endedRunIds: ReadonlySet<string>): boolean {
  if (!entry.isFile() && !entry.isSymbolicLink()) return false;
  const runId = pattern.exec(entry.name)?.groups?.['runId'];
  return runId !== undefined && isUuid(runId) && endedRunIds.has(runId);
}
