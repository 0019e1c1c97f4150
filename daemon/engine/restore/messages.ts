import type { ErrorCode } from '../../../protocol/errors.ts';
import type { SourceId } from '../../../protocol/ids.ts';
import type { PinnedIndex } from '../../repository/manifestTypes.ts';
import type { PackScope } from '../../repository/packReader.ts';
import type { PolicyKeys } from '../../repository/policyKeys.ts';
import type { ConflictMode, RestoreResult, RestoreSource, RestoreTarget } from '../jobs.ts';
import type { RunMemory } from '../threads/runMemory.ts';

/** `workerData` of the planner: reads indexes and trees, makes folders, and plans what is fetched and where it goes. */
export interface PlannerData {
  readonly role: 'planner';
  readonly memory: RunMemory;
  readonly keys: readonly PolicyKeys[];
  readonly header: PackScope;
  readonly indexes: readonly PinnedIndex[];
  readonly sources: readonly RestoreSource[];
  readonly targets: readonly RestoreTarget[];
  readonly selection: ReadonlyMap<SourceId, readonly Uint8Array[]> | undefined;
  readonly conflict: ConflictMode;
  readonly owners: boolean;
  readonly dryRun: boolean;
  readonly runId: string;
  readonly endedRunIds: ReadonlySet<string>;
  readonly entryLimit: number;
}

/** `workerData` of a restore worker: opens what was fetched and writes it. */
export interface RestoreWorkerData {
  readonly role: 'restore';
  readonly thread: number;
  readonly memory: RunMemory;
  readonly keys: readonly PolicyKeys[];
  readonly header: PackScope;
  readonly owners: boolean;
}

/** What to fetch of a pack. */
export interface FetchPlan {
  readonly key: string;
  readonly versionId: string | null;
  readonly objectSize: number;
  readonly offset: number;
  readonly length: number;
}

/** A range of one pack, and what becomes of it. */
export interface PackJob {
  readonly id: number;
  readonly fetch: FetchPlan;
  readonly pack: {
    readonly objectId: Uint8Array;
    readonly salt: Uint8Array;
    readonly keyGeneration: number;
    readonly keyEpoch: number;
    readonly storedLength: number;
  };
  /** Blocks, chunks and their places (packJobCodec.ts). */
  readonly blocks: Uint8Array;
}

/** A place that a chunk did not reach. */
export interface FailedPart {
  readonly file: number;
  readonly part: number;
  readonly reason: string;
  /** The target refused it: another copy of the chunk is no help. */
  readonly isLocal?: boolean;
}

/** Planner to main thread. */
export type PlannerReport =
  | {
      readonly type: 'get';
      readonly id: number;
      readonly key: string;
      readonly versionId: string | null;
      readonly offset?: number;
      readonly length?: number;
    }
  /** Those of one pack stand together, in the order of their ranges. */
  | { readonly type: 'jobs'; readonly jobs: readonly PackJob[] }
  | { readonly type: 'totals'; readonly files: number; readonly bytes: number }
  | { readonly type: 'planned'; readonly result: PlannerResult }
  | { readonly type: 'failed'; readonly error: StoreFailure };

/** Main thread to planner. */
export type PlannerOrder =
  | { readonly type: 'got'; readonly id: number; readonly found: GotObject | undefined }
  | { readonly type: 'getFailed'; readonly id: number; readonly error: StoreFailure }
  | { readonly type: 'jobDone'; readonly done: WorkDone }
  /** Undo what is half done, then report. */
  | { readonly type: 'stop' };

export interface GotObject {
  readonly body: Uint8Array;
  readonly size: number;
  readonly offset: number;
  readonly versionId: string | null;
  readonly lastModified: number;
}

/** A `HoldfastError` on its way between threads. */
export interface StoreFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly reason: string;
  readonly fix: string | null;
  /** What nobody foresaw, for the log. */
  readonly cause: Error | null;
}

/** Main thread to restore worker; it answers with `WorkDone`. */
export interface WorkOrder {
  readonly job: PackJob;
  /** The bytes that `job.fetch` asks for; `null` where they could not be had, for `reason`. */
  readonly fetched: Uint8Array | null;
  readonly reason: string;
}

export interface WorkDone {
  readonly id: number;
  readonly failed: readonly FailedPart[];
  /** What of a whole file could not be restored, although its data is there. */
  readonly notes: readonly { readonly file: number; readonly what: string }[];
  /** The system's code for what ends the whole restore. */
  readonly fatal: string | null;
}

export type PlannerResult = Omit<RestoreResult, 'seconds'>;
