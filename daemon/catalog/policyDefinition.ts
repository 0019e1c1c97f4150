import * as z from 'zod';
import { isUuid, type SourceId } from '../../protocol/ids.ts';
import { type NewSource, type RunRules, runRuleShape, type SourceRules, usualRunRules } from '../../protocol/methods/policies.ts';

/** A source as a policy has it: named by its path (absolute and normal) or its name, known by its id. */
export type SourceDefinition = NewSource & { readonly sourceId: SourceId };

/** What a policy protects and how: the part of a policy that is sealed in the catalog and stands in each of its manifests. */
export interface PolicyDefinition extends SourceRules, RunRules {
  readonly sources: readonly SourceDefinition[];
}

const sourceId = z.custom<SourceId>((value) => typeof value === 'string' && isUuid(value));

const definitionShape = {
  sources: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ sourceId, kind: z.literal('folder'), path: z.string() }),
      z.strictObject({ sourceId, kind: z.literal('command'), name: z.string(), command: z.string() }),
    ]),
  ),
  exclude: z.array(z.string()),
  gitignore: z.boolean(),
  oneFileSystem: z.boolean(),
  includeCaches: z.boolean(),
  maxFileSize: z.int().min(0).nullable(),
  // Definitions of the first version of this program say nothing of these.
  schedule: runRuleShape.schedule.default(usualRunRules.schedule),
  keep: runRuleShape.keep.default(usualRunRules.keep),
  before: runRuleShape.before.default(usualRunRules.before),
  after: runRuleShape.after.default(usualRunRules.after),
  readLimit: runRuleShape.readLimit.default(usualRunRules.readLimit),
  lowPriority: runRuleShape.lowPriority.default(usualRunRules.lowPriority),
};

const definitionSchema: z.ZodType<PolicyDefinition> = z.strictObject(definitionShape);

/** Beside the definition a manifest says more of its policy: the name and so on. */
const manifestSchema: z.ZodType<PolicyDefinition> = z.object(definitionShape);

/** Reads a definition back from the catalog; `undefined` where it is of another kind (a newer program's, or sealed). */
export function parsePolicyDefinition(value: unknown): PolicyDefinition | undefined {
  const parsed = definitionSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** The definition in the member `policy` of a manifest; `undefined` where another program wrote it. */
export function definitionInManifest(policy: unknown): PolicyDefinition | undefined {
  const parsed = manifestSchema.safeParse(policy);
  return parsed.success ? parsed.data : undefined;
}
