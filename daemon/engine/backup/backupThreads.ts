import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { defaultChunkerParameters } from '../chunker/chunkerParameters.ts';
import type { TableSegment } from '../dedup/chunkTable.ts';
import type { EngineThreads } from '../jobs.ts';
import { type Outbox, outboxOf } from '../threads/mailbox.ts';
import type { RunControl } from '../threads/runMemory.ts';
import type {
  BackupMemory,
  FileWorkerData,
  OutputRoomMessage,
  PackContext,
  SealedPackMessage,
  WalkerData,
  WalkerOrder,
  WalkerReport,
} from './messages.ts';

/** Threads that end by themselves are given so long before they are ended. */
const endTime = 2000;
/** Workers hold their bulk outside the heap; a small young generation keeps what lingers there small. */
const resourceLimits = { maxYoungGenerationSizeMb: 8, stackSizeMb: 4 } as const;

export interface ThreadListener {
  onReport(report: WalkerReport): void;
  onPack(message: SealedPackMessage): void;
  onOutputRoom(): void;
  /** A thread threw, or ended without having been told to. */
  onFailure(error: unknown): void;
}

/** Owns the worker threads of one backup. */
export class BackupThreads {
  readonly walker: Outbox<WalkerOrder>;
  readonly #threads: EngineThreads;
  readonly #listener: ThreadListener;
  readonly #isLowPriority: boolean;
  readonly #ended: Promise<void>[] = [];
  readonly #workers: Worker[] = [];
  #isEnding = false;

  constructor(threads: EngineThreads, control: RunControl, data: WalkerData, listener: ThreadListener) {
    this.#threads = threads;
    this.#listener = listener;
    this.#isLowPriority = data.isLowPriority;
    const worker = this.#start(data, []);
    worker.on('message', (report: WalkerReport) => listener.onReport(report));
    this.walker = outboxOf<WalkerOrder>(worker, control, 0);
  }

  /** Starts the file workers and connects each with the walker. */
  startFileWorkers(count: number, memory: BackupMemory, context: PackContext, table: readonly TableSegment[]): void {
    const ports: MessagePort[] = [];
    for (let thread = 1; thread <= count; thread += 1) {
      const { port1, port2 } = new MessageChannel();
      const isLowPriority = this.#isLowPriority;
      const data: FileWorkerData = {
        role: 'file',
        thread,
        memory,
        isLowPriority,
        context,
        chunker: defaultChunkerParameters,
        table,
        port: port2,
      };
      const worker = this.#start(data, [port2]);
      worker.on('message', (message: SealedPackMessage | OutputRoomMessage) => {
        if (message.type === 'pack') this.#listener.onPack(message);
        else this.#listener.onOutputRoom();
      });
      ports.push(port1);
    }
    this.walker.send({ type: 'workers', ports }, ports);
  }

  /** Resolves when all threads have ended; those that don't are ended. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.walker.send({ type: 'end' });
    const timer = setTimeout(() => {
      for (const worker of this.#workers) void worker.terminate();
    }, endTime);
    await Promise.all(this.#ended);
    clearTimeout(timer);
  }

  #start(workerData: WalkerData | FileWorkerData, transferList: MessagePort[]): Worker {
    const worker = new Worker(this.#threads.workerUrl, { workerData, transferList, resourceLimits });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#workers.push(worker);
    this.#ended.push(promise);
    worker.on('error', (error) => this.#listener.onFailure(error));
    worker.on('exit', (code) => {
      resolve();
      if (code !== 0 && !this.#isEnding) this.#listener.onFailure(new Error(`A worker thread ended with ${code}.`));
    });
    return worker;
  }
}
