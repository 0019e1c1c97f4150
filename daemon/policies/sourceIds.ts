import { randomUUID } from 'node:crypto';
import { isAbsolute, normalize, sep } from 'node:path';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, type SourceId } from '../../protocol/ids.ts';
import { type NewSource, sourceName } from '../../protocol/methods/policies.ts';
import type { SourceDefinition } from '../catalog/policyDefinition.ts';

/**
 * Gives ids to sources; one whose path, or whose command's name, stood in `before` keeps its id, so that its cache and its place in restore
 * points stay. Throws `badValue` on a path that is not absolute, and on a path or name that stands twice.
 */
export function withSourceIds(sources: readonly NewSource[], before: readonly SourceDefinition[]): readonly SourceDefinition[] {
  const taken = new Set<string>();
  return sources.map((given) => {
    const source: NewSource = given.kind === 'folder' ? { kind: 'folder', path: normalPath(given.path) } : given;
    const name = sourceName(source);
    const key = `${source.kind} ${name}`;
    if (taken.has(key)) {
      throw new HoldfastError('badValue', `Failed to take the source ${name}: it is named twice.`, { fix: 'Name each source once.' });
    }
    taken.add(key);
    const known = before.find((candidate) => candidate.kind === source.kind && sourceName(candidate) === name);
    return { ...source, sourceId: known?.sourceId ?? idOf<SourceId>(randomUUID()) };
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
