import * as z from 'zod';
import type { Method, WorkParams } from '../method.ts';
import { requestId } from '../method.ts';
import { count, description, type Finding, finding, findingsInline, reference, seconds, storedName, uuid } from './values.ts';

export interface BackupStartParams extends WorkParams {
  /** Left out with `all`. */
  readonly policies: readonly string[];
  readonly all: boolean;
  /** Reads and counts, stores nothing; `restorePointId` is `null` then. */
  readonly dryRun: boolean;
  readonly description?: string;
}

export interface BackupStarted {
  readonly policyId: string;
  readonly policy: string;
  readonly actionId: string;
}

/** One action a policy, in the order of `policies` (by name with `all`). */
export interface BackupStartResult {
  readonly actions: readonly BackupStarted[];
}

/** Errors: `unknownName`, `badValue` (no policy, or policies beside `all`). A policy named twice runs once. */
export const backupStart: Method<BackupStartParams, BackupStartResult> = {
  name: 'backup.start',
  params: z.strictObject({
    requestId,
    policies: z.array(reference).max(256),
    all: z.boolean(),
    dryRun: z.boolean(),
    description: description.exactOptional(),
  }),
  result: z.strictObject({ actions: z.array(z.strictObject({ policyId: uuid, policy: storedName, actionId: uuid })) }),
  right: 'unlocked',
  startsWork: true,
};

/** How a command of the user's came to its end. */
export interface ProcessReport {
  /** `null` where a signal ended it, or it never started. */
  readonly exitStatus: number | null;
  readonly signal: string | null;
  readonly seconds: number;
  /** The end of it, 64 KiB at most; may hold anything, control characters too. Begins with `…` where something before it is left out. */
  readonly standardError: string;
  /** Why it counts as failed, as the end of a sentence; `null` where it ended well. */
  readonly problem: string | null;
}

/** A source of kind `command` that ran. */
export interface CommandReport extends ProcessReport {
  readonly name: string;
  /** What it printed, as far as that was read. */
  readonly bytes: number;
  /** Whether that is in the restore point; all of it or nothing. */
  readonly kept: boolean;
}

/** `null` where there is none, or it did not run. */
export interface HookReports {
  readonly before: ProcessReport | null;
  readonly after: ProcessReport | null;
}

/** The result of an action of kind `backup`; also of one that failed, where it has commands or hooks to tell of. */
export interface BackupDocument {
  readonly actionId: string;
  readonly policy: string;
  readonly policyId: string;
  readonly restorePointId: string | null;
  readonly outcome: 'complete' | 'completeWithWarnings' | 'failed' | 'cancelled';
  readonly files: number;
  readonly bytes: number;
  /** Bytes put into the location. */
  readonly addedBytes: number;
  readonly skipped: readonly Finding[];
  /** All there are; `skipped` holds the first of them. */
  readonly skippedCount: number;
  /** Sentences about what is there and needs a look: files that changed while they were read. */
  readonly warnings: readonly string[];
  /** All there are; `warnings` holds the first of them. */
  readonly warningsCount: number;
  /** In the order in which they ran. None in a dry run. */
  readonly commands: readonly CommandReport[];
  readonly hooks: HookReports;
  readonly seconds: number;
}

const processShape = {
  exitStatus: z.int().nullable(),
  signal: z.string().nullable(),
  seconds,
  standardError: z.string(),
  problem: z.string().nullable(),
};

const hookReport = z.strictObject(processShape).nullable();

export const backupDocument: z.ZodType<BackupDocument> = z.strictObject({
  actionId: uuid,
  policy: storedName,
  policyId: uuid,
  restorePointId: uuid.nullable(),
  outcome: z.enum(['complete', 'completeWithWarnings', 'failed', 'cancelled']),
  files: count,
  bytes: count,
  addedBytes: count,
  skipped: z.array(finding).max(findingsInline),
  skippedCount: count,
  warnings: z.array(z.string()).max(findingsInline),
  warningsCount: count,
  commands: z.array(z.strictObject({ ...processShape, name: z.string(), bytes: count, kept: z.boolean() })),
  hooks: z.strictObject({ before: hookReport, after: hookReport }),
  seconds,
});
