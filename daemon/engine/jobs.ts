import type { RestorePointId, SourceId } from '../../protocol/ids.ts';
import type { ObjectStore } from '../locations/objectStore.ts';
import type { LiveRestorePoint } from '../repository/liveList.ts';
import type { Heads, PinnedIndex } from '../repository/manifestTypes.ts';
import type { PolicyKeys } from '../repository/policyKeys.ts';

export type { LiveRestorePoint } from '../repository/liveList.ts';
export type { Head, Heads, PinnedIndex } from '../repository/manifestTypes.ts';

/**
 * The contract between the engine and the rooms above it: what a run is told, what it asks for on its way, and what it tells at its end.
 * The engine reads no catalog and knows no policy; all that it needs is handed in here.
 */

/** A folder to protect. */
export interface FolderSource {
  readonly id: SourceId;
  readonly kind: 'folder';
  /** Absolute path of a folder, or of a single file. A symbolic link is followed here and nowhere else. */
  readonly path: string;
  /** The path as text, for display in the manifest. */
  readonly label: string;
  /** Patterns in the syntax of `.gitignore`, relative to the source. */
  readonly exclude: readonly string[];
  /** Honour `.gitignore` files and `.git/info/exclude`; `.git` itself is kept. */
  readonly gitignore: boolean;
  readonly oneFileSystem: boolean;
  /** Keep folders that carry a valid `CACHEDIR.TAG`. */
  readonly includeCaches: boolean;
  /** Bytes; larger files are left out and named. */
  readonly maxFileSize?: number;
}

/** Gets an output piece by piece; the next comes once what it returns has resolved. */
export type OutputSink = (piece: Uint8Array) => Promise<void> | undefined;

/** What a command prints, to be kept as a file. The engine starts nothing itself. */
export interface CommandSource {
  readonly id: SourceId;
  readonly kind: 'command';
  /** The name that the output has in the restore point. */
  readonly label: string;
  /**
   * Runs the command and hands its output to the sink. Resolves once nothing of it runs any more: `null` where it ended well and its output is
   * whole, else why not, as the end of a sentence; nothing of it is kept then. Ends the command where the signal says so.
   */
  readonly run: (output: OutputSink, signal: AbortSignal) => Promise<string | null>;
}

export type BackupSource = FolderSource | CommandSource;

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [member: string]: JsonValue };

/** One object as the ledger knows it, before it is put. */
export interface UploadingObject {
  readonly key: string;
  readonly kind: 'pack' | 'index' | 'manifest';
  readonly objectId: Uint8Array;
  /** Stored bytes. */
  readonly length: number;
  /** Over the stored bytes. */
  readonly sha256: Uint8Array;
}

export interface UploadedObject extends UploadingObject {
  readonly versionId: string | null;
}

/**
 * What the catalog's ledger must hear of a run. A call that rejects stops the run.
 * `uploading` resolves before the put begins, so that no object exists that the ledger does not pin.
 */
export interface RunLedger {
  uploading(object: UploadingObject): Promise<void>;
  uploaded(object: UploadedObject): Promise<void>;
  /** Packs of earlier runs that this one relies on; each is told once, before the gate. */
  hits(packObjectIds: readonly Uint8Array[]): Promise<void>;
}

/** Everything that the manifest about to be put will reach. */
export interface ReachedObjects {
  /** Objects put by this run, in the order of their puts. */
  readonly uploaded: readonly UploadedObject[];
  /** objectIds of packs of earlier runs. */
  readonly hits: readonly Uint8Array[];
  /** The indexes that the manifest pins, own ones included. */
  readonly indexes: readonly PinnedIndex[];
}

/**
 * The commit gate: resolves when every reached object is proved to be there for as long as promised, rejects otherwise.
 * Called once before the manifest is put, and once more with the manifest itself among `uploaded` before the run ends well.
 */
export type CommitGate = (reached: ReachedObjects) => Promise<void>;

