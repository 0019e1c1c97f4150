import { lstat, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';
import { systemCode } from '../../protocol/systemCode.ts';

/**
 * Where a path of this machine leads, where its last name is a symbolic link: whoever writes there writes to that place, which may lie outside of every
 * folder that the user thinks of. `undefined` for everything else, and for nothing.
 */
export async function leadsTo(file: string): Promise<string | undefined> {
  try {
    if (!(await lstat(file)).isSymbolicLink()) return undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await realpath(file);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return path.resolve(path.dirname(file), await readlink(file));
  }
}
