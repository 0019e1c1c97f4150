import type { FileHandle } from 'node:fs/promises';
import { HoldfastError } from '../../../protocol/errors.ts';
import { OwnFileError, openOwnFile, readFirstLine } from '../../keys/ownFile.ts';
import type { WipedBytes } from '../../keys/secretBytes.ts';

/** Whether the file may be used, without reading it. Throws as `readPassphraseFile` does. */
export async function checkPassphraseFile(file: string): Promise<void> {
  await using _ = await openChecked(file);
}

/**
 * The first line of a file that is this user's and that nobody else may read or write. What counts is the file that was opened, wherever links led.
 * Throws `refusedByRule` (others may read or write it, or it is somebody else's) and `badValue` (not there, no file, empty). On Windows the file's own
 * rights are not looked at.
 */
export async function readPassphraseFile(file: string): Promise<WipedBytes> {
  await using opened = await openChecked(file);
  const line = await readFirstLine(opened);
  if (line.bytes.length === 0) throw unusable(file, 'its first line is empty');
  return line;
}

async function openChecked(file: string): Promise<FileHandle> {
  try {
    return await openOwnFile(file);
  } catch (error) {
    if (!(error instanceof OwnFileError)) throw error;
    switch (error.fault) {
      case 'missing':
        throw unusable(file, 'it is not there', error);
      case 'unreadable':
        throw unusable(file, `it can not be opened (${error.system})`, error);
      case 'noFile':
        throw unusable(file, 'it is no file', error);
      case 'foreign':
        throw refused(file, 'it belongs to another user', 'Name a file of your own.');
      case 'openToOthers':
        throw refused(file, 'others may read or write it', `Run "chmod 600" on it.`);
    }
  }
}

function unusable(file: string, cause: string, error?: unknown): HoldfastError {
  return new HoldfastError('badValue', `Failed to read the passphrase file ${file}: ${cause}.`, {
    fix: 'Write the passphrase into its first line, or name another file.',
    ...(error === undefined ? {} : { cause: error }),
  });
}

function refused(file: string, cause: string, fix: string): HoldfastError {
  return new HoldfastError('refusedByRule', `Failed to use the passphrase file ${file}: ${cause}.`, { fix });
}
