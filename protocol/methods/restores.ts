import * as z from 'zod';
import type { Method, WorkParams } from '../method.ts';
import { requestId } from '../method.ts';
import { type Started, started } from './actions.ts';
import { count, entryPath, type Finding, finding, findingsInline, hostPath, reference, seconds, uuid } from './values.ts';

/** What happens to what is in the target already. `refuse`: a target that is not empty is `targetNotEmpty`, in place what is there of that which is to come back. */
export type Conflict = 'refuse' | 'skip' | 'overwrite' | 'rename';

export interface RestoreStartParams extends WorkParams {
  readonly restorePoint: string;
  /** An absolute folder; `null`: in place, over the sources. */
  readonly target: string | null;
  /** Only these and what is in them; all where empty. */
  readonly paths: readonly string[];
  readonly conflict: Conflict;
  /** Says what would be written and writes nothing. */
  readonly dryRun: boolean;
}

/** Errors before any work: `unknownName` (restore point or path), `targetNotEmpty`. */
export const restoreStart: Method<RestoreStartParams, Started> = {
  name: 'restore.start',
  params: z.strictObject({
    requestId,
    restorePoint: reference,
    target: hostPath.nullable(),
    paths: z.array(entryPath).max(1000),
    conflict: z.enum(['refuse', 'skip', 'overwrite', 'rename']),
    dryRun: z.boolean(),
  }),
  result: started,
  right: 'unlocked',
  startsWork: true,
};

/** The result of an action of kind `restore`. */
export interface RestoreDocument {
  readonly actionId: string;
  readonly restorePointId: string;
  readonly outcome: 'complete' | 'completeWithWarnings' | 'damaged' | 'failed' | 'cancelled';
  readonly files: number;
  readonly bytes: number;
  readonly skipped: readonly Finding[];
  /** All there are; `skipped` holds the first of them. */
  readonly skippedCount: number;
  /** Sentences about what is there and needs a look: modes and times that could not be set. */
  readonly warnings: readonly string[];
  /** All there are; `warnings` holds the first of them. */
  readonly warningsCount: number;
  readonly damaged: readonly Finding[];
  readonly damagedCount: number;
  readonly seconds: number;
}

export const restoreDocument: z.ZodType<RestoreDocument> = z.strictObject({
  actionId: uuid,
  restorePointId: uuid,
  outcome: z.enum(['complete', 'completeWithWarnings', 'damaged', 'failed', 'cancelled']),
  files: count,
  bytes: count,
  skipped: z.array(finding).max(findingsInline),
  skippedCount: count,
  warnings: z.array(z.string()).max(findingsInline),
  warningsCount: count,
  damaged: z.array(finding).max(findingsInline),
  damagedCount: count,
  seconds,
});
