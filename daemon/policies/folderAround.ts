import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';

/** The one of these folders that a path is or lies in, as it is written or where links lead it; `undefined` where it is in none. */
export async function folderAround(path: string, folders: readonly string[]): Promise<string | undefined> {
  const ways = [path, await realPathOf(path)];
  for (const folder of folders) {
    const places = [folder, await realPathOf(folder)];
    if (ways.some((way) => places.some((place) => isWithin(way, place)))) return folder;
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
