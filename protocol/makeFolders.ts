import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { systemCode } from './systemCode.ts';

/** What the system is asked with, where paths are kept in another form. */
export type AskedPath = (path: string) => string | Buffer;

/**
 * Makes a folder and those that lead to it, 0700 each; what is there already stays as it is, and may be reached over links. Another process may make the
 * same at the same time. Throws the system's error. (The runtime's own `recursive` never ends where a folder is there in which none can be made: in /proc
 * the answer is ENOENT.)
 */
export function makeFolders(folder: string, asked: AskedPath = (same) => same): void {
  const refused = refusalToMake(folder, asked);
  if (refused === undefined) return;
  const code = systemCode(refused);
  if (code !== 'ENOENT' && code !== 'EEXIST') throw refused;
  const parent = path.dirname(folder);
  if (parent !== folder && !isFolder(parent, asked)) makeFolders(parent, asked);
  const refusedAgain = refusalToMake(folder, asked);
  if (refusedAgain !== undefined) throw refusedAgain;
}

/** The system's error; `undefined` where the folder is there now, whoever made it. */
function refusalToMake(folder: string, asked: AskedPath): Error | undefined {
  try {
    mkdirSync(asked(folder), { mode: 0o700 });
    return undefined;
  } catch (error) {
    // Some systems say of a folder that is there that it may not be made.
    if (isFolder(folder, asked)) return undefined;
    if (error instanceof Error) return error;
    throw error;
  }
}

function isFolder(folder: string, asked: AskedPath): boolean {
  return statSync(asked(folder), { throwIfNoEntry: false })?.isDirectory() === true;
}
