import path from 'node:path/posix';
import type { LocatedEntry } from '../../protocol/methods/restorePoints.ts';

/**
 * Where in its restore point a symbolic link leads, by its text alone: relative to its folder, or absolute into one of the sources, which the daemon takes
 * as it is. `undefined` for what is no link or climbs out.
 */
export function linkTargetPath(entry: LocatedEntry): string | undefined {
  const { linkTarget } = entry;
  if (linkTarget === null || linkTarget === '') return undefined;
  if (linkTarget.startsWith('/')) return linkTarget;
  const joined = path.join(path.dirname(entry.path), linkTarget);
  if (joined === '..' || joined.startsWith('../')) return undefined;
  return joined === '.' ? '' : joined.replace(/\/$/, '');
}
