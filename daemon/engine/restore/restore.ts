import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../../protocol/errors.ts';
import { uuidBytes } from '../../../protocol/ids.ts';
import type { PartSink } from '../../locations/objectParts.ts';
import type { EngineProgress, EngineThreads, RestoreJob, RestoreResult } from '../jobs.ts';
import { newRunMemory, RunControl, type RunMemory, sumCounters } from '../threads/runMemory.ts';
import { collectSoon } from '../threads/shortLivedMemory.ts';
import { restoreWorkerCount } from '../threads/threadCounts.ts';
import { errorOf, failureOf } from './mainStore.ts';
import type {
  FetchPlan,
  PackJob,
  PlannerData,
  PlannerOrder,
  PlannerReport,
  PlannerResult,
  RestoreWorkerData,
  WorkDone,
  WorkOrder,
} from './messages.ts';
import { JobBuffers } from './jobBuffers.ts';
import { gapLength } from './jobMaker.ts';
import { reasonFor } from './targetFolders.ts';

/** Memory for one fetched range: 8 MiB, a block more, and what whole segments add. */
const fetchBufferLength = 9 * 1024 * 1024;
/** Ranges that a worker has at once: one in hand, one to go on with. */
const ordersPerWorker = 2;
/** Beside those of the workers: as many are on their way from the store. */
const fetchesAtOnce = 2;
/** Requests for several ranges under way at once: enough for a store that is far away, and there is memory left for what they go on with. */
const longReadsAtOnce = 4;
const progressEvery = 100;
const defaultEntryLimit = 2 ** 28;
const endTime = 2000;
const resourceLimits = { maxYoungGenerationSizeMb: 8 } as const;

/**
 * Restores: the planner reads trees and says what is fetched, this thread fetches, workers open, check and write. What is damaged or can't be
 * written is named in the result, and everything else comes back. Rejects where the target, the store or the disk as a whole fails, or on
 * cancel; files that were not complete are removed then.
 */
export async function runRestore(job: RestoreJob, threads: EngineThreads): Promise<RestoreResult> {
  job.signal.throwIfAborted();
  try {
    return await new RestoreRun(job, threads).run();
  } finally {
    (threads.onRunEnded ?? collectSoon)();
  }
}

interface RestoreWorker {
  readonly worker: Worker;
  orders: number;
}

interface Fetched {
  readonly order: WorkOrder;
  readonly buffer: SharedArrayBuffer;
}

class RestoreRun {
  readonly #job: RestoreJob;
  readonly #threads: EngineThreads;
  readonly #memory: RunMemory;
  readonly #control: RunControl;
  readonly #planned: PromiseWithResolvers<PlannerResult> = Promise.withResolvers();
  readonly #stopGets: AbortController = new AbortController();
  readonly #workers: RestoreWorker[] = [];
  readonly #exits: Promise<void>[] = [];
  readonly #free: SharedArrayBuffer[] = [];
  /** Jobs that are read one after the other by one request. */
  readonly #queue: (readonly PackJob[])[] = [];
  /** Parts of reads under way whose turn for memory comes before that of other reads. */
  readonly #waiting: ((buffer: SharedArrayBuffer) => void)[] = [];
  readonly #ready: Fetched[] = [];
  readonly #underWay = new Map<number, SharedArrayBuffer>();
  readonly #workerCount: number;
  #planner: Worker | undefined;
  #startWorker: ((thread: number) => RestoreWorker) | undefined;
  #buffers = 0;
  #longReads = 0;
  #totals: { readonly totalFiles: number; readonly totalBytes: number } | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isEnding = false;

  constructor(job: RestoreJob, threads: EngineThreads) {
    this.#job = job;
    this.#threads = threads;
    if (job.expected !== undefined) this.#totals = { totalFiles: job.expected.files, totalBytes: job.expected.bytes };
    this.#workerCount = restoreWorkerCount(threads.workers);
    this.#memory = newRunMemory(this.#workerCount + 1);
    this.#control = new RunControl(this.#memory);
  }

