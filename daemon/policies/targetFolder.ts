import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';

/** Whether a restore may begin there without touching anything: the folder is empty or is not there yet. Throws `badValue` for what is no folder. */
export async function targetIsEmpty(target: string): Promise<boolean> {
  try {
    return (await readdir(target)).length === 0;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return true;
    throw new HoldfastError('badValue', `Failed to restore into ${target}: it is not a folder that can be read.`, {
      fix: 'Choose another target.',
      cause: error,
    });
  }
}

/** The one of these folders that a target is or lies in, by its path or by where links lead it; `undefined` where it is in none. */
export async function folderAround(target: string, folders: readonly string[]): Promise<string | undefined> {
  const targets = [target, await realPathOf(target)];
  for (const folder of folders) {
    const places = [folder, await realPathOf(folder)];
    if (targets.some((path) => places.some((place) => isWithin(path, place)))) return folder;
  }
  return undefined;
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && way !== path);
}

/** Links followed in as much of the path as is there. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}
