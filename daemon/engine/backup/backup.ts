import { HoldfastError } from '../../../protocol/errors.ts';
import { systemEntropy } from '../../repository/entropy.ts';
import type { ObjectStore } from '../../locations/objectStore.ts';
import { encodeLiveList, maxInlineLive } from '../../repository/liveList.ts';
import { restorePointIdOf, sealManifest } from '../../repository/manifest.ts';
import { indexKey, packKey, parseObjectKey, restorePointKey } from '../../repository/names.ts';
import type {
  BackupJob,
  BackupResult,
  BackupStatistics,
  CommandSource,
  EnginePhase,
  EngineThreads,
  PinnedIndex,
  ReachedObjects,
  SkippedEntry,
} from '../jobs.ts';
import { newReadBudget } from '../threads/readBudget.ts';
import { newRunMemory, RunControl, type RunMemory, sumCounters } from '../threads/runMemory.ts';
import { newSealedBuffers, type SealedBufferMemory, SealedBuffers } from '../threads/sealedBuffers.ts';
import { fileWorkerCount, sealedBufferCount } from '../threads/threadCounts.ts';
import { collectSoon } from '../threads/shortLivedMemory.ts';
import { BackupThreads } from './backupThreads.ts';
import { HitList } from './hitList.ts';
import { indexesToMerge } from './indexMerge.ts';
import { manifestOf } from './manifestOf.ts';
import type { PackContext, SealedIndex, SealedPackMessage, WalkerData, WalkerReport, WalkResult } from './messages.ts';
import { ObjectPutter } from './objectPutter.ts';
import { RunningOutput } from './runningOutput.ts';
import { BackupStoppedError } from './stoppedError.ts';

/** zstd: level 1 stores text in a tenth more, level 3 takes a fifth longer. */
const compressionLevel = 2;
const progressEvery = 100;
/** What a stopped run may take to write down what it has put: little where somebody waits for its end. */
const salvageTime = { cancelled: 700, failed: 30_000 } as const;

/**
 * Runs a backup: the walker and the file workers do the work; this thread starts them, puts what they seal, and commits. Order of commit: packs,
 * indexes, gate, manifest, gate. Rejects with `BackupStoppedError`, and nothing is listed then.
 */
export async function runBackup(job: BackupJob, threads: EngineThreads): Promise<BackupResult> {
  job.signal.throwIfAborted();
  try {
    return await new BackupRun(job, threads).run();
  } finally {
    (threads.onRunEnded ?? collectSoon)();
  }
}

class BackupRun {
  readonly #job: BackupJob;
  readonly #engineThreads: EngineThreads;
  readonly #workerCount: number;
  readonly #memory: RunMemory;
  readonly #control: RunControl;
  readonly #sealedMemory: SealedBufferMemory;
  readonly #sealed: SealedBuffers;
  readonly #context: PackContext;
  readonly #putter: ObjectPutter;
  readonly #hits: HitList = new HitList();
  readonly #puts = new Set<Promise<void>>();
  readonly #stopPuts: AbortController = new AbortController();
  readonly #finished: PromiseWithResolvers<WalkResult> = Promise.withResolvers();
  readonly #salvaged: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #committed: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #newIndexes: PinnedIndex[] = [];
  readonly #started: Date;
  #usableIndexes: ReadonlySet<string> = new Set();
  #hitMemory: SharedArrayBuffer = new SharedArrayBuffer(1);
  #hitsTold: Promise<void> = Promise.resolve();
  #threads: BackupThreads | undefined;
  #output: RunningOutput | undefined;
  #outputDone: Promise<void> = Promise.resolve();
  #putSignal: AbortSignal = this.#stopPuts.signal;
  #phase: EnginePhase = 'preparing';
  #totals: { readonly totalFiles: number; readonly totalBytes: number } | undefined;
  #failure: { readonly error: unknown } | undefined;
  #nextIndexSequence: number;

  constructor(job: BackupJob, engineThreads: EngineThreads) {
    this.#job = job;
    this.#engineThreads = engineThreads;
    this.#workerCount = fileWorkerCount(engineThreads.workers);
    this.#memory = newRunMemory(this.#workerCount + 1);
    this.#control = new RunControl(this.#memory);
    this.#sealedMemory = newSealedBuffers(sealedBufferCount);
    this.#sealed = new SealedBuffers(this.#sealedMemory, this.#control);
    // Workers seal packs and indexes; they need no key that signs as the owner.
    this.#context = { keys: { ...job.keys, owner: undefined }, storeId: job.store.storeId, compressionLevel };
    this.#putter = new ObjectPutter(job);
    this.#started = new Date(job.clock());
    this.#nextIndexSequence = job.nextIndexSequence;
    // A run that fails before it waits for the walk must not end the process.
    this.#finished.promise.catch(() => undefined);
  }

