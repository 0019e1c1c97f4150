import { constants, fchmodSync, fchownSync, futimesSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { rawPath } from '../rawPath.ts';
import { hasNoHardLinks, systemCode } from '../../../protocol/systemCode.ts';
import { timeArgument } from './fileTimes.ts';
import type { FolderDoor } from './folderDoor.ts';
import type { FileTarget } from './packJobCodec.ts';

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
const writeFlags = constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);

/** Opens a new temporary file that nobody else can read yet. */
export function createTemporary(door: FolderDoor, temporary: string): number {
  return openSync(rawPath(door.at(temporary)), createFlags, 0o600);
}

export function openTemporary(door: FolderDoor, temporary: string): number {
  return openSync(rawPath(door.at(temporary)), writeFlags);
}

/** What file systems and systems answer that do not keep an attribute, or not such a one. */
const attributeRefused: ReadonlySet<string> = new Set([
  'EPERM',
  'EACCES',
  'EINVAL',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EOVERFLOW',
  'ERANGE',
]);
const setIdBits = 0o6000;

export type Attributes = Pick<FileTarget, 'uid' | 'gid' | 'mode' | 'mtime'>;

/**
 * Gives an open file or folder its owner, mode and times. What the system does not take is told to `note` (the middle of a sentence), and the rest
 * is set all the same: a file system without owners must not keep the data from coming back.
 *
 * @param hasOwner it is known to have the right one already
 */
export function setAttributes(
  descriptor: number,
  { uid, gid, mode, mtime }: Attributes,
  note: (what: string) => void,
  hasOwner = false,
): void {
  const isOwned = hasOwner || uid < 0 || isTaken(() => fchownSync(descriptor, uid, gid));
  if (!isOwned) note("its owner can't be restored here");
  // Changing the owner takes set-user-id away, so the mode comes after it; whoever owns the file instead must not lend his rights to it.
  if (!isTaken(() => fchmodSync(descriptor, isOwned ? mode : mode & ~setIdBits))) note("its mode can't be restored here");
  if (mtime === undefined) return;
  const time = timeArgument(mtime);
  if (!isTaken(() => futimesSync(descriptor, time, time))) note("its time can't be restored here");
}

/** `false` where the system does not take an attribute; other errors pass. */
export function isTaken(set: () => void): boolean {
  try {
    set();
    return true;
  } catch (error) {
    if (!attributeRefused.has(systemCode(error) ?? '')) throw error;
    return false;
  }
}

/**
 * Gives a complete temporary file its name. Where something else has taken the name meanwhile and may not be replaced, `false` is the answer.
 * The temporary file is gone afterwards, whatever happens.
 */
export function giveName(door: FolderDoor, target: FileTarget): boolean {
  try {
    return rename(door, target);
  } catch (error) {
    removeIfThere(door, target.temporary);
    throw error;
  }
}

function rename(door: FolderDoor, target: FileTarget): boolean {
  // Both names are in one folder, so both paths are good at once.
  const from = rawPath(door.at(target.temporary));
  const to = rawPath(door.at(target.path));
  if (target.mayReplace) {
    renameSync(from, to);
    return true;
  }
  try {
    linkSync(from, to);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') {
      unlinkSync(from);
      return false;
    }
    if (!hasNoHardLinks(error)) throw error;
    renameSync(from, to);
    return true;
  }
  unlinkSync(from);
  return true;
}

/** Removes a file that may be gone. */
export function removeIfThere(door: FolderDoor, path: string): void {
  try {
    unlinkSync(rawPath(door.at(path)));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
