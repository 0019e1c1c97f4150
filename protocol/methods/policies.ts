import * as z from 'zod';
import type { Method, Page, PageParams } from '../method.ts';
import { pageOf, pageParams } from '../method.ts';
import { count, hostPath, newName, reference, storedName, time, uuid } from './values.ts';

export interface FolderSource {
  readonly kind: 'folder';
  /** Absolute. A single file will do too. */
  readonly path: string;
}

/** What a command prints on its standard output, kept as one file. */
export interface CommandSource {
  readonly kind: 'command';
  /** The file's name in the restore point; one policy has no two commands of one name. */
  readonly name: string;
  /** Run by `sh -c` (`cmd /c`) in the home folder. It stands in each manifest, sealed: no place for a password. */
  readonly command: string;
}

export type NewSource = FolderSource | CommandSource;

export type PolicySource = NewSource & { readonly sourceId: string };

/** What people call a source: a folder's path, a command's name. */
export function sourceName(source: NewSource): string {
  return source.kind === 'folder' ? source.path : source.name;
}

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

/** How many restore points stay of each kind; 0 or left out: none for that reason. See daemon/policies/retention. */
export type RetentionUnit = 'latest' | 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly';

export type Retention = Readonly<Record<RetentionUnit, number>>;

/** A command that runs before or after a run of the policy, by `sh -c` (`cmd /c`) in the home folder. */
export interface Hook {
  readonly command: string;
  /** Seconds; then it is ended and counts as failed. */
  readonly timeLimit: number;
}

/** When a policy runs, with what around it, and how long its restore points stay. */
export interface RunRules {
  /** `@hourly`, `@daily`, `@weekly`, `@monthly` or five fields of cron, in the time zone of the daemon's machine; `null`: by hand only. */
  readonly schedule: string | null;
  /** `null`: nothing is retired by itself. */
  readonly keep: Retention | null;
  readonly before: Hook | null;
  readonly after: Hook | null;
  /** Bytes a second that are read from the sources at most; `null`: as fast as they come. */
  readonly readLimit: number | null;
  /** Runs with less of the processor and the disk, where the system lets a process say so. */
  readonly lowPriority: boolean;
}

/** What a policy has that another installation exported: it is read here, and nothing is written for it. */
export interface ImportedPolicy {
  /** Whose it is. */
  readonly installationId: string;
  /** Of the import data, in hex: what both sides can compare by voice. */
  readonly fingerprint: string;
  readonly importedAt: string;
  /** How often its restore points are looked for; `null`: when it is imported again. */
  readonly pollSeconds: number | null;
  /** When they were last listed. */
  readonly refreshedAt: string;
  /** Why the last look came to nothing, as a sentence; `null` where it did not. */
  readonly problem: string | null;
}

export interface Policy extends SourceRules, RunRules {
  readonly policyId: string;
  readonly name: string;
  readonly sources: readonly PolicySource[];
  /** The location's name. */
  readonly location: string;
  readonly locationId: string;
  readonly paused: boolean;
  readonly createdAt: string;
  readonly nextRunAt: string | null;
  readonly lastRun: PolicyRun | null;
  readonly restorePoints: number;
  /** Why its definition can not be read, as a sentence with a way out: then it has no sources and the usual rules here. `null` where it can. */
  readonly problem: string | null;
  /** `null`: it is this installation's own. */
  readonly imported: ImportedPolicy | null;
}

export interface PolicyRun {
  readonly actionId: string;
  readonly outcome: string;
  readonly finishedAt: string;
}

/** Characters of a command at most. */
export const commandLength = 65_536;

const commandLine: z.ZodType<string> = z
  .string()
  .min(1)
  .max(commandLength)
  .refine((text) => !text.includes('\0'), 'a command holds no NUL');

const newSource: z.ZodType<NewSource> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('folder'), path: hostPath }),
  z.strictObject({ kind: z.literal('command'), name: newName, command: commandLine }),
]);

const pattern: z.ZodType<string> = z.string().min(1).max(4096);

const sourceRuleShape = {
  exclude: z.array(pattern).max(10_000),
  gitignore: z.boolean(),
  oneFileSystem: z.boolean(),
  includeCaches: z.boolean(),
  maxFileSize: count.nullable(),
};

/** Seconds a hook may take: an hour where nothing is said, a day at most. */
export const hookTimeLimits = { usual: 3600, most: 86_400 } as const;

const hook: z.ZodType<Hook> = z.strictObject({
  command: commandLine,
  timeLimit: z.int().min(1).max(hookTimeLimits.most),
});

