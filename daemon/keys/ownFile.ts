import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemCode } from '../../protocol/systemCode.ts';
import { firstLine, secretBytesMost } from './firstLine.ts';
import { secretBytes, type WipedBytes, wipe } from './secretBytes.ts';

/** Why a file is not taken as one that holds a secret of this user. */
export type OwnFileFault = 'missing' | 'unreadable' | 'noFile' | 'foreign' | 'openToOthers';

/** Thrown by `openOwnFile`; each caller has its own sentence for a fault. */
export class OwnFileError extends Error {
  override readonly name = 'OwnFileError';
  readonly fault: OwnFileFault;
  /** Of the operating system, where it said no. */
  readonly system: string | undefined;

  constructor(fault: OwnFileFault, cause?: unknown) {
    super(fault, { cause });
    this.fault = fault;
    this.system = systemCode(cause);
  }
}

/**
 * Opens a file for reading that is this user's and that nobody else may read or write; with `anyOwner` whose it is and who reads it is not looked at. What
 * counts is the file that was opened, wherever links led. On Windows the file's own rights are not looked at. Throws `OwnFileError`.
 */
export async function openOwnFile(file: string, options: { readonly anyOwner?: boolean } = {}): Promise<FileHandle> {
  let opened: FileHandle;
  try {
    // A pipe in its place must not hold the reader up.
    opened = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new OwnFileError(systemCode(error) === 'ENOENT' ? 'missing' : 'unreadable', error);
  }
  try {
    const facts = await opened.stat();
    if (!facts.isFile()) throw new OwnFileError('noFile');
    if (process.platform !== 'win32' && options.anyOwner !== true) {
      if (facts.uid !== process.getuid?.()) throw new OwnFileError('foreign');
      if ((facts.mode & 0o077) !== 0) throw new OwnFileError('openToOthers');
    }
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** The first line, without its end, of at most `secretBytesMost` bytes; for the caller to dispose of. The file stays the caller's to close. */
export async function readFirstLine(opened: FileHandle): Promise<WipedBytes> {
  const bytes = secretBytes(secretBytesMost);
  try {
    let length = 0;
    for (;;) {
      const { bytesRead } = await opened.read(bytes, length, bytes.length - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.length) break;
    }
    return firstLine(bytes.subarray(0, length));
  } finally {
    wipe(bytes);
  }
}