  async run(): Promise<BackupResult> {
    const { signal } = this.#job;
    const onAbort = (): void => this.#fail(cancelledError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setInterval(() => this.#tick(), progressEvery);
    const startedAt = performance.now();
    try {
      this.#startWalker();
      await this.#sendParentIndexes();
      const walked = await this.#finished.promise;
      const result = await this.#commit(walked, startedAt);
      this.#report();
      return result;
    } catch (error) {
      this.#fail(error);
      throw await this.#stopped();
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
      await Promise.all([this.#threads?.end(), this.#outputDone]);
    }
  }

  /** Stops everything; the first failure is the one that counts. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#control.stop();
    this.#stopPuts.abort(error);
    this.#finished.reject(error);
  }

  #startWalker(): void {
    const job = this.#job;
    const data = {
      role: 'walker',
      memory: { run: this.#memory, sealed: this.#sealedMemory },
      isLowPriority: job.lowPriority ?? false,
      context: this.#context,
      sources: this.#walkedSources(),
      alwaysExclude: job.alwaysExclude,
      cacheFolder: job.cacheFolder,
      readAllAgain: job.readAllAgain ?? false,
      parentIndexes: job.parentIndexes.length,
      unusablePacks: job.unusablePacks ?? [],
      liveList: job.live.length > maxInlineLive ? encodeLiveList(job.live) : new Uint8Array(0),
      nextIndexSequence: job.nextIndexSequence,
    } as const;
    this.#threads = new BackupThreads(this.#engineThreads, this.#control, data, {
      onReport: (report) => this.#onReport(report),
      onPack: (message) => this.#onPack(message),
      onOutputRoom: () => this.#output?.onRoom(),
      onFailure: (error) => {
        this.#fail(error);
        this.#salvaged.resolve();
        this.#committed.resolve();
      },
    });
  }

  async #sendParentIndexes(): Promise<void> {
    const { store, parentIndexes } = this.#job;
    const merged = indexesToMerge(parentIndexes);
    // The newest first: where a chunk was stored again because its pack was lost, the newer place counts.
    for (const pinned of parentIndexes.toReversed()) {
      const bytes = await this.#storedIndex(store, pinned);
      this.#threads?.walker.send({ type: 'parentIndex', pinned, bytes, isMerged: merged.has(pinned.key) });
    }
  }

  /** The stored bytes of an index, not yet checked; `null` where no object of that name and length is there. */
  async #storedIndex(store: ObjectStore, { key, versionId, length }: PinnedIndex): Promise<Uint8Array | null> {
    // What a restore point from elsewhere pins is no name to ask the store for, and no length to allocate, before it was looked at.
    if (parseObjectKey(key)?.type !== 'index') return null;
    const signal = this.#putSignal;
    if ((await store.head(key, { versionId, signal }))?.size !== length) return null;
    const into = new Uint8Array(new SharedArrayBuffer(length));
    const found = await store.get(key, { versionId, length, into, signal });
    return found === undefined || found.size !== length || found.body.length !== length ? null : found.body;
  }

  #onReport(report: WalkerReport): void {
    switch (report.type) {
      case 'prepared':
        this.#hits.connect(report.packs, report.hits);
        this.#hitMemory = report.hits;
        this.#usableIndexes = new Set(report.usable);
        this.#phase = 'reading';
        break;
      case 'expected': {
        const { totalFiles, totalBytes } = this.#totals ?? { totalFiles: 0, totalBytes: 0 };
        this.#totals = { totalFiles: totalFiles + report.files, totalBytes: totalBytes + report.bytes };
        break;
      }
      case 'workersWanted': {
        const { readLimit } = this.#job;
        const readBudget = readLimit === undefined ? undefined : newReadBudget(readLimit);
        const memory = { run: this.#memory, sealed: this.#sealedMemory, hits: this.#hitMemory, readBudget };
        this.#threads?.startFileWorkers(this.#workerCount, memory, this.#context, report.table);
        break;
      }
      case 'outputWanted': {
        const source = this.#commands().find(({ id }) => id === report.sourceId);
        if (source === undefined) throw new Error(`There is no command ${report.sourceId}.`);
        this.#output = new RunningOutput(report.pipe);
        this.#outputDone = this.#runCommand(source, this.#output);
        break;
      }
      case 'walked':
        this.#totals = { totalFiles: report.files, totalBytes: report.bytes };
        break;
      case 'packsDone':
        this.#phase = 'finishing';
        break;
      case 'pack':
        this.#onPack(report);
        break;
      case 'index':
        this.#track(this.#putIndex(report.index));
        break;
      case 'salvaged':
        this.#salvaged.resolve();
        break;
      case 'finished':
        this.#finished.resolve(report.result);
        break;
      case 'committed':
        this.#committed.resolve();
        break;
    }
  }

  #commands(): readonly CommandSource[] {
    return this.#job.sources.filter((source) => source.kind === 'command');
  }

