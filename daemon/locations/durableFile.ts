import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { hasNoHardLinks } from '../../protocol/systemCode.ts';
import { type FileSystem, type OpenFile } from './fileAccess.ts';

/** Names of files that are not yet whole begin with this; readers ignore every name that begins with a dot. */
export const temporaryPrefix = '.tmp-';
/** Between two such pieces a put can be cancelled. */
const pieceLength = 8 * 1024 * 1024;

export interface CreateSteps {
  /** Called before each step; what it throws ends the put and leaves nothing behind. */
  readonly beforeStep?: () => void;
  /** Told of what fails, before anything is cleaned up. */
  readonly onFailure?: (error: unknown) => void;
}

async function writeAll(file: OpenFile, bytes: Uint8Array, beforeStep: () => void): Promise<void> {
  let position = 0;
  while (position < bytes.length) {
    beforeStep();
    const written = await file.write(bytes.subarray(position, Math.min(position + pieceLength, bytes.length)), position);
    if (written === 0) throw Object.assign(new Error('the file system wrote nothing'), { code: 'EIO', syscall: 'write' });
    position += written;
  }
}

/**
 * Gives the finished temporary file its name, only if nothing has it. Without hard links an empty file takes the name and is replaced by a
 * rename; a crash between the two leaves an empty file, which no reader takes for an object and `sweepTemporaries` removes.
 */
async function giveName(fileSystem: FileSystem, temporary: string, path: string): Promise<void> {
  try {
    await fileSystem.link(temporary, path);
  } catch (error) {
    if (!hasNoHardLinks(error)) throw error;
    const placeholder = await fileSystem.create(path);
    await placeholder.close();
    try {
      await fileSystem.rename(temporary, path);
    } catch (failed) {
      await removeQuietly(fileSystem, path);
      throw failed;
    }
    return;
  }
  await removeQuietly(fileSystem, temporary);
}

/** For cleaning up behind an error that is already on its way: what can't be removed now is swept later. */
export async function removeQuietly(fileSystem: FileSystem, path: string): Promise<void> {
  await fileSystem.unlink(path).then(
    () => undefined,
    () => undefined,
  );
}

/**
 * Makes `<folder>/<name>` hold `bytes`, durable when it resolves, or not be there at all: temporary name, write, fsync, link, fsync of the folder
 * (docs/format.md, Puts). Rejects with the system's error: EEXIST where the name is taken. A failed fsync is never tried again, since
 * the kernel may have dropped the pages that it could not write: the temporary file (and the name, if it was given) is removed.
 */
export async function createDurably(
  fileSystem: FileSystem,
  folder: string,
  name: string,
  bytes: Uint8Array,
  steps: CreateSteps = {},
): Promise<void> {
  const { beforeStep = (): void => undefined, onFailure = (): void => undefined } = steps;
  const path = join(folder, name);
  const temporary = join(folder, `${temporaryPrefix}${randomBytes(12).toString('hex')}`);
  beforeStep();
  const file = await fileSystem.create(temporary);
  try {
    try {
      await writeAll(file, bytes, beforeStep);
      beforeStep();
      await file.sync();
    } catch (error) {
      onFailure(error);
      throw error;
    } finally {
      await file.close();
    }
    beforeStep();
    await giveName(fileSystem, temporary, path);
  } catch (error) {
    await removeQuietly(fileSystem, temporary);
    throw error;
  }
  try {
    beforeStep();
    await fileSystem.syncFolder(folder);
  } catch (error) {
    onFailure(error);
    await removeQuietly(fileSystem, path);
    throw error;
  }
}
