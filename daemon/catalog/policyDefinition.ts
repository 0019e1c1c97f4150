import * as z from 'zod';
import { isUuid, type SourceId } from '../../protocol/ids.ts';
import type { SourceRules } from '../../protocol/methods/policies.ts';

/** A source as a policy has it: named by its path, known by its id. */
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
