import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { HoldfastError } from '../../../protocol/errors.ts';
import { systemCode } from '../../../protocol/systemCode.ts';
import { secretBytes, type WipedBytes, wipe } from '../../keys/secretBytes.ts';
import { firstLine, secretBytesMost } from './firstLine.ts';

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
  const bytes = secretBytes(secretBytesMost);
  try {
    let length = 0;
    for (;;) {
      const { bytesRead } = await opened.read(bytes, length, bytes.length - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.length) break;
    }
    const line = firstLine(bytes.subarray(0, length));
    if (line.bytes.length === 0) throw unusable(file, 'its first line is empty');
    return line;
  } finally {
    wipe(bytes);
  }
}

async function openChecked(file: string): Promise<FileHandle> {
  let opened: FileHandle;
  try {
    // A pipe in its place must not hold the daemon up.
    opened = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw unusable(file, systemCode(error) === 'ENOENT' ? 'it is not there' : `it can not be opened (${systemCode(error)})`, error);
  }
  try {
    const facts = await opened.stat();
    if (!facts.isFile()) throw unusable(file, 'it is no file');
    if (process.platform !== 'win32') {
      if (facts.uid !== process.getuid?.()) throw refused(file, 'it belongs to another user', 'Name a file of your own.');
      if ((facts.mode & 0o077) !== 0) throw refused(file, 'others may read or write it', `Run "chmod 600" on it.`);
    }
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
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
