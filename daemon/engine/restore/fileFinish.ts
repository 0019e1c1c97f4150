import { constants, fchmodSync, fchownSync, futimesSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { rawPath } from '../rawPath.ts';
import { systemCode } from '../systemCode.ts';
import { timeArgument } from './fileTimes.ts';
import type { FileTarget } from './packJobCodec.ts';

/** What file systems without hard links answer. */
const linkMissing: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
const writeFlags = constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);

/** Opens a new temporary file that nobody else can read yet. */
export function createTemporary(temporary: string): number {
  return openSync(rawPath(temporary), createFlags, 0o600);
}

export function openTemporary(temporary: string): number {
  return openSync(rawPath(temporary), writeFlags);
}

/** Gives an open file its owner, mode and times. Changing the owner takes set-user-id away, so the mode comes after it. */
export function setAttributes(descriptor: number, target: FileTarget): void {
  if (target.uid >= 0) fchownSync(descriptor, target.uid, target.gid);
  fchmodSync(descriptor, target.mode);
  if (target.mtime !== undefined) {
    const time = timeArgument(target.mtime);
    futimesSync(descriptor, time, time);
  }
}

/**
 * Gives a complete temporary file its name. Where something else has taken the name meanwhile and may not be replaced, `false` is the answer.
 * The temporary file is gone afterwards, whatever happens.
 */
export function giveName(target: FileTarget): boolean {
  try {
    return rename(target);
  } catch (error) {
    removeIfThere(target.temporary);
    throw error;
  }
}

function rename(target: FileTarget): boolean {
  const from = rawPath(target.temporary);
  const to = rawPath(target.path);
  if (target.mayReplace) {
    renameSync(from, to);
    return true;
  }
  try {
    linkSync(from, to);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') {
      unlinkSync(from);
      return false;
    }
    if (code === undefined || !linkMissing.has(code)) throw error;
    renameSync(from, to);
    return true;
  }
  unlinkSync(from);
  return true;
}

/** Removes a file that may be gone. */
export function removeIfThere(path: string): void {
  try {
    unlinkSync(rawPath(path));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
