import { lstatSync, mkdirSync, readdirSync, realpathSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../../protocol/errors.ts';
import type { ConflictMode } from '../jobs.ts';
import { rawOf, rawPath } from '../rawPath.ts';
import { makeFolders } from '../../../protocol/makeFolders.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import type { FolderDoor } from './folderDoor.ts';
import { isLeftover } from './temporaryName.ts';

/** What became of asking for a folder. */
export type FolderOutcome = { readonly path: string; readonly isNew: boolean } | { readonly refused: string };

/**
 * Makes a source's target folder and what leads to it. The way to the target is the user's own and may lead over links; everything below is
 * made name by name. Gives the folder's real path, raw. Throws `targetNotEmpty` in mode `refuse` where more is in it than what `endedRunIds` left
 * there, `diskFailed` where the system refuses.
 */
export function makeTarget(folder: string, conflict: ConflictMode, dryRun: boolean, endedRunIds: ReadonlySet<string>): string {
  const raw = rawOf(path.resolve(folder));
  try {
    if (!dryRun) makeFolders(raw, rawPath);
    const isTaken = (): boolean => readdirSync(rawPath(raw), { withFileTypes: true }).some((entry) => !isLeftover(entry, endedRunIds));
    if (conflict === 'refuse' && isTaken()) {
      throw new HoldfastError('targetNotEmpty', `Failed to restore into ${folder}: it is not empty.`, {
        fix: 'Choose an empty folder, or say what to do with what is there: --conflict skip, overwrite or rename.',
      });
    }
    if (!dryRun && process.platform !== 'win32') return realpathSync.native(rawPath(raw), { encoding: 'buffer' }).toString('latin1');
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    if (dryRun && code === 'ENOENT') return raw;
    throw new HoldfastError('diskFailed', `Failed to restore into ${folder}: the system says ${code}.`, {
      fix: 'Choose a folder that can be made and written to.',
      cause: error,
    });
  }
  return raw;
}

/**
 * Makes the folder `name` in `parent`, or takes the one that is there. A link or a file of that name is never followed or entered: it is
 * replaced, stepped aside from, or the folder is refused, as the mode says. Names were checked by the tree's reader; they hold no separator.
 */
export function enterFolder(door: FolderDoor, parent: string, name: string, conflict: ConflictMode): FolderOutcome {
  const wanted = `${parent}/${name}`;
  try {
    mkdirSync(rawPath(door.at(wanted)), { mode: 0o700 });
    return { path: wanted, isNew: true };
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') return { refused: reasonFor(codeOf(error)) };
  }
  try {
    const inDoor = rawPath(door.at(wanted));
    if (lstatSync(inDoor).isDirectory()) return { path: wanted, isNew: false };
    switch (conflict) {
      case 'refuse':
      case 'skip':
        return { refused: 'something that is no folder has its name' };
      case 'overwrite':
        unlinkSync(inDoor);
        mkdirSync(inDoor, { mode: 0o700 });
        return { path: wanted, isNew: true };
      case 'rename': {
        const other = freeName(parent, name, isFreePath);
        mkdirSync(rawPath(door.at(other)), { mode: 0o700 });
        return { path: other, isNew: true };
      }
    }
  } catch (error) {
    return { refused: reasonFor(codeOf(error)) };
  }
}

/** `name (restored)`, `name (restored 2)` and so on: the first that nothing has. */
export function freeName(parent: string, name: string, isFree: (path: string) => boolean): string {
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? ' (restored)' : ` (restored ${number})`;
    const candidate = `${parent}/${name.slice(0, 255 - suffix.length)}${suffix}`;
    if (isFree(candidate)) return candidate;
  }
}

/** Whether nothing, not even a dangling link, has this path. */
export function isFreePath(candidate: string): boolean {
  return lstatSync(rawPath(candidate), { throwIfNoEntry: false }) === undefined;
}

export function reasonFor(code: string): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EROFS':
      return 'the disk is read-only';
    case 'ENAMETOOLONG':
      return 'its name is too long for this system';
    case 'EINVAL':
    case 'EILSEQ':
      return 'this file system does not take its name';
    case 'ENOENT':
    case 'ENOTDIR':
      return 'its folder is gone';
    case 'ELOOP':
      return 'a symbolic link took its place';
    default:
      return `the system says ${code}`;
  }
}

export function codeOf(error: unknown): string {
  const code = systemCode(error);
  if (code === undefined) throw error;
  return code;
}
