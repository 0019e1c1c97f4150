import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { rawPath } from '../rawPath.ts';
import { systemCode } from '../../../protocol/systemCode.ts';

const longest = 4 * 1024 * 1024;

/**
 * The content of a regular file of at most 4 MiB; `undefined` for anything else. Files that steer a backup lie in folders that others may
 * write to: a FIFO must not make it wait, nor a link lead it away.
 */
export function readSmallFile(path: string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(rawPath(path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(descriptor);
    if (!stats.isFile() || stats.size > longest) return undefined;
    const bytes = Buffer.alloc(stats.size);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
