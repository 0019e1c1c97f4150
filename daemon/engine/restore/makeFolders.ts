import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { rawPath } from '../rawPath.ts';
import { systemCode } from '../../../protocol/systemCode.ts';

/**
 * Makes a folder and those that lead to it, 0700 each; what is there already stays as it is, and may be reached over links. `path` is raw. Throws the
 * system's error. (The runtime's own `recursive` never ends where a folder is there in which none can be made: in /proc the answer is ENOENT.)
 */
export function makeFolders(path: string): void {
  if (tryToMake(path) || isFolder(path)) return;
  const parent = dirname(path);
  if (!isFolder(parent)) makeFolders(parent);
  mkdirSync(rawPath(path), { mode: 0o700 });
}

/** Whether it was made; `false` where something is in the way or missing on the way. */
function tryToMake(path: string): boolean {
  try {
    mkdirSync(rawPath(path), { mode: 0o700 });
    return true;
  } catch (error) {
    const code = systemCode(error);
    // Some systems say of a folder that is there that it may not be made.
    if (code === 'ENOENT' || code === 'EEXIST' || isFolder(path)) return false;
    throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(rawPath(path), { throwIfNoEntry: false })?.isDirectory() === true;
}
