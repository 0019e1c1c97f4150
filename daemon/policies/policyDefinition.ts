import { randomUUID } from 'node:crypto';
import { isAbsolute, normalize, sep } from 'node:path';
import * as z from 'zod';
import { HoldfastError } from '../../protocol/errors.ts';
import { idOf, isUuid, type SourceId } from '../../protocol/ids.ts';
import type { NewSource, SourceRules } from '../../protocol/methods/policies.ts';

export interface SourceDefinition {
  readonly sourceId: SourceId;
  readonly kind: 'folder';
  /** Absolute and normal. */
  readonly path: string;
}

/** What a policy protects and how: the part of a policy that is sealed in the catalog and stands in each of its manifests. */
export interface PolicyDefinition extends SourceRules {
  readonly sources: readonly SourceDefinition[];
}

const definitionSchema: z.ZodType<PolicyDefinition> = z.strictObject({
  sources: z.array(
    z.strictObject({
      sourceId: z.custom<SourceId>((value) => typeof value === 'string' && isUuid(value)),
      kind: z.literal('folder'),
      path: z.string(),
    }),
  ),
  exclude: z.array(z.string()),
  gitignore: z.boolean(),
  oneFileSystem: z.boolean(),
  includeCaches: z.boolean(),
  maxFileSize: z.int().min(0).nullable(),
});

/** Reads a definition back from the catalog or a manifest; `undefined` where it is of another kind (a newer program's, or sealed). */
export function parsePolicyDefinition(value: unknown): PolicyDefinition | undefined {
  const parsed = definitionSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

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