  async run(): Promise<RestoreResult> {
    const { signal } = this.#job;
    const startedAt = performance.now();
    const onAbort = (): void => this.#fail(cancelledError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setInterval(() => this.#report(), progressEvery);
    try {
      this.#startPlanner();
      const result = await this.#planned.promise;
      this.#throwIfFailed();
      this.#report();
      return { ...result, seconds: (performance.now() - startedAt) / 1000 };
    } catch (error) {
      const failure = this.#failure?.error ?? error;
      throw HoldfastError.is(failure) ? failure : HoldfastError.unforeseen(`restore into ${this.#target}`, failure);
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
      await this.#end();
    }
  }

  /** For sentences: where it goes, or the first place of several. */
  get #target(): string {
    return this.#job.targets[0]?.folder ?? 'the target';
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Stops everything. The planner removes what is half done, and ends the run by its report. */
  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#control.stop();
    this.#stopGets.abort(error);
    this.#queue.length = 0;
    if (this.#planner === undefined) this.#planned.reject(error);
    else this.#order({ type: 'stop' });
  }

  #startPlanner(): void {
    const { keys, store, indexes, sources, targets, selection, conflict, entryLimit } = this.#job;
    const [first] = keys;
    if (first === undefined)
      throw HoldfastError.failedTo('locked', `restore into ${this.#target}`, 'no keys of the policy are held', {
        fix: 'Run "holdfast unlock".',
      });
    const header = { installationId: first.installationId, scopeId: uuidBytes(first.policyId), storeId: store.storeId };
    const owners = this.#job.owners ?? process.getuid?.() === 0;
    const readKeys = keys.map((set) => ({ ...set, owner: undefined }));
    const data: PlannerData = {
      role: 'planner',
      memory: this.#memory,
      keys: readKeys,
      header,
      indexes,
      sources,
      targets,
      selection,
      conflict,
      owners,
      dryRun: this.#job.dryRun ?? false,
      runId: this.#job.runId ?? randomUUID(),
      endedRunIds: this.#job.endedRunIds ?? new Set(),
      entryLimit: entryLimit ?? defaultEntryLimit,
    };
    this.#planner = this.#start(data, (report: PlannerReport) => this.#onReport(report));
    if (this.#job.dryRun === true) return;
    this.#startWorker = (thread) => {
      const workerData: RestoreWorkerData = { role: 'restore', thread, memory: this.#memory, keys: readKeys, header, owners };
      const entry: RestoreWorker = { worker: this.#start(workerData, (done: WorkDone) => this.#onDone(entry, done)), orders: 0 };
      return entry;
    };
    this.#workers.push(this.#startWorker(1));
  }

  #start<Message>(workerData: PlannerData | RestoreWorkerData, onMessage: (message: Message) => void): Worker {
    const worker = new Worker(this.#threads.workerUrl, { workerData, resourceLimits });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exits.push(promise);
    worker.on('message', onMessage);
    worker.on('error', (error) => {
      this.#fail(error);
      this.#planned.reject(error);
    });
    worker.on('exit', (code) => {
      resolve();
      if (code === 0 || this.#isEnding) return;
      const error = new Error(`a worker thread ended with ${code}`);
      this.#fail(error);
      this.#planned.reject(error);
    });
    return worker;
  }

  #order(order: PlannerOrder): void {
    this.#planner?.postMessage(order, []);
  }

  #onReport(report: PlannerReport): void {
    switch (report.type) {
      case 'get':
        void this.#answer(report);
        break;
      case 'jobs':
        this.#queue.push(...this.#readsOf(report.jobs));
        this.#fetchMore();
        break;
      case 'totals':
        this.#totals = { totalFiles: report.files, totalBytes: report.bytes };
        break;
      case 'planned':
        this.#planned.resolve(report.result);
        break;
      case 'failed':
        this.#planned.reject(errorOf(report.error));
        break;
    }
  }