/** One run of a policy. */
export interface BackupJob {
  readonly keys: PolicyKeys;
  readonly store: ObjectStore;
  /** Goes into the manifest: `holdfast 0.1.0`. */
  readonly writer: string;
  readonly sources: readonly BackupSource[];
  /** Absolute folders never entered, whatever source contains them: the state directory, folders of filesystem locations. */
  readonly alwaysExclude: readonly string[];
  /** Goes into the manifest as it is; no secret. */
  readonly policyDefinition: { readonly [member: string]: JsonValue };
  /** Of the manifest: 1 for the first of the policy. */
  readonly sequence: number;
  /** SHA-256 of the stored bytes of the manifest of sequence - 1; `null` only for sequence 1. */
  readonly previous: Uint8Array | null;
  /** All *other* restore points of the policy that are live. */
  readonly live: readonly LiveRestorePoint[];
  readonly heads: Heads;
  /** Indexes to deduplicate against: those that the parent's manifest pins, and those that a failed run left (`BackupStopped.indexes`). */
  readonly parentIndexes: readonly PinnedIndex[];
  /** objectIds of packs that these indexes name and that are gone: chunks in them count as not stored. */
  readonly unusablePacks?: readonly Uint8Array[];
  /** Walk, read and count, and put nothing: the result's manifest and indexes are those of no object. Commands do not run. */
  readonly dryRun?: boolean;
  /** The next free index sequence of the policy; a run uses as many as it puts. */
  readonly nextIndexSequence: number;
  /** A folder (0700) for the cache of what files looked like; made when missing, may be deleted at any time. */
  readonly cacheFolder: string;
  /** Read every file, whatever the cache says. */
  readonly readAllAgain?: boolean;
  /** Bytes of files that are read in a second at most. */
  readonly readLimit?: number;
  /** The run's threads let everything else on the machine go first, as far as the system has priorities of threads. */
  readonly lowPriority?: boolean;
  readonly description?: string;
  readonly ledger: RunLedger;
  readonly gate: CommitGate;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** The store's own time where it has one; goes into `claimed.storeTime`. */
  readonly storeTime?: () => Date | null;
  readonly signal: AbortSignal;
  /** At most ten calls a second, and one at the end. */
  readonly onProgress?: (progress: EngineProgress) => void;
}

/** `command NAME`: the command source of that name runs. */
export type EnginePhase = 'preparing' | 'reading' | 'finishing' | 'checking' | 'committing' | 'restoring' | `command ${string}`;

export interface EngineProgress {
  readonly phase: EnginePhase;
  /** Done so far: entries that are not folders, and bytes of file content (unchanged ones included). */
  readonly files: number;
  readonly bytes: number;
  /** Once known. */
  readonly totalFiles?: number;
  readonly totalBytes?: number;
  /** Bytes put into the location, or written into the target. */
  readonly addedBytes: number;
}

export interface SkippedEntry {
  /** For display: bytes that are not UTF-8 are shown as `\xNN`. Absolute in a backup, relative to the target in a restore. */
  readonly path: string;
  readonly reason: string;
  /** A FIFO, socket or device: recorded, its content is not; alone it is no warning. */
  readonly special: boolean;
}

export interface BackupStatistics {
  readonly files: number;
  readonly folders: number;
  /** Sum of the sizes of all files. */
  readonly bytes: number;
  readonly newFiles: number;
  readonly changedFiles: number;
  readonly unchangedFiles: number;
  /** Bytes that were read. */
  readonly readBytes: number;
  /** Bytes that were read and found stored already. */
  readonly dedupBytes: number;
  /** Bytes of packs put. */
  readonly storedBytes: number;
  /** All bytes put into the location: packs, indexes and the manifest. */
  readonly addedBytes: number;
}

export interface CommittedManifest {
  readonly restorePointId: RestorePointId;
  readonly key: string;
  readonly objectId: Uint8Array;
  readonly versionId: string | null;
  readonly sequence: number;
  readonly sha256: Uint8Array;
  readonly length: number;
  /** RFC 3339, as claimed in the manifest. */
  readonly started: string;
  readonly finished: string;
}

export interface SourceRoot {
  readonly sourceId: SourceId;
  /** Tree id. */
  readonly root: Uint8Array;
}

