import path from 'node:path';
import type { Policy } from '../../../protocol/methods/policies.ts';

/** The policies that have a folder, as a source of its own or inside one. */
export function protecting(policies: readonly Policy[], folder: string): readonly Policy[] {
  return policies.filter(({ sources }) => sources.some((source) => source.kind === 'folder' && isInside(folder, source.path)));
}

function isInside(inner: string, outer: string): boolean {
  const way = path.relative(outer, inner);
  return way === '' || (!way.startsWith(`..${path.sep}`) && way !== '..' && !path.isAbsolute(way));
}
