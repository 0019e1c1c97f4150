import { readlinkSync } from 'node:fs';
import { systemCode } from '../../protocol/systemCode.ts';

/** What Linux puts behind the path of a file that has lost its name since it was opened. */
const deleted = ' (deleted)';

/**
 * Whether an open file lies at the very path that it was opened by (raw, free of links): somebody may have put a link in place of a folder on
 * the way, which opening follows. Linux alone tells where an open file lies (proc(5), /proc/pid/fd); elsewhere, and without /proc, `true`.
 */
export function liesAt(descriptor: number, path: Buffer): boolean {
  if (process.platform !== 'linux') return true;
  let found: Buffer;
  try {
    found = readlinkSync(`/proc/self/fd/${descriptor}`, { encoding: 'buffer' });
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return true;
  }
  if (found.equals(path)) return true;
  // A file system that folds case may know the file by another spelling.
  const spelling = folded(path);
  const text = folded(found);
  return text === spelling || text === spelling + deleted;
}

function folded(path: Buffer): string {
  return path.toString('utf8').normalize('NFC').toLowerCase();
}