export interface BackupResult {
  readonly manifest: CommittedManifest;
  readonly roots: readonly SourceRoot[];
  /** Everything put, in order; the manifest is the last. */
  readonly uploaded: readonly UploadedObject[];
  /** What the manifest pins. */
  readonly indexes: readonly PinnedIndex[];
  /** The next free index sequence after this run. */
  readonly nextIndexSequence: number;
  readonly statistics: BackupStatistics;
  /** The first 10,000 in full; `skippedCount` counts all. */
  readonly skipped: readonly SkippedEntry[];
  readonly skippedCount: number;
  /** Sentences: files that changed while they were read, names that could not be kept. */
  readonly warnings: readonly string[];
  /** Something that is asked for is not in the restore point: anything skipped but special files, or a warning. */
  readonly hasWarnings: boolean;
  readonly seconds: number;
}

/** What a run that ended without a restore point left behind. */
export interface BackupStopped {
  /** Indexes that were put for the packs uploaded so far: hand them to the next run as parent indexes. */
  readonly indexes: readonly PinnedIndex[];
  readonly nextIndexSequence: number;
}

/** What a restore needs of a restore point; the manifest was read and verified before. */
export interface RestoreSource {
  readonly id: SourceId;
  readonly kind: 'folder' | 'command';
  readonly label: string;
  readonly nameEncoding: 'bytes' | 'wtf-8';
  readonly separator: string;
  readonly root: Uint8Array;
}

export type ConflictMode = 'refuse' | 'skip' | 'overwrite' | 'rename';

export interface RestoreTarget {
  readonly sourceId: SourceId;
  /** Absolute folder that the source's content goes into, or a source that was a single file, under its own name; made when missing. */
  readonly folder: string;
  /** The name that a source which is no folder gets there, in the place of the one that is stored. */
  readonly name?: string;
}

export interface RestoreJob {
  /** Keys of every generation that the indexes name, newest first. */
  readonly keys: readonly PolicyKeys[];
  readonly store: ObjectStore;
  readonly sources: readonly RestoreSource[];
  readonly indexes: readonly PinnedIndex[];
  /** Where each source goes; sources that are not named stay out. */
  readonly targets: readonly RestoreTarget[];
  /** Raw paths inside each source (`a/b`, no leading separator); empty or left out: everything. A folder stands for all below it. */
  readonly selection?: ReadonlyMap<SourceId, readonly Uint8Array[]>;
  readonly conflict: ConflictMode;
  /** Give owners back. Default: only when running as root. */
  readonly owners?: boolean;
  readonly dryRun?: boolean;
  /** What is likely to come back: the totals of its progress until they are known. */
  readonly expected?: { readonly files: number; readonly bytes: number };
  /** A UUID that no other restore has, in the names of its temporary files; left out: a random one. */
  readonly runId?: string;
  /** Restores that have ended and not come to their end: what they left in folders that this one comes into is removed. */
  readonly endedRunIds?: ReadonlySet<string>;
  /** Entries that a restore may have; default 2^28. */
  readonly entryLimit?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: EngineProgress) => void;
}

/** What a restore has to tell beside what it brought back. Of each kind the first 10,000 are named, and all are counted. */
export interface RestoreFindings {
  /** Left alone because of the conflict mode, or of a kind that cannot be made here. */
  readonly skipped: readonly SkippedEntry[];
  readonly skippedCount: number;
  /** Refused or unreadable parts of the restore point; everything else is back. */
  readonly damaged: readonly DamagedEntry[];
  readonly damagedCount: number;
  readonly warnings: readonly string[];
  readonly warningsCount: number;
  /** Something needs a look: a warning, or an entry skipped that is not special. */
  readonly hasWarnings: boolean;
}

export interface RestoreResult extends RestoreFindings {
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface DamagedEntry {
  readonly path: string;
  readonly reason: string;
}

/** How the engine gets its threads; one is made for the daemon and handed to every run. */
export interface EngineThreads {
  /** The worker entry: `daemon/worker.ts`, or its bundle. */
  readonly workerUrl: URL;
  /** File workers of a run; left out: one a core, as far as memory allows. */
  readonly workers?: number;
  /** Told when a run has ended, whose shared memory is held until garbage is collected; left out: that is done soon. */
  readonly onRunEnded?: () => void;
}