/** Each unit keeps so many at most. */
export const retentionMost = 100_000;

const kept: z.ZodType<number> = z.int().min(0).max(retentionMost);

export const retention: z.ZodType<Retention> = z.strictObject({
  latest: kept,
  hourly: kept,
  daily: kept,
  weekly: kept,
  monthly: kept,
  yearly: kept,
});

/** The shape of `RunRules`, also of a definition as it is stored. */
export const runRuleShape: { readonly [Rule in keyof RunRules]: z.ZodType<RunRules[Rule]> } = {
  schedule: z.string().min(1).max(256).nullable(),
  keep: retention.nullable(),
  before: hook.nullable(),
  after: hook.nullable(),
  readLimit: z.int().min(1).nullable(),
  lowPriority: z.boolean(),
};

/** Takes everything. */
export const usualSourceRules: SourceRules = {
  exclude: [],
  gitignore: false,
  oneFileSystem: false,
  includeCaches: false,
  maxFileSize: null,
};

/** By hand only, everything stays, nothing around it. */
export const usualRunRules: RunRules = { schedule: null, keep: null, before: null, after: null, readLimit: null, lowPriority: false };

export const policy: z.ZodType<Policy> = z.strictObject({
  ...sourceRuleShape,
  ...runRuleShape,
  policyId: uuid,
  name: storedName,
  sources: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('folder'), path: z.string(), sourceId: uuid }),
      z.strictObject({ kind: z.literal('command'), name: z.string(), command: z.string(), sourceId: uuid }),
    ]),
  ),
  location: storedName,
  locationId: uuid,
  paused: z.boolean(),
  createdAt: time,
  nextRunAt: time.nullable(),
  lastRun: z.strictObject({ actionId: uuid, outcome: z.string(), finishedAt: time }).nullable(),
  restorePoints: count,
  problem: z.string().nullable(),
  imported: z
    .strictObject({
      installationId: uuid,
      fingerprint: z.string(),
      importedAt: time,
      pollSeconds: count.nullable(),
      refreshedAt: time,
      problem: z.string().nullable(),
    })
    .nullable(),
});

export interface PolicyCreateParams extends SourceRules, RunRules {
  readonly name: string;
  readonly sources: readonly NewSource[];
  readonly location: string;
}

const sourcesMost = 256;

/** Errors: `nameTaken`, `unknownName` (the location), `sourceMissing`, `badValue` (no source, the same one twice, or a schedule that is none or never comes). Runs no command. */
export const policyCreate: Method<PolicyCreateParams, Policy> = {
  name: 'policy.create',
  params: z.strictObject({
    ...sourceRuleShape,
    ...runRuleShape,
    name: newName,
    sources: z.array(newSource).min(1).max(sourcesMost),
    location: reference,
  }),
  result: policy,
  right: 'unlocked',
  audit: { subjects: { location: 'location' }, facts: ['keep'], made: { policyId: 'policy' } },
};

/** In order of names. One that can not be read keeps none of the others from being listed: it has a `problem`. */
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

/** What is left out stays as it is; what is given replaces. A source of the same path, or a command of the same name, keeps its id. */
export interface PolicyEditParams extends PolicyParams, Partial<SourceRules>, Partial<RunRules> {
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
    schedule: z.exactOptional(runRuleShape.schedule),
    keep: z.exactOptional(runRuleShape.keep),
    before: z.exactOptional(runRuleShape.before),
    after: z.exactOptional(runRuleShape.after),
    readLimit: z.exactOptional(runRuleShape.readLimit),
    lowPriority: z.exactOptional(runRuleShape.lowPriority),
  }),
  result: policy,
  right: 'unlocked',
  audit: { subjects: { policy: 'policy', location: 'location' }, facts: ['keep'] },
};

/** Nothing of it runs by itself any more; by hand it does. A run that is under way goes on. One that is paused already is answered as it is. */
export const policyPause: Method<PolicyParams, Policy> = {
  name: 'policy.pause',
  params: z.strictObject({ policy: reference }),
  result: policy,
  right: 'unlocked',
  audit: { subjects: { policy: 'policy' } },
};

/** Its schedule holds again from now on: the next run is the next regular one, whatever was missed. */
export const policyResume: Method<PolicyParams, Policy> = {
  name: 'policy.resume',
  params: z.strictObject({ policy: reference }),
  result: policy,
  right: 'unlocked',
  audit: { subjects: { policy: 'policy' } },
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
  audit: { subjects: { policy: 'policy' }, facts: ['confirmed'] },
};
