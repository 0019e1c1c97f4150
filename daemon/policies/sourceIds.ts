import { randomUUID } from 'node:crypto';
import { isAbsolute, normalize, sep } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type SourceId } from '../../protocol/ids.ts';
import type { NewSource } from '../../protocol/methods/policies.ts';
import type { SourceDefinition } from '../catalog/policyDefinition.ts';

/**
 * Gives ids to sources; one whose path stood in `before` keeps its id, so that its cache and its place in restore points stay.
 * Throws `badValue` on a path that is not absolute or stands twice.
 */
export function withSourceIds(sources: readonly NewSource[], before: readonly SourceDefinition[]): readonly SourceDefinition[] {
  const taken = new Set<string>();
  return sources.map((source) => {
    const path = normalPath(source.path);
    if (taken.has(path)) {
      throw new HoldfastError('badValue', `Failed to take the source ${path}: it is named twice.`, { fix: 'Name each source once.' });
    }
    taken.add(path);
    const known = before.find((candidate) => candidate.path === path);
    return { sourceId: known?.sourceId ?? idOf<SourceId>(randomUUID()), kind: 'folder', path };
  });
}

function normalPath(path: string): string {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new HoldfastError('badValue', `Failed to take the source ${JSON.stringify(path.slice(0, 200))}: it is not an absolute path.`, {
      fix: 'Give the whole path.',
    });
  }
  const normal = normalize(path);
  return normal.length > 1 && normal.endsWith(sep) && !/^[A-Za-z]:[/\\]$/.test(normal) ? normal.slice(0, -1) : normal;
}