  /** What the walker goes through: functions stay here, and a dry run starts no command. */
  #walkedSources(): WalkerData['sources'] {
    const { sources, dryRun } = this.#job;
    return sources
      .filter(({ kind }) => kind === 'folder' || dryRun !== true)
      .map((source) => (source.kind === 'folder' ? source : { id: source.id, kind: source.kind, label: source.label }));
  }

  async #runCommand(source: CommandSource, output: RunningOutput): Promise<void> {
    this.#phase = `command ${source.label}`;
    this.#report();
    try {
      const problem = await output.run(source, this.#stopPuts.signal);
      this.#phase = 'reading';
      this.#threads?.walker.send({ type: 'outputEnded', problem, endedAt: this.#job.clock() });
    } catch (error) {
      this.#fail(error);
    }
  }

  #onPack({ buffer, pack }: SealedPackMessage): void {
    const { installationId, policyId } = this.#job.keys;
    const { objectId, sha256, storedLength: length } = pack;
    const put = async (): Promise<void> => {
      try {
        const body = this.#sealed.bytes(buffer).subarray(0, length);
        const key = packKey(installationId, policyId, objectId);
        const { versionId } = await this.#putter.put({ key, kind: 'pack', objectId, length, sha256 }, body, this.#putSignal);
        this.#threads?.walker.send({ type: 'packStored', pack: { ...pack, versionId } });
      } finally {
        this.#sealed.release(buffer);
      }
    };
    this.#track(put());
  }

  async #putIndex({ sequence, objectId, salt, sha256, bytes }: SealedIndex): Promise<void> {
    const { installationId, policyId } = this.#job.keys;
    const key = indexKey(installationId, policyId, sequence, objectId);
    this.#nextIndexSequence = Math.max(this.#nextIndexSequence, sequence + 1);
    const { versionId } = await this.#putter.put({ key, kind: 'index', objectId, length: bytes.length, sha256 }, bytes, this.#putSignal);
    this.#newIndexes.push({ key, versionId, length: bytes.length, sha256, objectId, salt });
  }

  /** A put that fails stops the run. */
  #track(put: Promise<void>): void {
    const settled = put.then(
      () => undefined,
      (error: unknown) => this.#fail(error),
    );
    this.#puts.add(settled);
    void settled.then(() => this.#puts.delete(settled));
  }

  async #putsSettled(): Promise<void> {
    while (this.#puts.size > 0) await Promise.all(this.#puts);
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #commit(walked: WalkResult, startedAt: number): Promise<BackupResult> {
    const job = this.#job;
    const notRun = job.dryRun === true ? this.#commands().map(notRunInDryRun) : [];
    if (walked.roots.length === 0 && notRun.length === 0) throw nothingToKeep(job, walked);
    await this.#putsSettled();
    this.#throwIfFailed();
    this.#tellHits();
    await this.#hitsTold;
    this.#throwIfFailed();
    this.#phase = 'checking';
    const indexes = [...job.parentIndexes.filter(({ key }) => this.#usableIndexes.has(key)), ...this.#newIndexes];
    if (job.dryRun !== true) await job.gate(this.#reached(indexes));
    this.#throwIfFailed();
    this.#phase = 'committing';
    const statistics = this.#statistics(walked, 0);
    const finished = new Date(Math.max(job.clock(), this.#started.getTime()));
    const parts = { started: this.#started, finished, walked, indexes, statistics, compressionLevel };
    const sealed = sealManifest(manifestOf(job, parts), job.keys, job.store.storeId, systemEntropy);
    const { objectId, sha256, bytes } = sealed;
    const { installationId, policyId } = job.keys;
    const key = restorePointKey(installationId, policyId, job.sequence, finished.toISOString(), objectId);
    const object = { key, kind: 'manifest', objectId, length: bytes.length, sha256 } as const;
    const { versionId } = await this.#putter.put(object, bytes, this.#putSignal);
    if (job.dryRun !== true) {
      await job.gate(this.#reached(indexes));
      this.#threads?.walker.send({ type: 'commit' });
      await this.#committed.promise;
    }
    const { skipped, skippedCount, warnings, hasWarnings, roots } = walked;
    return {
      manifest: {
        restorePointId: restorePointIdOf(objectId),
        key,
        objectId,
        versionId,
        sequence: job.sequence,
        sha256,
        length: bytes.length,
        started: this.#started.toISOString(),
        finished: finished.toISOString(),
      },
      roots,
      uploaded: this.#putter.uploaded,
      indexes,
      nextIndexSequence: this.#nextIndexSequence,
      statistics: this.#statistics(walked, 0),
      skipped: [...skipped, ...notRun],
      skippedCount: skippedCount + notRun.length,
      warnings,
      hasWarnings,
      seconds: (performance.now() - startedAt) / 1000,
    };
  }

  #reached(indexes: readonly PinnedIndex[]): ReachedObjects {
    return { uploaded: this.#putter.uploaded, hits: this.#hits.told, indexes };
  }

  #statistics(walked: WalkResult, pendingBytes: number): BackupStatistics {
    const { readBytes, dedupBytes } = sumCounters(this.#memory);
    return {
      ...walked.counts,
      readBytes,
      dedupBytes,
      storedBytes: this.#putter.packBytes,
      addedBytes: this.#putter.bytes + pendingBytes,
    };
  }

  /** The error to end with, once what was put is written down in an index, as far as the store still takes it. */
  async #stopped(): Promise<unknown> {
    const error = this.#failure?.error;
    const isCancelled = HoldfastError.is(error, 'cancelled');
    const time = AbortSignal.timeout(isCancelled ? salvageTime.cancelled : salvageTime.failed);
    await within(time, this.#putsSettled());
    if (this.#putter.uploaded.some(({ kind }) => kind === 'pack') && !time.aborted) {
      this.#putSignal = time;
      this.#threads?.walker.send({ type: 'salvage' });
      await within(time, this.#salvaged.promise);
      await within(time, this.#putsSettled());
    }
    return new BackupStoppedError(error, `back up ${labelsOf(this.#job)}`, {
      indexes: this.#newIndexes,
      nextIndexSequence: this.#nextIndexSequence,
    });
  }

  #tellHits(): void {
    const found = this.#hits.takeNew();
    if (found.length === 0 || this.#job.dryRun === true) return;
    this.#hitsTold = this.#hitsTold
      .then(() => this.#job.ledger.hits(found))
      .catch((error: unknown) => {
        this.#fail(error);
      });
  }

  #tick(): void {
    this.#tellHits();
    this.#report();
  }

  #report(): void {
    const { files, bytes } = sumCounters(this.#memory);
    // Nobody knows how much a command will print.
    const totals = this.#phase.startsWith('command ') ? {} : this.#totals;
    this.#job.onProgress?.({ phase: this.#phase, files, bytes, addedBytes: this.#putter.bytes, ...totals });
  }
}

/** Resolves when `work` does, or when the time is over. */
async function within(time: AbortSignal, work: Promise<void>): Promise<void> {
  if (time.aborted) return;
  const over = Promise.withResolvers<void>();
  const onAbort = (): void => over.resolve();
  time.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, over.promise]);
  } finally {
    time.removeEventListener('abort', onAbort);
  }
}

function cancelledError(reason: unknown): HoldfastError {
  return HoldfastError.is(reason) ? reason : new HoldfastError('cancelled', 'Failed to back up: it was cancelled.');
}

/** For sentences. */
function labelsOf(job: BackupJob): string {
  return job.sources.map(({ label }) => label).join(', ');
}

function notRunInDryRun({ label }: CommandSource): SkippedEntry {
  return { path: label, reason: 'a dry run runs no commands', special: true };
}

function nothingToKeep(job: BackupJob, { skipped }: WalkResult): HoldfastError {
  if (job.sources.some(({ kind }) => kind === 'folder')) return sourcesMissing(job);
  const reason = job.sources.length === 1 ? (skipped[0]?.reason ?? 'its command failed') : 'all of its commands failed';
  return HoldfastError.failedTo('commandFailed', `back up ${labelsOf(job)}`, reason, {
    fix: 'Run the command by hand; the details of this error hold what it said.',
  });
}

function sourcesMissing(job: BackupJob): HoldfastError {
  return HoldfastError.failedTo('sourceMissing', `back up ${labelsOf(job)}`, 'no source is there or can be read', {
    fix: 'Check the paths of the policy, and whether their drives are mounted.',
  });
}
