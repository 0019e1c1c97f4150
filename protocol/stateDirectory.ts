import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a state directory and those that lead to it, 0700 each; what is there already stays as it is. For whichever comes first, the client or the
 * daemon. Throws the system's error. (The runtime's own `recursive` never ends where nothing can be made below a folder that is there: in /proc the
 * answer is ENOENT.)
 */
export function makeStateDirectory(directory: string): void {
  if (isFolder(directory)) return;
  const parent = path.dirname(directory);
  if (parent !== directory && !isFolder(parent)) makeStateDirectory(parent);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    // Another process may have been quicker.
    if (!isFolder(directory)) throw error;
  }
}

function isFolder(directory: string): boolean {
  return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true;
}
