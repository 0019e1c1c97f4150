import * as z from 'zod';
import type { Method, Page, PageParams } from '../method.ts';
import { pageOf, pageParams } from '../method.ts';
import { count, hostPath, newName, reference, storedName, time, uuid } from './values.ts';

export interface FolderSource {
  readonly kind: 'folder';
  /** Absolute. A single file will do too. */
  readonly path: string;
}

export type NewSource = FolderSource;

export type PolicySource = FolderSource & { readonly sourceId: string };

/** What is taken from the sources and what is left out. */
export interface SourceRules {
  /** `ignore` syntax (that of `.gitignore`), relative to each source, in order. */
  readonly exclude: readonly string[];
  readonly gitignore: boolean;
  readonly oneFileSystem: boolean;
  /** Folders marked by a `CACHEDIR.TAG` too. */
  readonly includeCaches: boolean;
  /** Bytes; larger files are left out. `null` takes all. */
  readonly maxFileSize: number | null;
}

export interface Policy extends SourceRules {
  readonly policyId: string;
  readonly name: string;
  readonly sources: readonly PolicySource[];
  /** The location's name. */
  readonly location: string;
  readonly locationId: string;
  /** `null`: by hand only. */
  readonly schedule: string | null;
  readonly keep: Readonly<Record<string, number>> | null;
  readonly paused: boolean;
  readonly createdAt: string;
  readonly nextRunAt: string | null;
  readonly lastRun: PolicyRun | null;
  readonly restorePoints: number;
}

export interface PolicyRun {
  readonly actionId: string;
  readonly outcome: string;
  readonly finishedAt: string;
}

const newSource: z.ZodType<NewSource> = z.strictObject({ kind: z.literal('folder'), path: hostPath });

const pattern: z.ZodType<string> = z.string().min(1).max(4096);

const sourceRuleShape = {
  exclude: z.array(pattern).max(10_000),
  gitignore: z.boolean(),
  oneFileSystem: z.boolean(),
  includeCaches: z.boolean(),
  maxFileSize: count.nullable(),
};

export const policy: z.ZodType<Policy> = z.strictObject({
  ...sourceRuleShape,
  policyId: uuid,
  name: storedName,
  sources: z.array(z.strictObject({ kind: z.literal('folder'), path: z.string(), sourceId: uuid })),
  location: storedName,
  locationId: uuid,
  schedule: z.string().nullable(),
  keep: z.record(z.string(), count).nullable(),
  paused: z.boolean(),
  createdAt: time,
  nextRunAt: time.nullable(),
  lastRun: z.strictObject({ actionId: uuid, outcome: z.string(), finishedAt: time }).nullable(),
  restorePoints: count,
});

export interface PolicyCreateParams extends SourceRules {
  readonly name: string;
  readonly sources: readonly NewSource[];
  readonly location: string;
}

const sourcesMost = 256;

/** Errors: `nameTaken`, `unknownName` (the location), `sourceMissing`, `badValue` (no source, or the same one twice). */
export const policyCreate: Method<PolicyCreateParams, Policy> = {
  name: 'policy.create',
  params: z.strictObject({ ...sourceRuleShape, name: newName, sources: z.array(newSource).min(1).max(sourcesMost), location: reference }),
  result: policy,
  right: 'unlocked',
};

/** In order of names. */
export const policyList: Method<PageParams, Page<Policy>> = {
  name: 'policy.list',
  params: z.strictObject({ ...pageParams }),
  result: pageOf(policy),
  right: 'unlocked',
};

export interface PolicyParams {
  readonly policy: string;
}

export const policyShow: Method<PolicyParams, Policy> = {
  name: 'policy.show',
  params: z.strictObject({ policy: reference }),
  result: policy,
  right: 'unlocked',
};

/** What is left out stays as it is; what is given replaces. A source of the same path keeps its id. */
export interface PolicyEditParams extends PolicyParams, Partial<SourceRules> {
  readonly name?: string;
  readonly sources?: readonly NewSource[];
  readonly location?: string;
}

export const policyEdit: Method<PolicyEditParams, Policy> = {
  name: 'policy.edit',
  params: z.strictObject({
    policy: reference,
    name: newName.exactOptional(),
    sources: z.array(newSource).min(1).max(sourcesMost).exactOptional(),
    location: reference.exactOptional(),
    exclude: sourceRuleShape.exclude.exactOptional(),
    gitignore: sourceRuleShape.gitignore.exactOptional(),
    oneFileSystem: sourceRuleShape.oneFileSystem.exactOptional(),
    includeCaches: sourceRuleShape.includeCaches.exactOptional(),
    maxFileSize: sourceRuleShape.maxFileSize.exactOptional(),
  }),
  result: policy,
  right: 'unlocked',
};

export interface PolicyDeleteParams extends PolicyParams {
  readonly confirmed: boolean;
}

/** Its restore points stay until they are retired. In this order: `unknownName`, `stillInUse` (an action runs), `confirmationNeeded`. */
export const policyDelete: Method<PolicyDeleteParams, Policy> = {
  name: 'policy.delete',
  params: z.strictObject({ policy: reference, confirmed: z.boolean() }),
  result: policy,
  right: 'unlocked',
};
