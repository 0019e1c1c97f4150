import type { MessagePort } from 'node:worker_threads';
import type { SourceId, StoreId } from '../../../protocol/ids.ts';
import type { PinnedIndex } from '../../repository/manifestTypes.ts';
import type { PolicyKeys } from '../../repository/policyKeys.ts';
import type { ChunkerParameters } from '../chunker/chunkerParameters.ts';
import type { TableSegment } from '../dedup/chunkTable.ts';
import type { ReadBudgetMemory } from '../threads/readBudget.ts';
import type { RunMemory } from '../threads/runMemory.ts';
import type { SealedBufferMemory } from '../threads/sealedBuffers.ts';
import type { OutputPipeMemory } from '../threads/outputPipe.ts';
import type { CommandSource, FolderSource, SkippedEntry } from '../jobs.ts';

/** What every thread of a backup shares. */
export interface BackupMemory {
  readonly run: RunMemory;
  readonly sealed: SealedBufferMemory;
  /** Uint8 for each pack of the parent indexes, by its number in the table: 1 once this run relies on it. */
  readonly hits: SharedArrayBuffer;
  /** `undefined`: files are read as fast as they come. */
  readonly readBudget: ReadBudgetMemory | undefined;
}

/** What a thread must know to write packs. */
export interface PackContext {
  readonly keys: PolicyKeys;
  readonly storeId: StoreId;
  readonly compressionLevel: number;
}

/** `workerData` of a file worker. */
export interface FileWorkerData {
  readonly role: 'file';
  readonly thread: number;
  readonly memory: BackupMemory;
  readonly isLowPriority: boolean;
  readonly context: PackContext;
  readonly chunker: ChunkerParameters;
  readonly table: readonly TableSegment[];
  /** From the walker. */
  readonly port: MessagePort;
}

/** A sealed pack, waiting in a sealed buffer to be put. */
export interface SealedPackMessage {
  readonly type: 'pack';
  readonly buffer: number;
  readonly pack: StoredPack;
}

/** A pack and its directory. */
export interface StoredPack {
  readonly objectId: Uint8Array;
  readonly salt: Uint8Array;
  readonly sha256: Uint8Array;
  readonly storedLength: number;
  readonly versionId: string | null;
  /** Rows as in the pack, without what surrounds them. */
  readonly directory: Uint8Array;
  readonly blockCount: number;
  /** Where the blocks end. */
  readonly blocksLength: number;
}

/** The blocks of a pack that is not full: appended to another's, unchanged. */
export interface PackTail {
  readonly plaintext: SharedArrayBuffer;
  readonly blocksLength: number;
  readonly directory: Uint8Array;
  readonly blockCount: number;
}

/** The pipe that a file worker reads an output from has room again. */
export interface OutputRoomMessage {
  readonly type: 'outputRoom';
}

/** A command, for a thread that only hears of what it prints. */
export type HeardSource = Omit<CommandSource, 'run'>;

/** `workerData` of the walker. */
export interface WalkerData {
  readonly role: 'walker';
  readonly memory: Omit<BackupMemory, 'hits' | 'readBudget'>;
  readonly isLowPriority: boolean;
  readonly context: PackContext;
  readonly sources: readonly (FolderSource | HeardSource)[];
  readonly alwaysExclude: readonly string[];
  readonly cacheFolder: string;
  readonly readAllAgain: boolean;
  /** As many `parentIndex` orders come first. */
  readonly parentIndexes: number;
  /** objectIds of packs whose chunks count as not stored. */
  readonly unusablePacks: readonly Uint8Array[];
  /** Live restore points that are too many for the manifest itself; else empty. */
  readonly liveList: Uint8Array;
  readonly nextIndexSequence: number;
}

