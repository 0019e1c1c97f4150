import { lstat, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../protocol/systemCode.ts';
import { readEndpoint } from './endpointReader.ts';

/** Of a copy that is being made. */
export const temporaryPrefix = '.new-';

/** Names the copy that the operating system's service starts; written by `service install`, its first line is the entry's path. */
export const serviceMarkName = 'service';

/** Names the copy that terminals start; written with the launcher, its first line is the command line's path. */
export const launcherMarkName = 'launcher';

/** Of the state directory: holds all copies. */
export const programsFolder = 'programs';

/** Longer than any start takes: whoever has just made a copy may not have started its daemon yet. */
const youngMilliseconds = 60 * 60 * 1000;
const linkBytesMost = 4096;

export interface OldCopies {
  /** The folder of all copies. */
  readonly programs: string;
  readonly stateDirectory: string;
  /** The name of the copy that is about to be used. */
  readonly keep: string;
  readonly now: number;
}

/**
 * Removes copies that nothing uses any more and gives their names. Kept are: the one about to be used, the one that the daemon of the endpoint file runs from,
 * the one that the service starts, the one that terminals start, and any that was looked at within the last hour.
 */
export async function removeOldCopies({ programs, stateDirectory, keep, now }: OldCopies): Promise<readonly string[]> {
  const kept = new Set([keep, serviceMarkName, launcherMarkName, ...(await usedCopies(programs, stateDirectory))]);
  const removed: string[] = [];
  for (const name of await readdir(programs)) {
    if (kept.has(name)) continue;
    const folder = path.join(programs, name);
    try {
      if (now - (await lstat(folder)).mtimeMs < youngMilliseconds) continue;
      await rm(folder, { recursive: true, force: true });
      removed.push(name);
    } catch (error) {
      // Another window was quicker, or something on this system still holds a file: it is looked at again at the next start.
      if (systemCode(error) === undefined) throw error;
    }
  }
  return removed;
}

async function usedCopies(programs: string, stateDirectory: string): Promise<readonly string[]> {
  const marked = await Promise.all([serviceMarkName, launcherMarkName].map((mark) => markedEntry(programs, mark)));
  const entries = [readEndpoint(stateDirectory)?.entryPath, ...marked];
  return entries.flatMap((entry) => (entry === undefined ? [] : [path.basename(path.dirname(path.dirname(entry)))]));
}

async function markedEntry(programs: string, mark: string): Promise<string | undefined> {
  try {
    return (await readFile(path.join(programs, mark), 'utf8')).slice(0, linkBytesMost).split('\n')[0];
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