  async #answer({ id, key, versionId, offset, length }: Extract<PlannerReport, { readonly type: 'get' }>): Promise<void> {
    try {
      const range = { ...(offset === undefined ? {} : { offset }), ...(length === undefined ? {} : { length }) };
      const found = await this.#job.store.get(key, { versionId, ...range, signal: this.#stopGets.signal });
      this.#order({
        type: 'got',
        id,
        found:
          found === undefined
            ? undefined
            : {
                body: found.body,
                size: found.size,
                offset: found.offset,
                versionId: found.versionId,
                lastModified: found.lastModified.getTime(),
              },
      });
    } catch (error) {
      this.#order({ type: 'getFailed', id, error: failureOf(error) });
    }
  }

  /** Jobs of one pack that follow one another closely become one read, where the store can do that. */
  #readsOf(jobs: readonly PackJob[]): PackJob[][] {
    if (this.#job.store.getParts === undefined) return jobs.map((job) => [job]);
    const reads: PackJob[][] = [];
    for (const job of jobs) {
      const last = reads.at(-1);
      const before = last?.at(-1);
      if (last !== undefined && before !== undefined && isFollowedBy(before.fetch, job.fetch)) last.push(job);
      else reads.push([job]);
    }
    return reads;
  }

  #fetchMore(): void {
    while (this.#queue.length > 0 && (this.#queue[0]?.length === 1 || this.#longReads < longReadsAtOnce)) {
      const buffer = this.#takeBuffer();
      if (buffer === undefined) return;
      const [job, ...others] = this.#queue.shift() ?? [];
      if (job === undefined) return this.#giveBack(buffer);
      if (others.length === 0) void this.#fetch(job, buffer);
      else void this.#fetchAll([job, ...others], buffer);
    }
  }

  #takeBuffer(): SharedArrayBuffer | undefined {
    const free = this.#free.pop();
    if (free !== undefined || this.#buffers >= this.#workerCount * ordersPerWorker + fetchesAtOnce) return free;
    this.#buffers += 1;
    return new SharedArrayBuffer(fetchBufferLength);
  }

  #giveBack(buffer: SharedArrayBuffer): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#free.push(buffer);
    else waiting(buffer);
  }

  /** Reads the ranges of several jobs by one request; what does not come by it is fetched job by job. */
  async #fetchAll(jobs: readonly PackJob[], first: SharedArrayBuffer): Promise<void> {
    const { key, versionId, objectSize } = jobs[0]?.fetch ?? { key: '', versionId: null, objectSize: 0 };
    const buffers = new JobBuffers(jobs, first, () => this.#nextBuffer());
    const sink: PartSink = {
      memory: (part) => buffers.memoryOf(part),
      filled: (part) => {
        const { job, buffer, fetched } = buffers.filled(part);
        this.#ready.push({ order: { job, fetched, reason: '' }, buffer });
        this.#workMore();
      },
    };
    this.#longReads += 1;
    try {
      const parts = jobs.map(({ fetch }) => fetch);
      await this.#job.store.getParts?.(key, { versionId, size: objectSize, parts, sink, signal: this.#stopGets.signal });
    } catch (error) {
      if (!HoldfastError.is(error, 'storeFailed', 'damaged')) {
        this.#fail(error);
        return;
      }
    } finally {
      this.#longReads -= 1;
    }
    const { job, rest } = buffers.left();
    this.#queue.unshift(...rest.map((one) => [one]));
    if (job !== undefined) await this.#fetch(job, await buffers.ownBuffer());
    this.#fetchMore();
  }

  #nextBuffer(): SharedArrayBuffer | Promise<SharedArrayBuffer> {
    return this.#takeBuffer() ?? new Promise((resolve) => void this.#waiting.push(resolve));
  }

  async #fetch(job: PackJob, buffer: SharedArrayBuffer): Promise<void> {
    const { key, versionId, objectSize, offset, length } = job.fetch;
    let order: WorkOrder;
    try {
      const into = new Uint8Array(buffer, 0, length);
      const { store } = this.#job;
      const options = { offset, length, into, signal: this.#stopGets.signal };
      let found = await store.get(key, { ...options, versionId });
      // A version that is gone may have a twin; whether it is one, the tags say.
      if (found === undefined && versionId !== null) found = await store.get(key, options);
      const isAsRecorded = found !== undefined && found.size === objectSize && found.offset === offset && found.body.length === length;
      order =
        isAsRecorded && found !== undefined ? { job, fetched: found.body, reason: '' } : { job, fetched: null, reason: lackOf(found) };
    } catch (error) {
      // The store as a whole is away: nothing else would come back either. One object that can't be read is that object's damage.
      if (!HoldfastError.is(error, 'storeFailed')) {
        this.#fail(error);
        return;
      }
      order = { job, fetched: null, reason: 'the store fails to give one of its objects' };
    }
    this.#ready.push({ order, buffer });
    this.#workMore();
  }

  #workMore(): void {
    for (;;) {
      if (this.#ready.length === 0 || this.#failure !== undefined) return;
      const idlest = this.#idlestWorker();
      const next = idlest === undefined ? undefined : this.#ready.shift();
      if (idlest === undefined || next === undefined) return;
      idlest.orders += 1;
      this.#underWay.set(next.order.job.id, next.buffer);
      idlest.worker.postMessage(next.order, []);
    }
  }

  /** One that can take another order. A thread costs a twentieth of a second to start: one more is there only when those that are can't keep up. */
  #idlestWorker(): RestoreWorker | undefined {
    const idlest = this.#workers.toSorted((a, b) => a.orders - b.orders)[0];
    if (idlest === undefined || idlest.orders < ordersPerWorker) return idlest;
    if (this.#workers.length >= this.#workerCount || this.#startWorker === undefined) return undefined;
    const another = this.#startWorker(this.#workers.length + 1);
    this.#workers.push(another);
    return another;
  }

  #onDone(entry: RestoreWorker, done: WorkDone): void {
    entry.orders -= 1;
    const buffer = this.#underWay.get(done.id);
    this.#underWay.delete(done.id);
    if (buffer !== undefined) this.#giveBack(buffer);
    if (done.fatal !== null) {
      this.#fail(
        HoldfastError.failedTo('diskFailed', `restore into ${this.#target}`, reasonFor(done.fatal), {
          fix: 'Make room, or choose another folder, and run it again.',
        }),
      );
    }
    this.#order({ type: 'jobDone', done });
    this.#workMore();
    this.#fetchMore();
  }

  async #end(): Promise<void> {
    this.#isEnding = true;
    for (const { worker } of this.#workers) worker.postMessage(null, []);
    const timer = setTimeout(() => {
      void this.#planner?.terminate();
      for (const { worker } of this.#workers) void worker.terminate();
    }, endTime);
    await Promise.all(this.#exits);
    clearTimeout(timer);
  }

  #report(): void {
    const { files, bytes } = sumCounters(this.#memory);
    const progress: EngineProgress = { phase: 'restoring', files, bytes, addedBytes: bytes, ...this.#totals };
    this.#job.onProgress?.(progress);
  }
}

/** Whether one range can be read on from the other: it ends behind it, and begins in it or so near that a request of its own would take longer. */
function isFollowedBy(before: FetchPlan, next: FetchPlan): boolean {
  const isSame = before.key === next.key && before.versionId === next.versionId && before.objectSize === next.objectSize;
  const end = before.offset + before.length;
  return isSame && next.offset >= before.offset && next.offset <= end + gapLength && next.offset + next.length > end;
}

function lackOf(found: object | undefined): string {
  return found === undefined ? 'an object of it is missing' : 'an object of it has another length than recorded';
}

function cancelledError(reason: unknown): HoldfastError {
  return HoldfastError.is(reason) ? reason : new HoldfastError('cancelled', 'Failed to restore: it was cancelled.');
}