/** Main thread to walker. */
export type WalkerOrder =
  /** The stored bytes of a parent index, not yet checked; `null` where it is not there. */
  | {
      readonly type: 'parentIndex';
      readonly pinned: PinnedIndex;
      readonly bytes: Uint8Array | null;
      /** What it names goes into an index of this run, which takes its place. */
      readonly isMerged: boolean;
    }
  /** File workers, in answer to `workersWanted`; the n-th is thread n + 1. */
  | { readonly type: 'workers'; readonly ports: readonly MessagePort[] }
  /**
   * The command that `outputWanted` asked for has ended, and its pipe with it. `problem`: why its output is not kept. `endedAt`: milliseconds
   * since 1970.
   */
  | { readonly type: 'outputEnded'; readonly problem: string | null; readonly endedAt: number }
  /** A pack is in the store. */
  | { readonly type: 'packStored'; readonly pack: StoredPack }
  /** Write an index of the packs stored so far: the run ends without a restore point. */
  | { readonly type: 'salvage' }
  /** The manifest is in the store: the new caches take the place of the old. */
  | { readonly type: 'commit' }
  | { readonly type: 'end' };

/** Walker to main thread; packs come as `SealedPackMessage`. */
export type WalkerReport =
  /** All parent indexes are read. `packs`: 16-byte object ids, the n-th is number n + 1 in the table. `usable`: keys of those that can be pinned again. */
  | { readonly type: 'prepared'; readonly packs: Uint8Array; readonly hits: SharedArrayBuffer; readonly usable: readonly string[] }
  /** What the last run found in the source that is walked next. */
  | { readonly type: 'expected'; readonly files: number; readonly bytes: number }
  | { readonly type: 'workersWanted'; readonly table: readonly TableSegment[] }
  /** Run this command and put what it prints into the pipe. */
  | { readonly type: 'outputWanted'; readonly sourceId: SourceId; readonly pipe: OutputPipeMemory }
  | { readonly type: 'walked'; readonly files: number; readonly bytes: number }
  /** No more packs come; so many were delivered in all. */
  | { readonly type: 'packsDone'; readonly count: number }
  | { readonly type: 'index'; readonly index: SealedIndex }
  | { readonly type: 'salvaged' }
  | { readonly type: 'finished'; readonly result: WalkResult }
  | { readonly type: 'committed' }
  | SealedPackMessage;

export interface SealedIndex {
  readonly sequence: number;
  readonly objectId: Uint8Array;
  readonly salt: Uint8Array;
  readonly sha256: Uint8Array;
  readonly bytes: Uint8Array;
}

/** What the walker has made of all sources. */
export interface WalkResult {
  readonly roots: readonly { readonly sourceId: SourceId; readonly root: Uint8Array }[];
  /** The chunk of `liveList`. */
  readonly liveListId: Uint8Array | null;
  readonly nextIndexSequence: number;
  readonly counts: WalkCounts;
  readonly skipped: readonly SkippedEntry[];
  readonly skippedCount: number;
  readonly warnings: readonly string[];
  readonly hasWarnings: boolean;
}

export interface WalkCounts {
  readonly files: number;
  readonly folders: number;
  readonly bytes: number;
  readonly newFiles: number;
  readonly changedFiles: number;
  readonly unchangedFiles: number;
}

/** Walker to file worker. */
export type FileWorkerOrder =
  | { readonly type: 'files'; readonly batch: number; readonly tasks: Uint8Array }
  | { readonly type: 'tableGrew'; readonly segment: TableSegment }
  /** Store what comes through the pipe. Answer with `outputPart` now and then, and with `outputRead` at its end. */
  | { readonly type: 'output'; readonly pipe: OutputPipeMemory }
  /** Answer with `tail`: no more files come. */
  | { readonly type: 'finish' }
  /** Append these tails and seal what there is, also where it is not full. Answer with `sealed`. */
  | { readonly type: 'absorb'; readonly tails: readonly PackTail[] }
  | { readonly type: 'end' };

/** File worker to walker. */
export type FileWorkerAnswer =
  | { readonly type: 'results'; readonly thread: number; readonly batch: number; readonly results: Uint8Array }
  /** Rows of 32-byte id and u32 length. */
  | { readonly type: 'outputPart'; readonly chunks: Uint8Array }
  /** The last rows; `null` where the output was given up. */
  | { readonly type: 'outputRead'; readonly thread: number; readonly chunks: Uint8Array | null }
  /** `packs`: delivered so far. */
  | { readonly type: 'tail'; readonly thread: number; readonly packs: number; readonly tail: PackTail }
  /** `packs`: delivered since the tail. */
  | { readonly type: 'sealed'; readonly thread: number; readonly packs: number };
